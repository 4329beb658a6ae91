import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { findElectron } from '../../tools/find-electron.mjs';

/** The real desktop app, where Electron's binary and a display are; everywhere else it says why it did not run. */
const root = resolve(import.meta.dirname, '../..');
const { path, why } = findElectron(root);

describe.skipIf(!path)(`the desktop app${path ? '' : ` (skipped because ${why})`}`, () => {
  it('opens one sandboxed window on the console and stops what it started', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'faultline-desktop-'));
    const free = '127.0.0.1:0';
    const args = [root, '--data', dataDir, '--api', free, '--ingest', free, '--otlp-grpc', free, '--no-sandbox'];
    const app = await _electron.launch({ executablePath: path as string, args });
    const window = await app.firstWindow();
    await window.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect(await window.evaluate('typeof require + typeof process')).toBe('undefinedundefined');
    expect(await window.evaluate('typeof faultlineDesktop.version')).toBe('function');
    const windows = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
    expect(windows).toBe(1);
    await app.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
});
