import type { MenuItemConstructorOptions } from 'electron';

/** What the menus ask of the shell. */
export interface ShellActions {
  show(path?: string): void;
  openInBrowser(): void;
  openDataFolder(): void;
  quit(): void;
}
const PAGES = [
  ['Now', '/', 'CmdOrCtrl+1'],
  ['Incidents', '/incidents', 'CmdOrCtrl+2'],
  ['Explore', '/explore/traces', 'CmdOrCtrl+3'],
  ['Services', '/services', 'CmdOrCtrl+4'],
  ['Sources', '/sources', 'CmdOrCtrl+5'],
] as const;

/** The application menu. Developer tools only in a development build. */
export function menuTemplate(
  actions: ShellActions,
  options: { readonly mac: boolean; readonly packaged: boolean },
): MenuItemConstructorOptions[] {
  const quit: MenuItemConstructorOptions = { label: 'Quit Faultline', accelerator: 'CmdOrCtrl+Q', click: () => actions.quit() };
  const goTo = PAGES.map(
    ([label, path, accelerator]): MenuItemConstructorOptions => ({ label, accelerator, click: () => actions.show(path) }),
  );
  return [
    ...(options.mac
      ? [{ label: 'Faultline', submenu: [{ role: 'about' }, { type: 'separator' }, { role: 'hide' }, quit] } as MenuItemConstructorOptions]
      : []),
    {
      label: 'Console',
      submenu: [
        ...goTo,
        { type: 'separator' },
        { label: 'Open in browser', click: () => actions.openInBrowser() },
        { label: 'Open data folder', click: () => actions.openDataFolder() },
        ...(options.mac ? [] : [{ type: 'separator' } as const, quit]),
      ],
    },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        { role: 'reload' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        ...(options.packaged ? [] : [{ role: 'toggleDevTools' } as const]),
      ],
    },
    { role: 'windowMenu' },
  ];
}
/** Tray: closing the window leaves the collector running, and this says so. */
export const trayTemplate = (actions: ShellActions, status: string): MenuItemConstructorOptions[] => [
  { label: status, enabled: false },
  { type: 'separator' },
  { label: 'Show console', click: () => actions.show() },
  { label: 'Open in browser', click: () => actions.openInBrowser() },
  { type: 'separator' },
  { label: 'Quit: stop receiving', click: () => actions.quit() },
];
