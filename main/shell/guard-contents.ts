import type { App, Session } from 'electron';
import { mayNavigate, mayOpenExternally, mayUsePermission } from './security.ts';

/** Items 11 to 15, for every web contents there will ever be, not only our window. */
export function guardContents(app: App, consoleUrl: () => string, openExternal: (url: string) => void): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.on('will-navigate', (event, url) => {
      if (!mayNavigate(url, consoleUrl())) event.preventDefault();
    });
    contents.on('will-redirect', (event, url) => {
      if (!mayNavigate(url, consoleUrl())) event.preventDefault();
    });
    contents.setWindowOpenHandler(({ url }) => {
      if (mayOpenExternally(url)) openExternal(url);
      return { action: 'deny' };
    });
  });
}
/** Item 5: asked or checked, a permission is denied unless the console needs it; devices always. */
export function guardPermissions(session: Session, consoleUrl: () => string): void {
  session.setPermissionRequestHandler((_contents, permission, answer, details) =>
    answer(mayUsePermission(permission, details.requestingUrl, consoleUrl())),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) => mayUsePermission(permission, origin, consoleUrl()));
  session.setDevicePermissionHandler(() => false);
}
