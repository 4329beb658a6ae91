import type { BrowserWindow, Tray } from 'electron';
import type { State } from '#contracts/console-api.ts';
import type { Incident } from '#contracts/judgement.ts';
import type { Settings } from '#contracts/settings.ts';
import type { Supervisor } from '#main/supervisor/supervise.ts';
import { deepLinkIn, parseDeepLink } from './deep-link.ts';
import { mayCall, mayNavigate, mayOpenExternally, mayUsePermission, WEB_PREFERENCES } from './security.ts';
import { describeTray, type TrayState, toNotify } from './tray-state.ts';

/** The parts of Electron the shell uses; injected, so that its decisions run in tests without the binary. */
export type ElectronParts = Pick<
  typeof import('electron'),
  'app' | 'BrowserWindow' | 'Menu' | 'Tray' | 'Notification' | 'nativeImage' | 'ipcMain' | 'shell' | 'session'
>;
export interface ShellOptions {
  readonly electron: ElectronParts;
  readonly settings: Settings;
  readonly preload: string;
  readonly iconOf: (icon: TrayState['icon']) => string;
  readonly supervise: () => Promise<Supervisor>;
  readonly log: (line: string) => void;
}
const POLL_MS = 2_000;

/** Reads the console's own API for the tray and for notifications: the shell never touches telemetry itself. */
async function ask<T>(api: string, token: string, path: string): Promise<T | null> {
  try {
    const response = await fetch(`${api}${path}`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(1500) });
    return response.ok ? ((await response.json()) as T) : null;
  } catch {
    return null;
  }
}

/** Window, tray, menu, notifications, deep links, single instance. Starts nothing when another instance runs. */
export async function startShell({ electron, settings, preload, iconOf, supervise, log }: ShellOptions): Promise<void> {
  const { app } = electron;
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  app.enableSandbox();
  app.setAsDefaultProtocolClient('faultline');
  let window: BrowserWindow | null = null;
  let tray: Tray | null = null;
  let consoleUrl = '';
  let pendingPath = deepLinkIn(process.argv);

  const show = (path: string | null): void => {
    if (!window) {
      pendingPath = path ?? pendingPath;
      return;
    }
    if (path !== null) window.webContents.send('faultline:open', path);
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  };
  app.on('second-instance', (_event, argv) => show(deepLinkIn(argv)));
  app.on('open-url', (event, url) => {
    event.preventDefault();
    show(parseDeepLink(url));
  });
  // Items 11 to 15 for every web contents there will ever be, not only our window.
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.on('will-navigate', (event, url) => {
      if (!mayNavigate(url, consoleUrl)) event.preventDefault();
    });
    contents.setWindowOpenHandler(({ url }) => {
      if (mayOpenExternally(url)) void electron.shell.openExternal(url);
      return { action: 'deny' };
    });
  });

  const [supervisor] = await Promise.all([supervise(), app.whenReady()]);
  consoleUrl = supervisor.addresses.api;
  electron.session.defaultSession.setPermissionRequestHandler((_contents, permission, answer, details) =>
    answer(mayUsePermission(permission, details.requestingUrl, consoleUrl)),
  );
  electron.session.defaultSession.setPermissionCheckHandler((_contents, permission, origin) =>
    mayUsePermission(permission, origin, consoleUrl),
  );
  electron.ipcMain.handle('faultline:version', (event) => {
    if (!mayCall(event.senderFrame, consoleUrl)) throw new Error('only the console may ask');
    return app.getVersion();
  });

  const openWindow = (): void => {
    window = new electron.BrowserWindow({
      width: 1440,
      height: 900,
      minWidth: 960,
      minHeight: 600,
      show: false,
      backgroundColor: '#0e1116',
      title: 'Faultline',
      webPreferences: { ...WEB_PREFERENCES, preload },
    });
    window.once('ready-to-show', () => window?.show());
    window.on('closed', () => {
      window = null;
    });
    const path = pendingPath ?? '/';
    pendingPath = null;
    void window.loadURL(`${consoleUrl}/?token=${settings.token}${path.startsWith('/#') ? path.slice(1) : ''}`);
  };
  openWindow();
  app.on('activate', () => (window ? show(null) : openWindow()));
  // The collector goes on receiving with the window closed; quitting is a choice of its own.
  app.on('window-all-closed', () => undefined);

  tray = new electron.Tray(electron.nativeImage.createFromPath(iconOf('calm')));
  const menu = electron.Menu.buildFromTemplate([
    { label: 'Open Faultline', click: () => (window ? show(null) : openWindow()) },
    { type: 'separator' },
    { label: 'Quit', click: () => app.quit() },
  ]);
  tray.setContextMenu(menu);
  tray.on('click', () => (window ? show(null) : openWindow()));

  const told = new Set<string>();
  const poll = setInterval(() => {
    void (async () => {
      const state = await ask<State>(consoleUrl, settings.token, '/console/state');
      const { icon, tooltip } = describeTray(state);
      tray?.setImage(electron.nativeImage.createFromPath(iconOf(icon)));
      tray?.setToolTip(tooltip);
      if (!state || state.openIncidents === 0) return;
      const answer = await ask<{ incidents: Incident[] }>(consoleUrl, settings.token, '/console/incidents?limit=20');
      for (const incident of toNotify(answer?.incidents ?? [], told, window?.isFocused() ?? false)) {
        told.add(incident.id);
        const notification = new electron.Notification({ title: 'Faultline', body: incident.title });
        notification.on('click', () => (window ? show(`/#/incidents/${incident.id}`) : openWindow()));
        notification.show();
      }
    })();
  }, POLL_MS);

  let stopped = false;
  app.on('before-quit', (event) => {
    if (stopped) return;
    event.preventDefault();
    clearInterval(poll);
    void supervisor
      .stop()
      .catch((error: Error) => log(`stopping: ${error.message}`))
      .then(() => {
        stopped = true;
        app.quit();
      });
  });
}
