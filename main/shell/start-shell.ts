import type { BrowserWindow, Tray } from 'electron';
import type { AlertNotice } from '#contracts/alerting.ts';
import type { State } from '#contracts/console-api.ts';
import { ERRORS, FaultlineError } from '#contracts/errors.ts';
import type { Incident } from '#contracts/judgement.ts';
import type { Settings } from '#contracts/settings.ts';
import type { Supervisor } from '#main/supervisor/supervise.ts';
import { deepLinkIn, parseDeepLink } from './deep-link.ts';
import { guardContents, guardPermissions } from './guard-contents.ts';
import { menuTemplate, type ShellActions, trayTemplate } from './menus.ts';
import { isLoopback, mayCall, WEB_PREFERENCES } from './security.ts';
import { describeTray, noticesToShow, type TrayState, toNotify } from './tray-state.ts';

/** The parts of Electron the shell uses; injected, so that its decisions run in tests without the binary. */
export type ElectronParts = Pick<
  typeof import('electron'),
  'app' | 'BrowserWindow' | 'dialog' | 'Menu' | 'Tray' | 'Notification' | 'nativeImage' | 'ipcMain' | 'shell' | 'session'
>;
export interface ShellOptions {
  readonly electron: ElectronParts;
  readonly settings: Settings;
  readonly preload: string;
  readonly iconOf: (icon: TrayState['icon'] | 'app') => string;
  readonly supervise: () => Promise<Supervisor>;
  readonly log: (line: string) => void;
}
const POLL_MS = 2_000;
/** Shown one by one of those that come together. */
const MOST_NOTICES = 4;

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
export async function startShell(options: ShellOptions): Promise<void> {
  const { app } = options.electron;
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  app.enableSandbox();
  app.setAsDefaultProtocolClient('faultline');
  const shell = new Shell(options);
  shell.listen();
  let supervisor: Supervisor;
  try {
    [supervisor] = await Promise.all([options.supervise(), app.whenReady()]);
  } catch (error) {
    await app.whenReady();
    options.electron.dialog.showErrorBox('Faultline cannot start', explain(error));
    app.exit(1);
    return;
  }
  shell.open(supervisor);
}
function explain(error: unknown): string {
  if (!(error instanceof FaultlineError)) return String(error);
  return `${error.message}\n${ERRORS[error.code].todo}`;
}

class Shell {
  private readonly options: ShellOptions;
  private supervisor: Supervisor | null = null;
  private window: BrowserWindow | null = null;
  private tray: Tray | null = null;
  /** What a link asked for before there was a window. */
  private pendingPath = deepLinkIn(process.argv);
  private readonly told = new Set<string>();
  /** Notifications of alerts there were; null: nobody has looked yet. */
  private seen: ReadonlySet<string> | null = null;
  private poll: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(options: ShellOptions) {
    this.options = options;
  }
  /** '' until the console runs: nothing is allowed to a page before. */
  private get consoleUrl(): string {
    return this.supervisor?.addresses.api ?? '';
  }
  /** Before the app is ready: a link or a second instance may come at any moment. */
  listen(): void {
    const { app, shell } = this.options.electron;
    app.on('second-instance', (_event, argv) => this.show(deepLinkIn(argv)));
    app.on('open-url', (event, url) => {
      event.preventDefault();
      this.show(parseDeepLink(url));
    });
    app.on('activate', () => this.show(null));
    // The collector goes on receiving with the window closed; quitting is a choice of its own.
    app.on('window-all-closed', () => undefined);
    app.on('before-quit', (event) => this.quit(event));
    guardContents(
      app,
      () => this.consoleUrl,
      (url) => void shell.openExternal(url),
    );
  }
  open(supervisor: Supervisor): void {
    const { app, ipcMain, session } = this.options.electron;
    this.supervisor = supervisor;
    guardPermissions(session.defaultSession, () => this.consoleUrl);
    const handle = (channel: string, answer: () => unknown): void =>
      ipcMain.handle(channel, (event) => {
        if (!mayCall(event.senderFrame, this.consoleUrl)) throw new Error('only the console may ask');
        return answer();
      });
    handle('faultline:version', () => app.getVersion());
    handle('faultline:choose-model-file', () => this.chooseModelFile());
    this.buildMenus();
    this.show(null);
    this.poll = setInterval(() => void this.lookAround(), POLL_MS);
  }
  /** A path the person picked, for the engine to look at: the shell opens nothing itself. */
  private async chooseModelFile(): Promise<string | null> {
    const filters = [{ name: 'GGUF', extensions: ['gguf'] }];
    const { filePaths } = await this.options.electron.dialog.showOpenDialog({ properties: ['openFile'], filters });
    return filePaths[0] ?? null;
  }
  private buildMenus(): void {
    const { app, Menu, nativeImage, shell, Tray } = this.options.electron;
    const { iconOf, log, settings } = this.options;
    const actions: ShellActions = {
      show: (path) => this.show(path ?? null),
      openInBrowser: () => void shell.openExternal(this.entryUrl()),
      openDataFolder: () => void shell.openPath(settings.dataDir),
      quit: () => app.quit(),
    };
    const look = { mac: process.platform === 'darwin', packaged: app.isPackaged };
    Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(actions, look)));
    try {
      this.tray = new Tray(nativeImage.createFromPath(iconOf('calm')));
      this.tray.setContextMenu(Menu.buildFromTemplate(trayTemplate(actions, `Receiving on ${this.supervisor?.addresses.ingest ?? ''}`)));
      this.tray.on('click', () => this.show(null));
    } catch (error) {
      // Some desktops have no tray: menu and window do all it does.
      log(`no tray: ${(error as Error).message}`);
    }
  }
  /** Brings the window to the front, at a page when one is given. */
  private show(path: string | null): void {
    if (path !== null) this.pendingPath = path;
    if (!this.supervisor) return;
    if (!this.window) {
      this.openWindow();
      return;
    }
    this.openPending(this.window);
    if (this.window.isMinimized()) this.window.restore();
    this.window.show();
    this.window.focus();
  }
  /** The session cookie is there once the first page has loaded; from then on a path is enough. */
  private openPending(window: BrowserWindow): void {
    if (this.pendingPath === null) return;
    this.load(window, `${this.consoleUrl}${this.pendingPath}`);
    this.pendingPath = null;
  }
  private load(window: BrowserWindow, url: string): void {
    if (isLoopback(url)) window.loadURL(url).catch((error: Error) => this.options.log(`the page does not load: ${error.message}`));
    else this.options.log(`the window shows consoles of this machine only; open ${this.consoleUrl} in a browser`);
  }
  private entryUrl(): string {
    return `${this.consoleUrl}/?token=${encodeURIComponent(this.options.settings.token)}`;
  }
  private openWindow(): void {
    const { electron, iconOf, preload } = this.options;
    const window = new electron.BrowserWindow({
      width: 1440,
      height: 900,
      minWidth: 960,
      minHeight: 600,
      show: false,
      backgroundColor: '#0e1116',
      title: 'Faultline',
      icon: iconOf('app'),
      webPreferences: { ...WEB_PREFERENCES, preload },
    });
    this.window = window;
    window.once('ready-to-show', () => window.show());
    window.webContents.once('did-finish-load', () => this.openPending(window));
    window.on('closed', () => {
      this.window = null;
    });
    this.load(window, this.entryUrl());
  }
  /** Tray and notifications follow the state of the console. */
  private async lookAround(): Promise<void> {
    const { electron, iconOf, settings } = this.options;
    const state = await ask<State>(this.consoleUrl, settings.token, '/console/state');
    const { icon, tooltip } = describeTray(state);
    this.tray?.setImage(electron.nativeImage.createFromPath(iconOf(icon)));
    this.tray?.setToolTip(tooltip);
    if (!state) return;
    await this.showNotices();
    if (state.openIncidents === 0) return;
    const answer = await ask<{ incidents: Incident[] }>(this.consoleUrl, settings.token, '/console/incidents?limit=20');
    for (const incident of toNotify(answer?.incidents ?? [], this.told, this.window?.isFocused() ?? false)) {
      this.told.add(incident.id);
      const notification = new electron.Notification({ title: 'Faultline', body: incident.title });
      notification.on('click', () => this.show(`/incidents/${encodeURIComponent(incident.id)}`));
      notification.show();
    }
  }
  private async showNotices(): Promise<void> {
    const { electron, settings } = this.options;
    const answer = await ask<{ notices: AlertNotice[] }>(this.consoleUrl, settings.token, '/console/alerting/notices');
    if (!answer) return;
    const { notices } = answer;
    const news = noticesToShow(notices, this.seen, this.window?.isFocused() ?? false);
    this.seen = new Set(notices.map(({ id }) => id));
    const show = (title: string, body: string, path: string): void => {
      const notification = new electron.Notification({ title, body });
      notification.on('click', () => this.show(path));
      notification.show();
    };
    for (const { title, body, fingerprint } of news.slice(0, MOST_NOTICES))
      show(title, body, `/alerts?alert=${encodeURIComponent(fingerprint)}`);
    if (news.length > MOST_NOTICES) show('Faultline', `${news.length - MOST_NOTICES} more notifications of alerts`, '/alerts');
  }
  /** Stops collector and engine, sinks last, before the app ends. */
  private quit(event: { preventDefault(): void }): void {
    if (this.stopped || !this.supervisor) return;
    event.preventDefault();
    if (this.poll) clearInterval(this.poll);
    const { app } = this.options.electron;
    void this.supervisor
      .stop()
      .catch((error: Error) => this.options.log(`stopping: ${error.message}`))
      .then(() => {
        this.stopped = true;
        app.quit();
      });
  }
}
