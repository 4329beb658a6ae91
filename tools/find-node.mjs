import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Oldest Node that runs our TypeScript sources and bundles (type stripping without a flag, zstd in node:zlib). */
const OLDEST = [22, 18];

/** Plain Node 20 may run this file: it looks for the pinned Node of package.json's optionalDependencies. */
export function findNode(root, { platform = process.platform, arch = process.arch, version = process.versions.node } = {}) {
  const name = platform === 'win32' ? 'win' : platform;
  const pinned = join(root, 'node_modules', `node-${name}-${arch}`, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(pinned)) return { path: pinned, why: '' };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  if (fits) return { path: process.execPath, why: '' };
  return {
    path: null,
    why: `Node ${version} is too old and the pinned one is not at ${pinned}. Run "npm ci", or use Node ${OLDEST.join('.')} or newer.`,
  };
}
