import { describe, expect, it } from 'vitest';
import type { DecodedRecord } from '#contracts/columns.ts';
import { limitsSchema } from '#contracts/settings.ts';
import type { TableName } from '#contracts/tables.ts';
import { metricPayloads, tracePayloads } from '../../bench/payloads.ts';
import { type Row, tableRows } from '../../tests/coverage/otlp-rows.ts';
import { decodeOtlp } from './decode.ts';
import { TestDictionary } from './test-dictionary.ts';
import { double, field, fixed64, joined, keyValue, logRequest, metricRequest, number, spanRequest } from './test-protobuf.ts';

const now = 1_790_000_000_000_000_000n;
type Limits = Partial<ReturnType<typeof limitsSchema.parse>>;
function decode(
  kind: 'traces' | 'metrics' | 'logs',
  body: Uint8Array,
  limits: Limits = {},
  dictionary = new TestDictionary(),
): DecodedRecord {
  return decodeOtlp(kind, body, { dictionary, receivedUnixNano: now, retentionSeconds: 0, limits: limitsSchema.parse(limits) });
}
const only = (record: DecodedRecord, table: TableName): Row => {
  const rows = tableRows(record, table);
  expect(rows).toHaveLength(1);
  return rows[0] as Row;
};
const noted = (record: DecodedRecord): Record<string, number> => Object.fromEntries(record.noted);
const attribute = (key: string, ...value: Uint8Array[]): Uint8Array => field(9, keyValue(key, ...value));

describe('attributes', () => {
  it.each([
    ['text', [field(1, 'x')], 's', 'x'],
    ['empty text', [field(1, '')], 's', ''],
    ['true', [number(2, 1)], 'b', 'true'],
    ['false', [number(2, 0)], 'b', 'false'],
    ['a small integer', [number(3, 7)], 'i', '7'],
    ['a four-digit integer', [number(3, 1000)], 'i', '1000'],
    ['a negative integer', [number(3, -42)], 'i', '-42'],
    ['2^53 + 1', [number(3, 2n ** 53n + 1n)], 'i', '9007199254740993'],
    ['the least integer', [number(3, -(2n ** 63n))], 'i', '-9223372036854775808'],
    ['a double', [double(4, 0.1)], 'd', '0.1'],
    ['a whole double', [double(4, 3)], 'd', '3'],
    ['minus zero', [double(4, -0)], 'd', '-0'],
    ['NaN', [double(4, Number.NaN)], 'd', 'NaN'],
    ['bytes', [field(7, Uint8Array.from([0xfb, 0xff]))], 'y', '+/8='],
    ['nothing', [], 'n', ''],
    ['an empty array', [field(5, [])], 'a', '[]'],
    [
      'an array',
      [field(5, [field(1, [number(3, 3)]), field(1, [double(4, 3)]), field(1, [field(1, '3')]), field(1, [])])],
      'a',
      '[3,3.0,"3",null]',
    ],
    [
      'a kvlist',
      [field(6, [field(1, keyValue('$k', field(7, 'ab'))), field(1, keyValue('n', double(4, Number.NaN)))])],
      'k',
      '{"$$k":{"$bytes":"YWI="},"n":{"$double":"NaN"}}',
    ],
  ] as const)('%s', (_name, value, letter, text) => {
    const row = only(decode('traces', spanRequest(now, attribute('key', ...value))), 'spans');
    expect(row).toMatchObject({ attributes: [['key', text]], attribute_types: letter });
  });

  it('promotes a key only when it comes with the type of its column', () => {
    const route = [attribute('http.route', field(1, '/cart')), attribute('http.response.status_code', number(3, 503))];
    expect(only(decode('traces', spanRequest(now, ...route)), 'spans')).toMatchObject({
      http_route: '/cart',
      http_response_status_code: 503n,
      attributes: [],
    });
    const otherTypes = [attribute('http.route', number(3, 5)), attribute('http.response.status_code', field(1, '503'))];
    expect(only(decode('traces', spanRequest(now, ...otherTypes)), 'spans')).toMatchObject({
      http_route: null,
      http_response_status_code: null,
      attributes: [
        ['http.route', '5'],
        ['http.response.status_code', '503'],
      ],
      attribute_types: 'is',
    });
  });
  it.each([
    [
      'both in the map',
      [attribute('a', field(1, '1')), attribute('b', number(3, 2)), attribute('a', number(3, 3))],
      {
        attributes: [
          ['b', '2'],
          ['a', '3'],
        ],
        attribute_types: 'ii',
      },
    ],
    [
      'column, then map',
      [attribute('http.route', field(1, '/x')), attribute('http.route', number(3, 1))],
      { http_route: null, attributes: [['http.route', '1']] },
    ],
    [
      'map, then column',
      [attribute('http.route', number(3, 1)), attribute('http.route', field(1, '/x'))],
      { http_route: '/x', attributes: [] },
    ],
  ] as const)('keeps the last value of a key that comes twice: %s', (_name, fields, expected) => {
    const record = decode('traces', spanRequest(now, ...fields));
    expect(only(record, 'spans')).toMatchObject(expected);
    expect(noted(record)).toEqual({ duplicate_attribute: 1 });
  });
  it('cuts the number of attributes and says so once per item', () => {
    const record = decode('traces', spanRequest(now, ...['a', 'b', 'c', 'd'].map((key) => attribute(key, number(3, 1)))), {
      maxAttributes: 2,
    });
    expect(only(record, 'spans')).toMatchObject({
      attributes: [
        ['a', '1'],
        ['b', '1'],
      ],
      attribute_types: 'ii',
    });
    expect(noted(record)).toEqual({ too_many_attributes: 1 });
  });
  it('cuts a long value between characters', () => {
    const record = decode('traces', spanRequest(now, attribute('k', field(1, 'aééé'))), { maxAttributeBytes: 4 });
    expect(only(record, 'spans')).toMatchObject({ attributes: [['k', 'aé']] });
    expect(noted(record)).toEqual({ attribute_too_long: 1 });
  });
  it('keeps a megabyte', () => {
    const text = 'x'.repeat(1024 * 1024);
    expect(
      only(decode('traces', spanRequest(now, attribute('k', field(1, text))), { maxAttributeBytes: 2 ** 21 }), 'spans')['attributes'],
    ).toEqual([['k', text]]);
  });
  it('takes more kinds of keys in one request than it numbers', () => {
    const span = (name: string, keys: number): Uint8Array =>
      spanRequest(
        now,
        ...Array.from({ length: keys }, (_, i) => attribute(`${name} key ${i}`, number(3, i))),
        attribute(`${name} key ${keys - 1}`, number(3, -1)),
      );
    const names = Array.from({ length: 7 }, (_, i) => `span ${i}`);
    const sizes = names.map((_, i) => (i < 6 ? 10_900 : 500));
    const record = decode('traces', joined(...names.map((name, i) => span(name, sizes[i] as number))), { maxAttributes: 20_000 });
    const rows = tableRows(record, 'spans');
    expect(rows.map((row) => (row['attributes'] as unknown[]).length)).toEqual(sizes);
    expect(((rows[6] as Row)['attributes'] as unknown[]).at(-1)).toEqual(['span 6 key 499', '-1']);
    expect(noted(record)).toEqual({ duplicate_attribute: 7 });
  });
});

describe('times', () => {
  const span = (start: bigint, end: bigint): Uint8Array => spanRequest(now, fixed64(7, start), fixed64(8, end));
  it.each([
    ['end before start', now, now - 3n, { start_time: now, duration_ns: -3n }, { negative_duration: 1 }],
    ['no end', now, 0n, { start_time: now, duration_ns: 0n }, { time_missing: 1 }],
    ['no start', 0n, now, { start_time: now, duration_ns: 0n }, { time_missing: 1 }],
    ['no times', 0n, 0n, { start_time: now, duration_ns: 0n }, { time_missing: 1 }],
    ['1970', 1n, 2n, { start_time: 1n, duration_ns: 1n }, {}],
    ['an end past 2262', 1n, 2n ** 64n - 1n, { start_time: 1n, duration_ns: 2n ** 63n - 1n }, { out_of_range_value: 1 }],
  ] as const)('a span with %s', (_name, start, end, row, notes) => {
    const record = decode('traces', span(start, end));
    expect(only(record, 'spans')).toMatchObject(row);
    expect(noted(record)).toEqual(notes);
  });
  it('a log without a time takes the observed one', () => {
    const record = decode('logs', logRequest(fixed64(11, now - 5n)));
    expect(only(record, 'logs')).toMatchObject({ time: now - 5n, observed_time: now - 5n, body: null, body_type: 'n'.charCodeAt(0) });
    expect(noted(record)).toEqual({ time_missing: 1 });
  });
});

describe('dropped items leave nothing behind', () => {
  it('a bad span between two good ones', () => {
    const bad = field(1, [
      field(2, [
        field(2, [
          field(5, 'bad'),
          field(9, keyValue('http.route', field(1, '/bad'))),
          field(9, keyValue('x', field(1, 'y'))),
          field(11, [field(2, 'event')]),
        ]),
      ]),
    ]);
    const record = decode('traces', joined(spanRequest(now, field(5, 'one')), bad, spanRequest(now, field(5, 'two'))));
    expect(
      tableRows(record, 'spans').map(({ name, http_route, attributes, events }) => ({ name, http_route, attributes, events })),
    ).toEqual([
      { name: 'one', http_route: null, attributes: [], events: [] },
      { name: 'two', http_route: null, attributes: [], events: [] },
    ]);
    expect([...record.dropped]).toEqual([['invalid_id', 1]]);
  });
});

describe('metrics', () => {
  const point = (...fields: Uint8Array[]): Uint8Array => field(1, [fixed64(3, now), ...fields]);
  const label = (value: string): Uint8Array => field(7, keyValue('l', field(1, value)));
  const gauge = (name: string, ...points: Uint8Array[]): Uint8Array => metricRequest(field(1, name), field(5, points));

  it('gives the same series the same id, whatever the order of its attributes', () => {
    const [a, b] = [field(7, keyValue('a', number(3, 1))), field(7, keyValue('b', number(3, 2)))];
    const dictionary = new TestDictionary();
    const rows = tableRows(decode('metrics', gauge('m', point(a, b), point(b, a)), {}, dictionary), 'samples');
    expect(rows.map((row) => row['series_id'])).toEqual([1, 1]);
    expect(dictionary.seriesRows[1]?.attributes).toEqual({ keys: ['a', 'b'], values: ['1', '2'], types: 'ii' });
  });
  it('keeps series apart by resource, scope, name, unit, kind, temporality and monotonicity', () => {
    const resource = (name: string, ...rest: Uint8Array[]): Uint8Array =>
      field(1, [field(1, [field(1, keyValue('service.name', field(1, name)))]), field(2, rest)]);
    const metric = (name: string, unit: string, data: Uint8Array): Uint8Array => field(2, [field(1, name), field(3, unit), data]);
    const sum = (...rest: Uint8Array[]): Uint8Array => field(7, [point(), ...rest]);
    const all = [
      resource('r1', metric('m', 's', field(5, [point()]))),
      resource('r2', metric('m', 's', field(5, [point()]))),
      resource('r1', field(1, [field(1, 'scope')]), metric('m', 's', field(5, [point()]))),
      resource('r1', metric('m2', 's', field(5, [point()]))),
      resource('r1', metric('m', 'By', field(5, [point()]))),
      resource('r1', metric('m', 's', sum())),
      resource('r1', metric('m', 's', sum(number(2, 1)))),
      resource('r1', metric('m', 's', sum(number(2, 2)))),
      resource('r1', metric('m', 's', sum(number(2, 2), number(3, 1)))),
    ];
    const dictionary = new TestDictionary();
    for (let again = 0; again < 2; again++) {
      const rows = tableRows(decode('metrics', joined(...all), {}, dictionary), 'samples');
      expect(rows.map((row) => row['series_id'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect(dictionary.seriesRows.slice(6).map((row) => [row?.temporality, row?.monotonic])).toEqual([
      ['', false],
      ['delta', false],
      ['cumulative', false],
      ['cumulative', true],
    ]);
  });
  it('answers a full dictionary with counted drops, and recovers with a new one', () => {
    const record = decode('metrics', gauge('m', point(label('a')), point(label('b')), point(label('a'))), {}, new TestDictionary(1));
    expect(tableRows(record, 'samples')).toHaveLength(2);
    expect([...record.dropped]).toEqual([['too_many_series', 1]]);
  });
  it.each([
    ['a stale point', [double(4, 5), number(8, 1)], 0x7ff0000000000002n, null],
    ['a NaN with a payload', [fixed64(4, 0x7ff8000000000123n)], 0x7ff8000000000123n, null],
    ['an exact integer', [fixed64(6, 2n ** 60n)], 0x43b0000000000000n, null],
    ['an integer no double holds', [fixed64(6, 2n ** 53n + 1n)], 0x4340000000000000n, 2n ** 53n + 1n],
    ['a negative one', [fixed64(6, -(2n ** 53n) - 1n)], 0xc340000000000000n, -(2n ** 53n) - 1n],
  ] as const)('%s', (_name, fields, bits, integer) => {
    const record = decode('metrics', gauge('m', point(...fields)));
    const values = record.batches[0]?.columns[2] as { readonly data: Float64Array };
    expect(new BigUint64Array(values.data.buffer, values.data.byteOffset, 1)[0]).toBe(bits);
    expect(only(record, 'samples')['value_int']).toBe(integer);
  });
  it('a Prometheus series another console sends on is of no service where it has no job', () => {
    const told = field(12, keyValue('prometheus.type', field(1, 'gauge')));
    const dictionary = new TestDictionary();
    decode('metrics', joined(metricRequest(field(1, 'up'), field(5, point()), told), gauge('m', point())), {}, dictionary);
    expect(dictionary.seriesRows.slice(1).map((row) => [row?.source, row?.service])).toEqual([
      ['prometheus', ''],
      ['otlp', 'unknown_service'],
    ]);
  });
  it('notes a metric without data', () => {
    expect(noted(decode('metrics', metricRequest(field(1, 'm'))))).toEqual({ no_data: 1 });
  });
  it('knows its series again in the next request', () => {
    const dictionary = new TestDictionary();
    const bodies = metricPayloads({ seed: 5, bodies: 3, items: 100, startUnixNano: now });
    const ids = bodies.map((body) => tableRows(decode('metrics', body, {}, dictionary), 'samples').map((row) => row['series_id']));
    expect(dictionary.seriesRows).toHaveLength(101);
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
  });
  it('reads points of known series as those of new ones, in whatever form they come', () => {
    const [start, time, value] = [fixed64(2, now - 9n), fixed64(3, now), double(4, 2.5)];
    const forms = (l: Uint8Array): Uint8Array[][] => [
      [time, value, l],
      [start, time, value, l],
      [start, time, value],
      [fixed64(2, 0n), time, value, l],
      [fixed64(2, 2n ** 64n - 1n), time, value, l],
      [start, fixed64(3, 0n), value, l],
      [start, fixed64(3, now + 10n ** 15n), value, l],
      [start, time, fixed64(6, 2n ** 60n + 1n), l],
      [start, time, double(4, Number.NaN), l],
      [start, time, value, l, number(8, 1)],
      [start, time, value, l, field(7, keyValue('m', number(3, 1)))],
      [start, time, value, l, value],
      [time, start, l, value],
      [start, time, value, field(5, [fixed64(2, now), double(3, 1)]), l],
      [start, time, l],
      [start, time, value, l, field(99, 'x'.repeat(200))],
    ];
    const points = ['a', 'a longer text than fits', ''].flatMap((text) => forms(label(text)).map((form) => field(1, form)));
    const dictionary = new TestDictionary();
    for (const body of [points, points, points.toReversed(), points].map((list) => gauge('m', ...list))) {
      const told = (record: DecodedRecord) => ({
        ...{ samples: tableRows(record, 'samples'), exemplars: tableRows(record, 'exemplars') },
        ...{ dropped: record.dropped, noted: record.noted },
      });
      const fresh = new TestDictionary();
      const known = told(decode('metrics', body, {}, dictionary));
      const asNew = told(decode('metrics', body, {}, fresh));
      // The numbers of series differ where they were met in another order: their labels do not.
      const named = (rows: Row[], { seriesRows }: TestDictionary): unknown[] =>
        rows.map((row) => ({ ...row, series_id: seriesRows[row['series_id'] as number]?.attributes }));
      expect({ ...known, samples: named(known.samples, dictionary), exemplars: named(known.exemplars, dictionary) }).toEqual({
        ...asNew,
        samples: named(asNew.samples, fresh),
        exemplars: named(asNew.exemplars, fresh),
      });
    }
  });
});

describe('ownership', () => {
  it('a batch does not change when the body is overwritten or another body is decoded', () => {
    const [first, second] = tracePayloads({ seed: 9, bodies: 2, items: 20, startUnixNano: now }) as [Uint8Array, Uint8Array];
    const dictionary = new TestDictionary();
    const record = decode('traces', first, {}, dictionary);
    const before = tableRows(record, 'spans');
    first.fill(0xee);
    decode('traces', second, {}, dictionary);
    expect(tableRows(record, 'spans')).toEqual(before);
  });
  it('lent memory is clean for every next body, and owned batches stay out of it', () => {
    const dictionary = new TestDictionary();
    const context = { dictionary, receivedUnixNano: now, retentionSeconds: 0, limits: limitsSchema.parse({}) };
    const bodies = tracePayloads({ seed: 4, bodies: 3, items: 50, startUnixNano: now });
    const bare = joined(...Array.from({ length: 60 }, () => spanRequest(now)));
    const owned = decodeOtlp('traces', bodies[0] as Uint8Array, context);
    const before = tableRows(owned, 'spans');
    for (const body of [bodies[1], bare, bodies[2], Uint8Array.from([0x0a, 0x7f]), bare, spanRequest(now), bodies[0]] as Uint8Array[]) {
      const attempt = (lend: boolean, other: TestDictionary): unknown => {
        try {
          return tableRows(decodeOtlp('traces', body, { ...context, dictionary: other, lend }), 'spans').map((row) => ({
            ...row,
            resource_id: 0,
            scope_id: 0,
          }));
        } catch (error) {
          return String(error);
        }
      };
      expect(attempt(true, dictionary)).toEqual(attempt(false, new TestDictionary()));
    }
    expect(tableRows(owned, 'spans')).toEqual(before);
  });
  it('decodes a body that is a part of a larger buffer', () => {
    const body = spanRequest(now, field(5, 'a name longer than twelve'));
    const larger = Buffer.concat([Buffer.alloc(7, 0xff), body, Buffer.alloc(9, 0xff)]);
    expect(only(decode('traces', larger.subarray(7, 7 + body.length)), 'spans')).toMatchObject({ name: 'a name longer than twelve' });
  });
  it('throws a typed error for what the check refuses', () => {
    expect(() => decode('traces', Uint8Array.from([0x0a, 0x7f]))).toThrow(
      expect.objectContaining({ name: 'OtlpError', reason: 'malformed' }),
    );
  });
});
