import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const EXECUTABLE = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' };

/**
 * Electron's binary, or why the console opens in the browser instead. Looks at files only: require('electron') would
 * start a download.
 */
export function findElectron(root, { environment = process.env, platform = process.platform } = {}) {
  const folder = join(root, 'node_modules/electron');
  if (!existsSync(join(folder, 'package.json'))) return { path: null, why: 'the electron package is not installed' };
  const dist = environment.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, 'dist');
  const path = join(dist, EXECUTABLE[platform] ?? 'electron');
  if (!existsSync(path)) return { path: null, why: 'its binary is not on this machine' };
  const wanted = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
  const stamp = join(dist, 'version');
  const found = existsSync(stamp) ? readFileSync(stamp, 'utf8').replace(/^v/, '').trim() : 'of unknown version';
  if (found !== wanted && !environment.ELECTRON_OVERRIDE_DIST_PATH)
    return { path: null, why: `its binary is ${found}, wanted is ${wanted}` };
  if (platform === 'linux' && !environment.DISPLAY && !environment.WAYLAND_DISPLAY) return { path: null, why: 'there is no display' };
  return { path, why: '' };
}
