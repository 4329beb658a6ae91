import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
// @ts-expect-error plain Node 20 scripts have no types
import { checkLayers as untyped } from './check-layers.mjs';

const checkLayers = untyped as (root: string) => { readonly files: number; readonly problems: readonly string[] };
const base = mkdtempSync(join(tmpdir(), 'faultline-layers-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
/** A small repository with these files; what the check says about it. */
function check(files: Readonly<Record<string, string>>): readonly string[] {
  const root = join(base, String(count++));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return checkLayers(root).problems;
}

describe('check-layers finds what is planted', () => {
  it.each<[string, Record<string, string>, string]>([
    [
      'a layer',
      { 'store/a.ts': "import { b } from '#query/b.ts';", 'query/b.ts': 'export const b = 1;' },
      'store/a.ts:1 store/ may not import query/',
    ],
    [
      'a layer by a relative path',
      { 'renderer/x/a.ts': "\nimport '../../main/b.ts';", 'main/b.ts': '' },
      'renderer/x/a.ts:2 renderer/ may not import main/',
    ],
    [
      'a layer by types only',
      { 'contracts/a.ts': "import type { B } from '#main/b.ts';", 'main/b.ts': '' },
      'contracts/a.ts:1 contracts/ may not',
    ],
    ['a layer by import()', { 'query/a.ts': "await import('#store/b.ts');", 'store/b.ts': '' }, 'query/a.ts:1 query/ may not'],
    ['a layer by export from', { 'query/a.ts': "export * from '#store/b.ts';", 'store/b.ts': '' }, 'query/a.ts:1 query/ may not'],
    [
      'tests in the product',
      { 'main/a.ts': "import '../tests/b.ts';", 'tests/b.ts': '' },
      'main/a.ts:1 product code may not import tests/',
    ],
    ['a door', { 'main/engine/a.ts': "import '@duckdb/node-api';" }, 'main/engine/a.ts:1 @duckdb/node-api has its door in store'],
    ['a door by a deeper path', { 'main/a.ts': "import x from 'electron/main';" }, 'main/a.ts:1 electron has its door in main/shell'],
    [
      'a script in a page',
      { 'renderer/A.svelte': '<p>\n<script lang="ts">\nimport \'#store/b.ts\';\n</script>', 'store/b.ts': '' },
      'renderer/A.svelte:3 renderer/ may not',
    ],
    ['a clock', { 'analytics/a.ts': '\n\nexport const t = () => Date.now();' }, 'analytics/a.ts:3 Date.now in pure code'],
    ['chance', { 'query/a.ts': 'export const t = Math.random();' }, 'query/a.ts:1 Math.random in pure code'],
    ['SQL', { 'main/a.ts': 'export const q = `SELECT ${1} FROM spans`;' }, 'main/a.ts:1 SQL text outside of store/'],
    ['a cycle', { 'main/a.ts': "import './b.ts';", 'main/b.ts': "import './a.ts';" }, 'import cycle: main/a.ts -> main/b.ts -> main/a.ts'],
    ['a file that is not there', { 'main/a.ts': "import '#main/gone.ts';" }, 'main/a.ts:1 there is no main/gone.ts'],
    ['a long file', { 'main/a.ts': '\n'.repeat(501) }, 'main/a.ts:1 502 lines'],
  ])('%s', (_, files, says) => expect(check(files).join('\n')).toContain(says));

  it('and nothing else', () => {
    const fine = {
      'store/a.ts': "import type { C } from '#contracts/c.ts';\nexport const q = 'SELECT 1 FROM x';",
      'contracts/c.ts': 'export type C = 1;\nexport const says = "Only one SELECT is allowed.";',
      'analytics/a.test.ts': "import '#main/m.ts';\nexport const t = Date.now();",
      'main/m.ts': "import '#store/a.ts';\nexport const later = () => import('./n.ts');",
      'main/n.ts': "import './m.ts';",
      'main/types-a.ts': "import type { B } from './types-b.ts';\nexport type A = B;",
      'main/types-b.ts': "import type { A } from './types-a.ts';\nexport type B = A;",
      'tests/app/t.ts': "import '@duckdb/node-api';",
    };
    expect(check(fine)).toEqual([]);
  });
});
