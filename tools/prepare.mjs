// What npm start and npm test do first: install what is missing, build what is stale. Runs under plain Node 20.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findNode } from './find-node.mjs';

const lockHash = (root) =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
/** Inside node_modules, so that it goes when they go. */
const stamp = (root) => join(root, 'node_modules', '.faultline-lock');

/** '' when node_modules holds what package-lock.json says, else why not. */
export function missingPackages(root) {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(marker)) return 'packages are not installed yet';
  if (existsSync(stamp(root))) return readFileSync(stamp(root), 'utf8') === lockHash(root) ? '' : 'package-lock.json has changed';
  // Installed by hand: npm writes its marker after it has read the lock.
  return statSync(marker).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
    ? ''
    : 'package-lock.json is newer than node_modules';
}
function npmCi(root) {
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm versions that do not know allowScripts: no install script of node-llama-cpp fetches anything (decision 0005).
  const options = { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true' } };
  const npm = process.env.npm_execpath;
  // npm is a script of its own Node, but a .cmd on Windows, which only a shell starts.
  if (npm?.endsWith('.js')) return spawnSync(process.execPath, [npm, ...args], options);
  return spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
}
/** @returns {boolean} whether everything is installed now; what went wrong is on stderr. */
export function installMissing(root) {
  const why = missingPackages(root);
  if (why === '') return true;
  console.error(`${why}: npm ci`);
  const { status, error } = npmCi(root);
  if (status !== 0) {
    console.error(`npm ci failed${error ? ` (${error.message})` : ''}: is the npm registry reachable?`);
    return false;
  }
  // 34 MB of llama.cpp's source, for builds we never make (decision 0005).
  rmSync(join(root, 'node_modules/node-llama-cpp/llama/gitRelease.bundle'), { force: true });
  writeFileSync(stamp(root), lockHash(root));
  return true;
}
/** Path of the Node to run everything else with, or null after saying why there is none. */
export function nodeFor(root) {
  const { path, why } = findNode(root);
  if (!path) console.error(why);
  return path;
}
/** @returns {boolean} whether every target is built now. */
export function buildStale(root, node) {
  return spawnSync(node, [join(root, 'tools/build.mjs')], { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
}
