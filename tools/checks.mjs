import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The checks that need no running code: name, what to run (arguments of Node). Types × 3, layers, lint, generated files. */
export function checks(root) {
  const tsc = 'node_modules/@typescript/native/bin/tsc';
  // What is known of unchanged files stays in out/: again after a change, types take 2 s of CPU instead of 13, Svelte's lint 1 instead of 9.
  // One checker: each further one works out again what they share (9 s of CPU instead of 16 on two cores).
  const known = (name) => ['--checkers', '1', '--incremental', '--tsBuildInfoFile', `out/check/${name}.tsbuildinfo`];
  const linted = ['--cache', '--cache-strategy', 'content', '--cache-location', 'out/check/eslint'];
  const list = [
    { name: 'types of pure code', args: [tsc, '-p', 'tsconfig.pure.json', ...known('pure')] },
    { name: 'types of Node code', args: [tsc, '-p', 'tsconfig.node.json', ...known('node')] },
    {
      name: 'types of the page',
      // By TypeScript 7: the same findings for 5 s of CPU instead of 20.
      args: [
        ...['node_modules/svelte-check/bin/svelte-check', '--tsgo-experimental-api', '--tsconfig', './tsconfig.json'],
        ...['--threshold', 'error', '--output', 'machine'],
      ],
      needs: 'renderer',
    },
    { name: 'layers', args: ['tools/check-layers.mjs'] },
    { name: 'lint', args: ['node_modules/@biomejs/biome/bin/biome', 'check', '--diagnostic-level=error'] },
    { name: 'lint of Svelte', args: ['node_modules/eslint/bin/eslint.js', 'renderer', ...linted], needs: 'renderer' },
    { name: 'third-party notices are up to date', args: ['tools/notices.mjs', '--check'] },
    { name: 'generated documents are up to date', args: ['tools/docs.mjs', '--check'] },
  ];
  return list.filter(({ needs }) => !needs || existsSync(join(root, needs, 'index.html')));
}
