// Installs node_modules when it is missing or older than the lockfile. Runs on Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './pinned-node.mjs';

const STAMP = join(root, 'node_modules', '.package-lock.json');

/** @returns {string} why an install is needed, '' when it is not. */
export function installReason() {
  if (!existsSync(STAMP)) return 'node_modules is missing';
  if (statSync(join(root, 'package-lock.json')).mtimeMs > statSync(STAMP).mtimeMs + 1000)
    return 'package-lock.json is newer than node_modules';
  return '';
}

export function ensureInstalled() {
  const reason = installReason();
  if (reason === '') return;
  console.error(`Installing packages (${reason}) ...`);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('npm ci failed; see above.');
    process.exit(1);
  }
}
