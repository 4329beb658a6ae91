import { describe, expect, it } from 'vitest';
import { MAX_LABEL_CHARS, parseLabels } from './parse-labels.ts';

describe('parseLabels', () => {
  it.each([
    ['{}', []],
    [' { } ', []],
    ['{job="web"}', [['job', 'web']]],
    [
      '{app="a", env="b"}',
      [
        ['app', 'a'],
        ['env', 'b'],
      ],
    ],
    [
      '{ app = "a" , env="b" , }',
      [
        ['app', 'a'],
        ['env', 'b'],
      ],
    ],
    ['{empty=""}', [['empty', '']]],
    [
      '{a="say \\"hi\\"", b="C:\\\\logs\\tx\\n"}',
      [
        ['a', 'say "hi"'],
        ['b', 'C:\\logs\tx\n'],
      ],
    ],
    ['{a="}, b=\\"c"}', [['a', '}, b="c']]],
    ['{a=`C:\\logs "x"`}', [['a', 'C:\\logs "x"']]],
    ['{a="gr\\u00f6\\u00dfe \\U0001F600"}', [['a', 'größe 😀']]],
    // Bytes of one character, each by itself, in hexadecimal and octal.
    ['{a="\\xc3\\xb6 \\303\\266 \\x00"}', [['a', 'ö ö \0']]],
    ['{a="\\xff"}', [['a', '\ufffd']]],
    [
      '{"k8s.pod"="p", größe="x"}',
      [
        ['k8s.pod', 'p'],
        ['größe', 'x'],
      ],
    ],
    ['{__proto__="x"}', [['__proto__', 'x']]],
  ])('%s', (text, labels) => {
    expect(parseLabels(text)).toEqual(labels);
  });
  it('takes the longest, plain and escaped, and refuses a longer one', () => {
    const plain = `{a="${'x'.repeat(MAX_LABEL_CHARS - 6)}"}`;
    expect(parseLabels(plain)[0]?.[1]).toHaveLength(MAX_LABEL_CHARS - 6);
    expect(parseLabels(`{a="${'\\n'.repeat((MAX_LABEL_CHARS - 6) / 2)}"}`)[0]?.[1]).toHaveLength((MAX_LABEL_CHARS - 6) / 2);
    expect(() => parseLabels(`${plain} `)).toThrow(/1048577 characters, the limit is 1048576/);
  });
  it.each([
    ['', /no "\{" at character 0, but its end/],
    ['job="web"', /no "\{" at character 0, but "job=/],
    ['{', /no name at character 1, but its end/],
    ['{job}', /no "=" at character 4/],
    ['{job=}', /no value in quotes at character 5/],
    ['{job=web}', /no value in quotes/],
    ['{job="web}', /no value in quotes at character 5/],
    ["{job='web'}", /no value in quotes/],
    ['{="web"}', /no name/],
    ['{""="web"}', /no name/],
    ['{,}', /no name/],
    ['{a="1" b="2"}', /no "," or "\}" at character 7/],
    ['{a="1",,b="2"}', /no name/],
    ['{a="1"} x', /no end at character 8, but "x"/],
    ['{a="\\q"}', /an escape that Go does not know: "\\\\q"/],
    ['{a="\\U99999999"}', /an escape that Go does not know/],
    ['{a="1\n2"}', /no value in quotes/],
  ])('refuses %s', (text, message) => {
    expect(() => parseLabels(text)).toThrow(message);
  });
});
