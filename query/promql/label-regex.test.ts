import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { compileLabelRegex } from './label-regex.ts';

describe('regular expressions of label matchers', () => {
  it('those that JavaScript tries for minutes end in an engine that has the flag of main/engine/main.ts', () => {
    setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
    for (const pattern of ['(a+)+', '(?:a|a)*b', '(?P<x>[a-z]+)+\\d', '(?-s:(.+)+b)']) {
      const fits = compileLabelRegex(pattern);
      expect(fits(`${'a'.repeat(60)}!`), pattern).toBe(false);
      expect(fits(`${'a'.repeat(60)}b1`), pattern).toBe(pattern.includes('\\d'));
    }
  });
  it.each([
    ['', ['']],
    ['a|b', ['a', 'b']],
    ['a|', ['a', '']],
    ['a.b', ['axb', 'a\nb']],
    ['((?i)PRO).*', ['production', 'PROx']],
    ['a(?i)bc|d', ['aBC', 'aD']],
    ['(?i:x)y', ['Xy']],
    ['(?P<name>\\w+)-\\d', ['abc-1']],
    ['[[:alpha:]]+', ['abC']],
    ['[]a]+', [']a']],
    ['\\Qa.b\\E+', ['a.b', 'a.bb']],
    ['\\pL+', ['äöü', '日本']],
    ['\\x{1F600}', ['😀']],
    ['.', ['😀', 'x']],
    ['a{,2}', ['a{,2}']],
    ['x{2}', ['xx']],
    ['a\\/b\\-c\\_', ['a/b-c_']],
    ['\\Aab\\z', ['ab']],
    ['10\\.0\\.[0-9]+\\.\\d{1,3}', ['10.0.12.255']],
  ] as const)('%s fits %j', (pattern, values) => {
    const fits = compileLabelRegex(pattern);
    for (const value of values) expect(fits(value), value).toBe(true);
    expect(fits('no such value here!')).toBe(false);
  });
  it.each([
    ['a|b', 'ab'],
    ['a(?i)b', 'Ab'],
    ['((?i)a)b', 'aB'],
    ['x', 'xx'],
    ['a$', 'a\n'],
    ['[^a]', 'a'],
  ])('%s does not fit %s', (pattern, value) => {
    expect(compileLabelRegex(pattern)(value)).toBe(false);
  });
  it.each(['(', ')', 'a**', '[a', '\\', '(?=a)', '(a)\\1', '\\y', '[[:nope:]]', 'a{3,1}'])('%s is refused', (pattern) => {
    expect(() => compileLabelRegex(pattern)).toThrow(SyntaxError);
  });
});
