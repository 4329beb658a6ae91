import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandBraces, findFiles, fitsGlob, parseGlob } from './glob.ts';

const root = mkdtempSync(path.join(tmpdir(), 'faultline-glob-'));
const limits = { maxEntries: 1_000, maxFiles: 100 };
beforeAll(() => {
  for (const file of ['a.log', 'b.log', 'b.txt', '.hidden.log', 'x/a.log', 'x/y/a.log', 'x/y/[z].log', '.git/a.log', 'pods/one/0.log']) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), '');
  }
  symlinkSync(path.join(root, 'x'), path.join(root, 'x/y/loop'));
  symlinkSync(path.join(root, 'pods/one'), path.join(root, 'pods/two'));
  symlinkSync('nowhere', path.join(root, 'dangling.log'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
const find = async (pattern: string, exclude = '', given = limits) => {
  const { files, cut } = await findFiles(parseGlob(path.join(root, pattern)), exclude ? parseGlob(path.join(root, exclude)) : [], given);
  return [...files.map((file) => path.relative(root, file)), ...(cut ? ['CUT'] : [])];
};

describe('globs', () => {
  it.each([
    ['*.log', ['a.log', 'b.log', 'dangling.log']],
    ['.*.log', ['.hidden.log']],
    ['{a,b}.{log,txt}', ['a.log', 'b.log', 'b.txt']],
    ['[!b].log', ['a.log']],
    ['?.txt', ['b.txt']],
    ['a.log', ['a.log']],
    ['none.log', []],
    ['**/a.log', ['a.log', 'x/a.log', 'x/y/a.log']],
    ['x/**', ['x/a.log', 'x/y/[z].log', 'x/y/a.log', 'x/y/loop']],
    ['*/y/*.log', ['x/y/[z].log', 'x/y/a.log']],
    ['pods/*/0.log', ['pods/one/0.log', 'pods/two/0.log']],
    ['x/y/[[]z].log', ['x/y/[z].log']],
    ['a.log/b', []],
  ])('%s', async (pattern, files) => expect(await find(pattern)).toEqual(files));
  it('leave out what is excluded', async () =>
    expect(await find('**/*.log', '**/y/*')).toEqual(['a.log', 'b.log', 'dangling.log', 'pods/one/0.log', 'x/a.log']));
  it('end at their limits', async () => {
    expect(await find('**/*.log', '', { maxEntries: 3, maxFiles: 100 })).toContain('CUT');
    expect(await find('*.log', '', { maxEntries: 1_000, maxFiles: 2 })).toEqual(['a.log', 'b.log', 'CUT']);
  });
  it('refuse to stand for thousands of patterns', () => {
    expect(expandBraces('{a,b}{c,d}')).toEqual(['ac', 'ad', 'bc', 'bd']);
    expect(() => expandBraces('{a,b}'.repeat(20))).toThrow('more than 64 patterns');
  });
  it('fit paths without looking', () => {
    const [glob] = parseGlob('/var/**/*.log');
    expect(['/var/a.log', '/var/x/y/a.log', '/var/a.txt', '/etc/a.log'].map((file) => fitsGlob(glob as never, file))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
