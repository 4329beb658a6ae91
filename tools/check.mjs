// npm run check: types of all three environments, layers, docs, lint. Under a minute; run it before every push.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './pinned-node.mjs';

const bin = (path) => join(root, 'node_modules', path);
const STEPS = [
  ['types: pure (contracts, query, analytics)', [bin('@typescript/native/bin/tsc'), '-p', 'tsconfig.pure.json']],
  ['types: node', [bin('@typescript/native/bin/tsc'), '-p', 'tsconfig.node.json']],
  [
    'types: console',
    [bin('svelte-check/bin/svelte-check'), '--tsconfig', './tsconfig.json', '--fail-on-warnings', '--output', 'human'],
    () => existsSync(join(root, 'renderer/index.html')),
  ],
  ['layers', ['tools/check-layers.mjs']],
  ['docs', ['tools/docs.mjs', '--check']],
  ['notices', ['tools/notices.mjs', '--check']],
  ['lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']],
  ['lint: console', [bin('eslint/bin/eslint.js'), 'renderer'], () => existsSync(join(root, 'renderer/index.html'))],
];

let failed = 0;
for (const [name, args, when] of STEPS) {
  if (when && !when()) continue;
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  if (status !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;
