import { join } from 'node:path';
import { app, BrowserWindow, dialog, ipcMain, Menu, Notification, nativeImage, session, shell, Tray, utilityProcess } from 'electron';
import { readSettings } from '#main/cli/read-settings.ts';
import { removeRuntime, writeRuntime } from '#main/cli/runtime-file.ts';
import { placeOfProcess, say } from '#main/cli/serve.ts';
import { readServeFlags } from '#main/cli/serve-options.ts';
import { version } from '#main/cli/version.ts';
import { startConsole } from '#main/supervisor/console-process.ts';
import type { Supervisor } from '#main/supervisor/supervise.ts';
import { electronHost } from './electron-host.ts';
import { startShell } from './start-shell.ts';

/** Entry of the desktop app, bundled to out/shell/main.js; everything it decides is in its neighbours. */
const out = join(import.meta.dirname, '..');
const args = process.argv.slice(app.isPackaged ? 1 : 2);

async function run(): Promise<void> {
  const { settings } = readSettings(readServeFlags(args), placeOfProcess());
  const host = electronHost(utilityProcess, (name) => join(out, 'node', `${name}.js`), process.env);
  const supervise = async (): Promise<Supervisor> => {
    const supervisor = await startConsole({ settings, host, log: say });
    const { token } = settings;
    writeRuntime(settings.dataDir, { version: version(), pid: process.pid, startedUnixMs: Date.now(), ...supervisor.addresses, token });
    return { ...supervisor, stop: () => supervisor.stop().finally(() => removeRuntime(settings.dataDir, process.pid)) };
  };
  await startShell({
    electron: { app, BrowserWindow, dialog, ipcMain, Menu, nativeImage, Notification, session, shell, Tray },
    settings,
    preload: join(out, 'preload/bridge.cjs'),
    iconOf: (icon) => join(out, '../resources/icons', `${icon}.png`),
    supervise,
    log: say,
  });
}
run().catch((error: unknown) => {
  dialog.showErrorBox('Faultline cannot start', error instanceof Error ? error.message : String(error));
  app.exit(2);
});
