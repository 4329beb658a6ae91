import { describe, expect, it } from 'vitest';
import { compileRelabel, type RelabelConfig } from './relabel.ts';

const step = (config: Partial<RelabelConfig>): RelabelConfig => ({
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 1,
  targetLabel: '',
  replacement: '$1',
  action: 'replace',
  ...config,
});
const run = (labels: Record<string, string>, ...configs: Partial<RelabelConfig>[]): Record<string, string> | null => {
  const out = compileRelabel(configs.map(step))(new Map(Object.entries(labels)));
  return out && Object.fromEntries(out);
};

describe('relabel', () => {
  it.each<[string, Record<string, string>, Partial<RelabelConfig>[], Record<string, string> | null]>([
    ['replace with a group', { a: 'foo-12' }, [{ sourceLabels: ['a'], regex: 'foo-(\\d+)', targetLabel: 'n' }], { a: 'foo-12', n: '12' }],
    ['replace is anchored', { a: 'xfoo' }, [{ sourceLabels: ['a'], regex: 'foo', targetLabel: 'n', replacement: 'y' }], { a: 'xfoo' }],
    [
      'named groups',
      { a: 'k=v' },
      [{ sourceLabels: ['a'], regex: '(?P<key>.)=(?P<val>.)', targetLabel: '${key}', replacement: '${val}' }],
      { a: 'k=v', k: 'v' },
    ],
    [
      'an unknown group expands to nothing',
      { a: 'x' },
      [{ sourceLabels: ['a'], targetLabel: 'n', replacement: '<$9>' }],
      { a: 'x', n: '<>' },
    ],
    [
      'an empty replacement removes the label',
      { a: 'x', b: 'y' },
      [{ sourceLabels: ['a'], targetLabel: 'b', replacement: '' }],
      { a: 'x' },
    ],
    [
      'labels are joined by the separator',
      { a: '1', b: '2' },
      [{ sourceLabels: ['a', 'b'], separator: '/', targetLabel: 'c' }],
      { a: '1', b: '2', c: '1/2' },
    ],
    ['keep', { a: '1' }, [{ sourceLabels: ['a'], regex: '2', action: 'keep' }], null],
    ['drop', { a: '1' }, [{ sourceLabels: ['a'], regex: '1', action: 'drop' }], null],
    ['keepequal', { a: '1', b: '1' }, [{ sourceLabels: ['a'], targetLabel: 'b', action: 'keepequal' }], { a: '1', b: '1' }],
    ['dropequal', { a: '1', b: '1' }, [{ sourceLabels: ['a'], targetLabel: 'b', action: 'dropequal' }], null],
    ['labelmap', { meta_x: '1' }, [{ regex: 'meta_(.+)', action: 'labelmap' }], { meta_x: '1', x: '1' }],
    ['labeldrop', { a: '1', tmp_b: '2' }, [{ regex: 'tmp_.*', action: 'labeldrop' }], { a: '1' }],
    ['labelkeep', { a: '1', b: '2' }, [{ regex: 'a', action: 'labelkeep' }], { a: '1' }],
    ['uppercase', { a: 'x' }, [{ sourceLabels: ['a'], targetLabel: 'a', action: 'uppercase' }], { a: 'X' }],
    // Prometheus relabel_test.go: md5("foo") as its last eight bytes, modulo 1000
    ['hashmod', { c: 'baz' }, [{ sourceLabels: ['c'], targetLabel: 'd', modulus: 1000, action: 'hashmod' }], { c: 'baz', d: '976' }],
    ['the dot matches a newline', { a: 'x\ny' }, [{ sourceLabels: ['a'], regex: 'x.y', action: 'drop' }], null],
  ])('%s', (_, labels, configs, expected) => {
    expect(run(labels, ...configs)).toEqual(expected);
  });

  it('a hostile regular expression takes linear time', () => {
    expect(run({ a: `${'a'.repeat(20_000)}!` }, { sourceLabels: ['a'], regex: '(a+)+$', action: 'keep' })).toBeNull();
  });
});
