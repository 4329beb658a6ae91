import { describe, expect, it } from 'vitest';
import { goQuoted, matcherOf, printMatcher, printMatchers } from './matcher.ts';
import { parseMatcher, parseMatchers } from './parse-matchers.ts';

describe('matchers', () => {
  it.each([
    ['', '{}'],
    ['{}', '{}'],
    ['a=b', '{a="b"}'],
    ['{a = "b", c!=d,}', '{a="b",c!="d"}'],
    ['a=~"b.*",c!~d|e', '{a=~"b.*",c!~"d|e"}'],
    ['a="says \\"hi, you\\"\\n"', '{a="says \\"hi, you\\"\\n"}'],
    ['a=', '{a=""}'],
    // Only the classic parser takes a value with a space.
    ['a=b c', '{a="b c"}'],
    ['a=C:\\dir', '{a="C:\\\\dir"}'],
    // Only the newer one takes names in quotes and beyond ASCII.
    ['"día de fiesta"=~"sí|no"', '{"día de fiesta"=~"sí|no"}'],
    ['größe=3', '{größe="3"}'],
    ['{"a,b"="c"}', '{"a,b"="c"}'],
    // Both take it and see different things: the classic one knows no \\t.
    ['a="b\\tc"', '{a="b\\\\tc"}'],
    ['a:b=c', '{a:b="c"}'],
  ])('%j is %j', (text, printed) => expect(printMatchers(parseMatchers(text))).toBe(printed));
  it.each([
    ['a', 'bad matcher format: a'],
    ['=b', 'bad matcher format: =b'],
    ['a==b,', null],
    ['a="b', 'matcher value contains unescaped double quote: "b'],
    ['a=b"c', 'matcher value contains unescaped double quote: b"c'],
    ['"a=b', 'bad matcher format: "a=b'],
    ['a=~(', 'error parsing regexp: missing closing ): `^(?:()$`'],
    ['a=~*', 'error parsing regexp: missing argument to repetition operator: `^(?:*)$`'],
    [`a=~"${'x'.repeat(10_001)}.*"`, 'error parsing regexp: the pattern is longer than 10000 characters'],
  ])('%j is refused: %j', (text, message) => {
    if (message === null) expect(printMatchers(parseMatchers(text))).toBe('{a="=b"}');
    else expect(() => parseMatchers(text)).toThrow(message);
  });
  it('of one there is one', () => {
    expect(printMatcher(parseMatcher('a=b,c'))).toBe('a="b,c"');
    expect(() => parseMatcher('{a=b}')).toThrow('unexpected open or close brace: {a=b}');
    expect(() => parseMatcher('"a"=b,c=d')).toThrow('expected 1 matcher, found 2');
    expect(() => parseMatcher('')).toThrow('bad matcher format: ');
  });
  it('patterns are anchored, and a dot is no line feed', () => {
    const { matches } = matcherOf('a', '=~', 'b.|c');
    expect(['bx', 'c', 'b', 'xbx', 'b\n'].map(matches)).toEqual([true, true, false, false, false]);
    expect(matcherOf('a', '!~', '.+').matches('')).toBe(true);
  });
  it('what cannot be printed is escaped as Go does it', () => expect(goQuoted('a"\\\n\x01é\u200b')).toBe('"a\\"\\\\\\n\\x01é\\u200b"'));
});
