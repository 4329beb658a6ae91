// with-node.mjs SCRIPT [ARGUMENT...]: runs a script with the pinned Node. Works under Node 20.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { findNode } from './find-node.mjs';

const root = resolve(import.meta.dirname, '..');
const [script, ...rest] = process.argv.slice(2);
const node = findNode(root);
if (!script) {
  console.error('usage: node tools/with-node.mjs SCRIPT [ARGUMENT...]');
  process.exit(2);
}
if (!node.path) {
  console.error(node.why);
  process.exit(1);
}
const child = spawn(node.path, [join(root, script), ...rest], { stdio: 'inherit', cwd: root });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
