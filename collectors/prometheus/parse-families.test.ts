import { describe, expect, it } from 'vitest';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { double, field, joined, number, varint } from '#collectors/otlp/test-protobuf.ts';
import { formatFloat } from './format-float.ts';
import { type FamilyOptions, parseFamilies } from './parse-families.ts';
import { counts, deltas, FAMILIES, family, label, spans, stamp } from './test-families.ts';

/** Series in the order they are told: text, value, time, start, exemplars. */
function read(
  body: Uint8Array,
  options: Partial<FamilyOptions> = {},
): { readonly lines: string[]; readonly keys: string[]; readonly told: string[] } {
  const lines: string[] = [];
  const keys: string[] = [];
  const told: string[] = [];
  const extra = (timestampMs: number, start: bigint, exemplars: number): string =>
    `${Number.isNaN(timestampMs) ? '' : ` @${timestampMs}`}${start === 0n ? '' : ` since ${start}`}${exemplars === 0 ? '' : ` +${exemplars}`}`;
  const text = (name: string, labels: readonly (readonly [string, string])[]): string =>
    `${name}{${labels.map(([key, value]) => `${key}=${value}`).join(',')}}`;
  parseFamilies(
    body,
    {
      family: (name, type, help, unit) => void told.push(`${name} ${type} ${help} ${unit}`.trim()),
      sample: (series, value, timestampMs, start, exemplar) => {
        keys.push(series.key);
        lines.push(`${text(series.name, series.labels())} ${value}${extra(timestampMs, start, exemplar ? 1 : 0)}`);
      },
      histogram: (series, point, timestampMs, start, exemplars) => {
        keys.push(series.key);
        const found = point.judge();
        lines.push(
          `${text(series.name, series.labels())} h${point.isFloat ? 'f' : ''} ${point.count}/${point.zeroCount}/${point.schema}/${point.positive.first}+${point.positive.width}${extra(timestampMs, start, exemplars.length)}${found === '' ? '' : ` ${found}`}`,
        );
      },
    },
    { classic: false, native: true, ...options },
  );
  return { lines, keys, told };
}
const since = ' since 1789999000123456789';

describe('the protobuf exposition', () => {
  it('becomes the series the text format would show, and native histograms', () => {
    const { lines, keys, told } = read(FAMILIES);
    expect(lines).toEqual([
      `requests_total{code=200} 12${since} +1`,
      'requests_total{code=500,instance=mine} 1',
      'temperature{} -1.5',
      'old{} 3',
      'rpc_seconds_count{} 7',
      'rpc_seconds_sum{} 3.5',
      'rpc_seconds{quantile=0.5} 0.25',
      'rpc_seconds{quantile=1.0} 2',
      'classic_seconds_count{} 9',
      'classic_seconds_sum{} 21.5',
      'classic_seconds_bucket{le=0.1} 2 +1',
      'classic_seconds_bucket{le=1e+06} 5',
      'classic_seconds_bucket{le=+Inf} 9',
      `native_seconds{route=/} h 12/2/3/0+7${since} +1`,
      'native_seconds{route=/empty} h 0/0/0/0+0',
      'gauge_seconds{} h 3/0/0/1+2',
      'float_seconds{} hf 6/1/-1/1+2',
    ]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(read(FAMILIES).keys).toEqual(keys);
    expect(told.slice(0, 2)).toEqual(['requests_total counter Requests.', 'temperature gauge']);
  });
  it('gives a histogram with both forms as the job asks', () => {
    const both = family('h', 4, '', [
      [field(7, [number(1, 2), double(2, 3), ...spans(12, [0, 1]), deltas(13, 2), field(3, [number(1, 2), double(2, 1)])])],
    ]);
    const classic = ['h_count{} 2', 'h_sum{} 3', 'h_bucket{le=1.0} 2', 'h_bucket{le=+Inf} 2'];
    const native = 'h{} h 2/0/0/0+1';
    expect(read(both).lines).toEqual([native]);
    expect(read(both, { classic: true }).lines).toEqual([...classic, native]);
    expect(read(both, { native: false }).lines).toEqual(classic);
  });
  it('reads what describes a family behind its metrics, own times and unknown fields', () => {
    const metric = field(4, [field(99, 'new'), number(6, 1_700_000_000_123n), field(3, [double(1, 5), stamp(3, 7n)])]);
    const body = joined(metric, field(5, 'seconds'), field(2, 'Help.'), number(3, 0), field(1, 'late'));
    const { lines, told } = read(joined(varint(body.length), body));
    expect(lines).toEqual(['late{} 5 @1700000000123 since 7']);
    expect(told).toEqual(['late counter Help. seconds']);
  });
  it('an empty body is an empty exposition', () => {
    expect(read(new Uint8Array(0)).lines).toEqual([]);
  });
  const metric = (...parts: readonly Uint8Array[]): Uint8Array => family('m', 1, '', [[...parts, field(2, [double(1, 1)])]]);
  it.each<[string, Uint8Array, RegExp]>([
    ['a length past the end', Uint8Array.of(9, 1), /length runs past the end/],
    ['a length without end', new Uint8Array(20).fill(0xff), /longer than ten bytes/],
    ['a family without a name', joined(varint(2), number(3, 0)), /family 1 has no name/],
    ['a type nobody knows', family('m', 6, '', []), /family m: 6 is not a metric type/],
    ['a metric of another type', family('m', 0, '', [[field(2, [double(1, 1)])]]), /metric of family m has no counter/],
    ['a label twice', metric(label('a', '1'), label('a', '2')), /label a of m comes twice/],
    ['a label without a name', metric(label('', '1')), /label of m has no name/],
    ['a label that is no text', metric(field(1, [field(1, Uint8Array.of(0xff)), field(2, 'x')])), /not valid UTF-8/],
    ['a number cut off', family('m', 1, '', [[field(2, Uint8Array.of(9, 0, 0))]]), /cut off/],
    ['a group', family('m', 1, '', [[Uint8Array.of(0x0b)]]), /groups are not part/],
    ['text', Buffer.from('# TYPE a counter\na 1\n'), /./],
  ])('refuses %s', (_, body, says) => {
    expect(() => read(body)).toThrow(OtlpError);
    expect(() => read(body)).toThrow(says);
  });
  it.each<[string, readonly Uint8Array[]]>([
    ['spans without buckets', [number(1, 1), ...spans(12, [0, 3]), deltas(13, 1)]],
    ['more in the buckets than counted', [number(1, 1), ...spans(12, [0, 1]), deltas(13, 5)]],
    ['a negative count', [number(1, 1), ...spans(12, [0, 2]), deltas(13, 1, -3)]],
    ['two kinds of buckets', [number(1, 1), ...spans(12, [0, 1]), counts(14, 1)]],
    ['a span of billions', [number(1, 1), ...spans(12, [0, 4_000_000_000]), deltas(13, 1)]],
    ['a schema nobody knows', [number(1, 1), number(5, 200), ...spans(12, [0, 1]), deltas(13, 1)]],
  ])('finds a native histogram with %s', (_, parts) => {
    expect(read(family('h', 4, '', [[field(7, parts)]])).lines[0]).toMatch(/invalid_histogram$/);
  });
});

describe('a number as label value', () => {
  it.each([
    [1, '1.0'],
    [0, '0.0'],
    [-0.25, '-0.25'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [123_456, '123456.0'],
    [1_234_567, '1.234567e+06'],
    [1e21, '1e+21'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ])('%s is %s', (value, text) => {
    expect(formatFloat(value)).toBe(text);
  });
});
