// node tools/with-node.mjs SCRIPT [ARGS...]: runs SCRIPT with the pinned Node, whatever Node npm itself runs on.
import { spawnSync } from 'node:child_process';
import { pinnedNode } from './pinned-node.mjs';

const node = pinnedNode();
if (!node) {
  console.error('The pinned Node is not installed. Run: npm ci');
  process.exit(1);
}
const { status, signal } = spawnSync(node, process.argv.slice(2), { stdio: 'inherit' });
process.exit(signal ? 1 : (status ?? 1));
