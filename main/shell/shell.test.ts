import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { FaultlineError } from '#contracts/errors.ts';
import { configSchema, type Settings } from '#contracts/settings.ts';
import { childEnvironment } from '#main/supervisor/child-environment.ts';
import { deepLinkIn, parseDeepLink } from './deep-link.ts';
import { electronHost } from './electron-host.ts';
import { menuTemplate } from './menus.ts';
import { mayCall, mayNavigate, mayOpenExternally, mayUsePermission, WEB_PREFERENCES } from './security.ts';
import { type ElectronParts, startShell } from './start-shell.ts';
import { describeTray, noticesToShow, toNotify } from './tray-state.ts';

const consoleUrl = 'http://127.0.0.1:4400';

describe('decisions', () => {
  it.each<[string, boolean]>([
    ['http://127.0.0.1:4400/#/now', true],
    ['http://127.0.0.1:4401/', false],
    ['http://localhost:4400/', false],
    ['https://127.0.0.1:4400/', false],
    ['http://127.0.0.1:4400.evil.example/', false],
    ['http://127.0.0.1:4400@evil.example/', false],
    ['file:///etc/passwd', false],
    ['javascript:alert(1)', false],
    ['about:blank', false],
    ['', false],
  ])('the window may go to %j: %s', (url, allowed) => {
    expect(mayNavigate(url, consoleUrl)).toBe(allowed);
  });
  it.each<[string, boolean]>([
    ['https://opentelemetry.io/docs', true],
    ['http://opentelemetry.io', false],
    ['file:///usr/bin/xterm', false],
    ['https://user:pass@evil.example', false],
    ['smb://host/share', false],
    ['nonsense', false],
  ])('%j may open outside: %s', (url, allowed) => {
    expect(mayOpenExternally(url)).toBe(allowed);
  });
  it.each(['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'fullscreen', 'hid', 'serial', 'usb'])(
    'permission %s is denied',
    (permission) => {
      expect(mayUsePermission(permission, consoleUrl, consoleUrl)).toBe(false);
    },
  );
  it('copying a query is allowed to the console only', () => {
    expect(mayUsePermission('clipboard-sanitized-write', `${consoleUrl}/`, consoleUrl)).toBe(true);
    expect(mayUsePermission('clipboard-sanitized-write', 'https://evil.example', consoleUrl)).toBe(false);
  });
  it('only the main frame of the console may call', () => {
    expect(mayCall({ url: `${consoleUrl}/`, parent: null }, consoleUrl)).toBe(true);
    expect(mayCall({ url: `${consoleUrl}/`, parent: {} }, consoleUrl)).toBe(false);
    expect(mayCall({ url: 'https://evil.example/', parent: null }, consoleUrl)).toBe(false);
    expect(mayCall(null, consoleUrl)).toBe(false);
  });
  it.each([
    ['faultline://incident/inc-1', '/incidents/inc-1'],
    ['faultline://trace/0AF7651916CD43DD8448EB211C80319C', '/explore/traces/0af7651916cd43dd8448eb211c80319c'],
    ['faultline://now', '/'],
    ['faultline://incident/../../etc', '/incidents/etc'],
    ['faultline://incident/%22onload', null],
    ['faultline://shell/rm', null],
    ['https://incident/inc-1', null],
    ['', null],
  ])('deep link %j -> %j', (url, path) => {
    expect(parseDeepLink(url)).toBe(path);
  });
  it('finds the link in a second command line', () => {
    expect(deepLinkIn(['/usr/bin/faultline', '--flag', 'faultline://services'])).toBe('/services');
  });
  it('the tray says what is so', () => {
    const base = { rates: { traces: 10, logs: 5, metrics: 1 }, totals: { traces: 0, logs: 0, metrics: 0, refused: 0, dropped: 0 } };
    expect(describeTray({ ...base, openIncidents: 0 })).toEqual({ icon: 'calm', tooltip: 'Faultline: no open incident, 16 items/s' });
    expect(describeTray({ ...base, openIncidents: 2, totals: { ...base.totals, dropped: 3 } }).tooltip).toBe(
      'Faultline: 2 open incidents, 16 items/s, 3 refused or dropped',
    );
    expect(describeTray(null).icon).toBe('away');
  });
  it('an incident is told once, and not to somebody who is looking', () => {
    const incidents = [
      { id: 'a', status: 'open' },
      { id: 'b', status: 'resolved' },
    ];
    expect(toNotify(incidents, new Set(), false).map((i) => i.id)).toEqual(['a']);
    expect(toNotify(incidents, new Set(['a']), false)).toEqual([]);
    expect(toNotify(incidents, new Set(), true)).toEqual([]);
  });
  it('shows what notifies since it looked first, once, and nothing while the window is in front', () => {
    const notices = [
      { id: 'a', kind: 'desktop' },
      { id: 'b', kind: 'sound' },
      { id: 'c', kind: 'desktop' },
    ];
    expect(noticesToShow(notices, null, false)).toEqual([]);
    expect(noticesToShow(notices, new Set(['a']), false).map(({ id }) => id)).toEqual(['c']);
    expect(noticesToShow(notices, new Set(['a']), true)).toEqual([]);
  });
});

/** Just enough of Electron to run the shell's wiring; every call is recorded. */
function fakeElectron(lock = true) {
  const app = Object.assign(new EventEmitter(), {
    requestSingleInstanceLock: () => lock,
    quit: vi.fn(),
    exit: vi.fn(),
    isPackaged: true,
    enableSandbox: vi.fn(),
    setAsDefaultProtocolClient: vi.fn(),
    whenReady: async () => {},
    getVersion: () => '1',
  });
  const windows: {
    options: { webPreferences: object };
    loadURL: ReturnType<typeof vi.fn>;
    webContents: EventEmitter;
  }[] = [];
  class BrowserWindow extends EventEmitter {
    readonly webContents = new EventEmitter();
    readonly loadURL = vi.fn(async () => {});
    readonly options: { webPreferences: object };
    constructor(options: { webPreferences: object }) {
      super();
      this.options = options;
      windows.push(this);
    }
    show() {}
    focus() {}
    restore() {}
    isMinimized = () => false;
    isFocused = () => false;
  }
  class Tray extends EventEmitter {
    setContextMenu() {}
    setImage() {}
    setToolTip() {}
  }
  const handlers: Record<string, (...args: never[]) => unknown> = {};
  const session = {
    defaultSession: { setPermissionRequestHandler: vi.fn(), setPermissionCheckHandler: vi.fn(), setDevicePermissionHandler: vi.fn() },
  };
  const electron = {
    app,
    BrowserWindow,
    Tray,
    session,
    Menu: { buildFromTemplate: (template: unknown) => template, setApplicationMenu: vi.fn() },
    dialog: { showErrorBox: vi.fn(), showOpenDialog: vi.fn(async () => ({ canceled: false, filePaths: ['/models/a.gguf'] })) },
    Notification: EventEmitter,
    nativeImage: { createFromPath: () => ({}) },
    ipcMain: {
      handle: (name: string, handler: never) => {
        handlers[name] = handler;
      },
    },
    shell: { openExternal: vi.fn(async () => {}), openPath: vi.fn() },
  };
  return { electron: electron as unknown as ElectronParts, app, windows, session, handlers, openExternal: electron.shell.openExternal };
}
const settings = { ...configSchema.parse({}), token: 'token-of-sixteen-chars' } as unknown as Settings;
const supervisor = {
  addresses: { api: consoleUrl, ingest: '', otlpGrpc: '' },
  state: () => ({ collector: 'running', engine: 'running', forwarder: 'stopped' }) as const,
  pid: () => 1,
  stop: vi.fn(async () => {}),
};
const start = (electron: ElectronParts) =>
  startShell({ electron, settings, preload: '/p.cjs', iconOf: () => 'i.png', supervise: async () => supervisor, log: () => {} });

describe('the shell', () => {
  it('opens one sandboxed window on the console', async () => {
    const fake = fakeElectron();
    await start(fake.electron);
    expect(fake.windows).toHaveLength(1);
    expect(fake.windows[0]?.options.webPreferences).toEqual({ ...WEB_PREFERENCES, preload: '/p.cjs' });
    expect(fake.windows[0]?.loadURL).toHaveBeenCalledWith(`${consoleUrl}/?token=token-of-sixteen-chars`);
    expect(fake.session.defaultSession.setPermissionRequestHandler).toHaveBeenCalled();
    fake.app.emit('before-quit', { preventDefault() {} });
  });
  it('quits when another instance runs, which then shows the link', async () => {
    const second = fakeElectron(false);
    await start(second.electron);
    expect(second.app.quit).toHaveBeenCalled();
    expect(second.windows).toHaveLength(0);
    const first = fakeElectron();
    await start(first.electron);
    first.app.emit('second-instance', {}, ['faultline', 'faultline://incident/i-1']);
    expect(first.windows[0]?.loadURL).toHaveBeenLastCalledWith(`${consoleUrl}/incidents/i-1`);
    first.app.emit('before-quit', { preventDefault() {} });
  });
  it('guards every web contents: no webview, no navigation away, no second window', async () => {
    const fake = fakeElectron();
    await start(fake.electron);
    let opener: (details: { url: string }) => { action: string } = () => ({ action: '' });
    const contents = Object.assign(new EventEmitter(), {
      setWindowOpenHandler: (handler: typeof opener) => {
        opener = handler;
      },
    });
    fake.app.emit('web-contents-created', {}, contents);
    const prevented = (name: string, ...args: unknown[]): boolean => {
      const event = { preventDefault: vi.fn() };
      contents.emit(name, event, ...args);
      return event.preventDefault.mock.calls.length > 0;
    };
    expect(prevented('will-attach-webview')).toBe(true);
    expect(prevented('will-navigate', 'https://evil.example/')).toBe(true);
    expect(prevented('will-navigate', `${consoleUrl}/#/x`)).toBe(false);
    expect(opener({ url: 'https://opentelemetry.io/' })).toEqual({ action: 'deny' });
    expect(fake.openExternal).toHaveBeenCalledWith('https://opentelemetry.io/');
    expect(opener({ url: 'file:///bin/sh' })).toEqual({ action: 'deny' });
    expect(fake.openExternal).toHaveBeenCalledTimes(1);
    fake.app.emit('before-quit', { preventDefault() {} });
  });
  it('a link that comes before the window is shown once the page has its session', async () => {
    const fake = fakeElectron();
    const starting = start(fake.electron);
    fake.app.emit('open-url', { preventDefault() {} }, 'faultline://incident/early');
    await starting;
    const [window] = fake.windows;
    expect(window?.loadURL).toHaveBeenLastCalledWith(`${consoleUrl}/?token=token-of-sixteen-chars`);
    window?.webContents.emit('did-finish-load');
    expect(window?.loadURL).toHaveBeenLastCalledWith(`${consoleUrl}/incidents/early`);
    fake.app.emit('before-quit', { preventDefault() {} });
  });
  it('says why it cannot start, and ends', async () => {
    const fake = fakeElectron();
    const supervise = async () => {
      throw new FaultlineError('port_taken', 'Port 4318 is taken by nc (process 7).');
    };
    await startShell({ electron: fake.electron, settings, preload: '/p.cjs', iconOf: () => 'i.png', supervise, log: () => {} });
    expect(fake.electron.dialog.showErrorBox).toHaveBeenCalledWith('Faultline cannot start', expect.stringContaining('nc (process 7)'));
    expect(fake.app.exit).toHaveBeenCalledWith(1);
    expect(fake.windows).toHaveLength(0);
  });
  it('loads no console of another machine', async () => {
    const fake = fakeElectron();
    const log = vi.fn();
    const elsewhere = { ...supervisor, addresses: { ...supervisor.addresses, api: 'http://192.0.2.1:4400' } };
    const supervise = async () => elsewhere;
    await startShell({ electron: fake.electron, settings, preload: '/p.cjs', iconOf: () => 'i.png', supervise, log });
    expect(fake.windows[0]?.loadURL).not.toHaveBeenCalled();
    expect(log).toHaveBeenCalledWith(expect.stringContaining('this machine only'));
    fake.app.emit('before-quit', { preventDefault() {} });
  });
  it('developer tools are not in the menu of a packaged app', () => {
    const roles = (packaged: boolean) =>
      JSON.stringify(menuTemplate({ show() {}, openInBrowser() {}, openDataFolder() {}, quit() {} }, { mac: false, packaged }));
    expect(roles(true)).not.toContain('toggleDevTools');
    expect(roles(false)).toContain('toggleDevTools');
  });
  it('stops the processes before it quits', async () => {
    const fake = fakeElectron();
    await start(fake.electron);
    const event = { preventDefault: vi.fn() };
    fake.app.emit('before-quit', event);
    await vi.waitFor(() => expect(fake.app.quit).toHaveBeenCalled());
    expect(event.preventDefault).toHaveBeenCalled();
    expect(supervisor.stop).toHaveBeenCalled();
  });
  it('lets the console, and nobody else, ask for the path of a model file', async () => {
    const fake = fakeElectron();
    await start(fake.electron);
    const ask = (url: string) => fake.handlers['faultline:choose-model-file']?.({ senderFrame: { url, parent: null } } as never);
    expect(await ask(`${consoleUrl}/settings`)).toBe('/models/a.gguf');
    expect(() => ask('http://127.0.0.1:9/')).toThrow('only the console may ask');
  });
  it('runs its children as utility processes', () => {
    const child = Object.assign(new EventEmitter(), { pid: 7, postMessage: vi.fn(), kill: vi.fn() });
    const fork = vi.fn(() => child);
    const handle = electronHost({ fork } as never, (name) => `/out/${name}.js`, {
      PATH: '/bin',
      FAULTLINE_FORWARD_HEADERS: 'a=secret',
    }).spawn('engine');
    expect(fork).toHaveBeenCalledWith(
      '/out/engine.js',
      [],
      expect.objectContaining({ env: { PATH: '/bin', ...childEnvironment('engine', {}) } }),
    );
    const exits: string[] = [];
    handle.onExit((reason) => exits.push(reason));
    child.emit('exit', 9);
    expect(exits).toEqual(['exit code 9']);
  });
  it('starts the llm process the same way, and passes its messages', () => {
    const child = Object.assign(new EventEmitter(), { pid: 4711, postMessage: vi.fn(), kill: vi.fn() });
    const fork = vi.fn(() => child);
    const handle = electronHost({ fork } as never, (name) => `/out/${name}.js`, {}).spawn('llm');
    expect(fork).toHaveBeenCalledWith('/out/llm.js', [], expect.objectContaining({ serviceName: 'Faultline llm', env: {} }));
    const call = { type: 'llm-call', call: { call: 'inspect', id: 1, path: '/m.gguf' } } as const;
    handle.send(call);
    expect(child.postMessage).toHaveBeenCalledWith(call);
    const heard: unknown[] = [];
    handle.onMessage((message) => heard.push(message));
    child.emit('message', { type: 'llm-news', news: { news: 'vitals', rssBytes: 1 } });
    expect(heard).toEqual([{ type: 'llm-news', news: { news: 'vitals', rssBytes: 1 } }]);
  });
});
