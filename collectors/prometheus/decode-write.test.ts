import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import type { ColumnBatch } from '#contracts/columns.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { type Row, tableRows } from '../../tests/coverage/otlp-rows.ts';
import { encodeSnappy } from '../../tests/fixtures/encode-snappy.ts';
import { labels1, Symbols, type Write1, type Write2, write1, write2 } from '../../tests/fixtures/write-requests.ts';
import { checkWrite } from './check-write.ts';
import { decodeWrite } from './decode-write.ts';
import type { WriteVersion } from './write-reader.ts';

const NOW_MS = 1_790_000_000_000;
const at = (unixMs: number): bigint => BigInt(unixMs) * 1_000_000n;
/** JavaScript would quiet a NaN with a payload: the bits are put in place of a number nobody else has. */
const PATCHED = 1.2345678901234567;
function withStale(body: Buffer): Buffer {
  const bits = Buffer.alloc(8);
  bits.writeDoubleLE(PATCHED);
  body.writeBigUInt64LE(0x7ff0000000000002n, body.indexOf(bits));
  return body;
}
const context = {
  receivedUnixNano: at(NOW_MS),
  retentionSeconds: 7 * 86_400,
  limits: limitsSchema.parse({ maxAttributes: 5, maxAttributeBytes: 200 }),
};
const up = { __name__: 'up', instance: 'a:9090', job: 'node' };

interface Outcome {
  readonly checked: ReturnType<typeof checkWrite>;
  readonly samples: readonly Row[];
  readonly histograms: readonly Row[];
  readonly exemplars: readonly Row[];
  readonly dropped: Record<string, number>;
  readonly noted: Record<string, number>;
  readonly dictionary: TestDictionary;
}
function take(version: WriteVersion, body: Uint8Array, dictionary = new TestDictionary(), more = {}): Outcome {
  const all = { ...context, ...more };
  const checked = checkWrite(version, body, all);
  const record = decodeWrite(version, body, { ...all, dictionary, items: checked.items });
  const { batches, dropped, noted } = record;
  const rows = (table: 'samples' | 'histograms' | 'exemplars'): readonly Row[] =>
    batches.some((batch) => batch.table === table) ? tableRows(record, table) : [];
  const outcome = { samples: rows('samples'), histograms: rows('histograms'), exemplars: rows('exemplars') };
  // What the answer says is what is stored.
  expect([outcome.samples.length, outcome.histograms.length, outcome.exemplars.length]).toEqual([
    checked.samples,
    checked.histograms,
    checked.exemplars,
  ]);
  const lost = [...dropped.values()].reduce((a, b) => a + b, 0);
  expect(outcome.samples.length + outcome.histograms.length + lost).toBe(checked.items);
  return { checked, ...outcome, dropped: Object.fromEntries(dropped), noted: Object.fromEntries(noted), dictionary };
}
const one = (request: Write1, dictionary?: TestDictionary, more?: object): Outcome => take(1, write1(request), dictionary, more);
const two = (request: Write2, dictionary?: TestDictionary): Outcome => take(2, write2(request), dictionary);
const sampleNow = { value: 1, timestamp: BigInt(NOW_MS) };

describe('remote write 1.0', () => {
  it('stores samples as they are, with the identity of a scraped series', () => {
    const { samples, dictionary, checked } = one({
      timeseries: [
        {
          labels: labels1(up),
          samples: [
            { value: 0.1, timestamp: BigInt(NOW_MS - 1) },
            { value: -0, timestamp: BigInt(NOW_MS) },
          ],
        },
        { labels: labels1({ __name__: 'jobs_total', job: 'node' }), samples: [sampleNow] },
      ],
    });
    expect(checked).toEqual({ items: 3, samples: 3, histograms: 0, exemplars: 0, problem: '' });
    expect(samples.map((row) => [row['series_id'], row['time'], row['value'], row['start_time'], row['flags']])).toEqual([
      [1, at(NOW_MS - 1), 0.1, null, 0],
      [1, at(NOW_MS), -0, null, 0],
      [2, at(NOW_MS), 1, null, 0],
    ]);
    expect(dictionary.seriesRows[1]).toMatchObject({
      metric: 'up',
      type: 'unknown',
      source: 'prometheus',
      service: 'node',
      attributes: { keys: ['instance', 'job'], values: ['a:9090', 'node'], types: 'ss' },
    });
    expect(dictionary.seriesRows[2]).toMatchObject({ type: 'sum', monotonic: true, temporality: 'cumulative' });
    expect(dictionary.resources[1]).toMatchObject({ service: 'node', serviceInstanceId: 'a:9090' });
  });

  it('keeps a stale marker bit for bit and says so in the flags', () => {
    const body = withStale(write1({ timeseries: [{ labels: labels1(up), samples: [{ ...sampleNow, value: PATCHED }] }] }));
    const record = decodeWrite(1, body, { ...context, dictionary: new TestDictionary(), items: 1 });
    const { data } = (record.batches[0] as ColumnBatch).columns[2] as { data: Float64Array };
    expect(new BigUint64Array(data.buffer, data.byteOffset, 1)[0]).toBe(0x7ff0000000000002n);
    expect(tableRows(record, 'samples')[0]?.['flags']).toBe(1);
  });

  it('reads the same series by prediction, in another order and with labels behind samples', () => {
    const dictionary = new TestDictionary();
    const series = ['a', 'b', 'c'].map((name) => ({ labels: labels1({ __name__: name }), samples: [sampleNow] }));
    for (const order of [
      [0, 1, 2],
      [0, 1, 2],
      [2, 1, 0],
      [1, 0],
    ]) {
      const { samples } = one({ timeseries: order.map((i) => series[i] as object) }, dictionary);
      expect(samples.map((row) => dictionary.seriesRows[row['series_id'] as number]?.metric)).toEqual(order.map((i) => ['a', 'b', 'c'][i]));
    }
    // labels { name "a" } split around the sample: __name__ first, then the sample, then another label
    const label = (name: string, value: string): number[] => {
      const inner = [0x0a, name.length, ...Buffer.from(name), 0x12, value.length, ...Buffer.from(value)];
      return [0x0a, inner.length, ...inner];
    };
    const sample = [0x12, 2, 0x10, 1];
    const content = [...label('__name__', 'a'), ...sample, ...label('x', 'y')];
    const { samples } = take(1, encodeSnappy(Uint8Array.from([0x0a, content.length, ...content])), dictionary, { retentionSeconds: 0 });
    expect(samples).toMatchObject([{ time: 1_000_000n, value: 0 }]);
    expect(dictionary.seriesRows[samples[0]?.['series_id'] as number]?.attributes).toMatchObject({ keys: ['x'], values: ['y'] });
  });

  it.each([
    ['no name', { job: 'a' }, 'no metric name'],
    ['an empty name', { __name__: '', job: 'a' }, 'no metric name'],
    ['out of order', { __name__: 'up', b: '1', a: '2' }, 'label "a" is out of order'],
    ['a label without a name', { '': 'x', __name__: 'up' }, 'a label has no name'],
    ['no labels', {}, 'no metric name'],
  ])('refuses a series with labels %s and keeps the others', (_, labels, says) => {
    const bad = { labels: labels1(labels as Record<string, string>), samples: [sampleNow, sampleNow], exemplars: [{ timestamp: 1n }] };
    const { checked, samples, dropped, noted } = one({ timeseries: [bad, { labels: labels1(up), samples: [sampleNow] }, bad] });
    expect(checked).toMatchObject({ items: 5, samples: 1 });
    expect(checked.problem).toContain(says);
    expect(checked.problem).toContain('4 of 5 samples and histograms rejected (4 invalid_labels, 2 exemplars)');
    expect(samples).toHaveLength(1);
    expect(dropped).toEqual({ invalid_labels: 4 });
    expect(noted).toEqual({ exemplar_invalid: 2 });
  });
  it('refuses a label that comes twice, too many and too long ones', () => {
    const twice = [...labels1(up), { name: 'job', value: 'other' }];
    const many = labels1({ __name__: 'up', a: '1', b: '2', c: '3', d: '4', e: '5', f: '6' });
    const long = labels1({ __name__: 'up', a: 'x'.repeat(201) });
    const fits = labels1({ __name__: 'up', a: 'x'.repeat(200), b: '', c: '3', d: '4', e: '5' });
    const { checked, dropped, dictionary } = one({
      timeseries: [twice, many, long, fits].map((labels) => ({ labels, samples: [sampleNow] })),
    });
    expect(checked.problem).toContain('label "job" comes twice');
    expect(dropped).toEqual({ invalid_labels: 1, too_many_labels: 1, label_too_long: 1 });
    expect(dictionary.seriesRows[1]?.attributes.keys).toEqual(['a', 'c', 'd', 'e']);
  });
  it('takes any UTF-8 name and refuses a body with a text that is not UTF-8', () => {
    const { dictionary } = one({ timeseries: [{ labels: labels1({ __name__: 'http.größe', 'k ключ': '日本' }), samples: [sampleNow] }] });
    expect(dictionary.seriesRows[1]).toMatchObject({ metric: 'http.größe', attributes: { keys: ['k ключ'], values: ['日本'] } });
    const body = write1({ timeseries: [{ labels: labels1({ __name__: 'upup' }) }] });
    body[body.indexOf('upup')] = 0xff;
    expect(() => checkWrite(1, body, context)).toThrow('not valid UTF-8');
  });

  it('judges times at both ends of 64 bits', () => {
    const times = [
      0n,
      1n,
      -1n,
      -(2n ** 63n),
      2n ** 63n - 1n,
      9_223_372_036_854n,
      9_223_372_036_855n,
      BigInt(NOW_MS),
      BigInt(NOW_MS + 2 * 86_400_000),
    ];
    const request = { timeseries: [{ labels: labels1(up), samples: times.map((timestamp) => ({ value: 1, timestamp })) }] };
    expect(one(request)).toMatchObject({ dropped: { time_too_old: 4, time_in_future: 4 }, samples: [{ time: at(NOW_MS) }] });
    const off = one(request, undefined, { retentionSeconds: 0 });
    expect(off.samples.map((row) => row['time'])).toEqual([0n, 1_000_000n, at(NOW_MS)]);
    expect(off.checked.problem).toContain('time_too_old: a sample of series {__name__="up"');
    const late = one(request, undefined, { retentionSeconds: 0, receivedUnixNano: 2n ** 63n - 1n });
    expect(late.samples.at(-3)?.['time']).toBe(9_223_372_036_854_000_000n);
  });

  it('keeps exemplars with their ids apart', () => {
    const trace = '5b8efff798038103d269b633813fc60c';
    const { exemplars, noted, checked } = one({
      timeseries: [
        {
          labels: labels1(up),
          samples: [sampleNow],
          exemplars: [
            { labels: labels1({ trace_id: trace, user: 'x' }), value: 0.5, timestamp: BigInt(NOW_MS) },
            { labels: labels1({ a: '1' }), value: 1, timestamp: 5n },
            { labels: [...labels1({ a: '1' }), { name: 'a', value: '2' }], value: 1, timestamp: BigInt(NOW_MS) },
          ],
        },
      ],
    });
    expect(exemplars).toMatchObject([{ series_id: 1, time: at(NOW_MS), value: 0.5, trace_id: trace, attributes: [['user', 'x']] }]);
    expect(noted).toEqual({ exemplar_time: 1, exemplar_invalid: 1 });
    expect(checked.problem).toContain('label "a" comes twice');
  });

  it('learns what a family is for series that come later', () => {
    const dictionary = new TestDictionary();
    one({ metadata: [{ metricFamilyName: 'jobs', type: 1, help: 'Jobs.', unit: 's' }] }, dictionary);
    one({ timeseries: [{ labels: labels1({ __name__: 'jobs_total' }), samples: [sampleNow] }] }, dictionary);
    expect(dictionary.seriesRows[1]).toMatchObject({ type: 'sum', monotonic: true, description: 'Jobs.', unit: 's' });
  });
  it('drops and counts series the dictionary has no room for', () => {
    const { checked } = one({ timeseries: [] });
    expect(checked).toEqual({ items: 0, samples: 0, histograms: 0, exemplars: 0, problem: '' });
    const dictionary = new TestDictionary(1);
    const body = write1({ timeseries: ['a', 'b'].map((name) => ({ labels: labels1({ __name__: name }), samples: [sampleNow] })) });
    const { dropped } = decodeWrite(1, body, { ...context, dictionary, items: 2 });
    expect(Object.fromEntries(dropped)).toEqual({ too_many_series: 1 });
  });
});

describe('native histograms', () => {
  const base = { timestamp: BigInt(NOW_MS), sum: 12.5, schema: 3, zeroThreshold: 0.001, resetHint: 2 };
  const request = (...histograms: object[]): Write1 => ({ timeseries: [{ labels: labels1(up), histograms: histograms as never }] });

  it('stores integer buckets without gaps, with OTLP indices and the reset hint', () => {
    const { histograms, dictionary } = one(
      request({
        ...base,
        count: { case: 'countInt', value: 12n },
        zeroCount: { case: 'zeroCountInt', value: 2n },
        positiveSpans: [
          { offset: -2, length: 2 },
          { offset: 1, length: 0 },
          { offset: 1, length: 1 },
        ],
        positiveDeltas: [1n, 2n, -1n],
        negativeSpans: [{ offset: 5, length: 1 }],
        negativeDeltas: [4n],
      }),
    );
    expect(histograms).toMatchObject([
      {
        time: at(NOW_MS),
        count: 12n,
        sum: 12.5,
        scale: 3n,
        zero_count: 2n,
        zero_threshold: 0.001,
        positive_offset: -3n,
        positive_counts: [1n, 3n, 0n, 0n, 2n],
        negative_offset: 4n,
        negative_counts: [4n],
        bounds: [],
        flags: 2 << 16,
      },
    ]);
    expect(dictionary.seriesRows[1]).toMatchObject({ type: 'exponential_histogram', temporality: 'cumulative', numberType: '' });
  });
  it('stores float buckets where they are whole, and custom bounds as a classic histogram', () => {
    const float = {
      ...base,
      count: { case: 'countFloat', value: 3 },
      zeroCount: { case: 'zeroCountFloat', value: 0 },
      positiveSpans: [{ offset: 0, length: 2 }],
      positiveCounts: [1, 2],
      resetHint: 3,
    };
    const custom = {
      ...base,
      schema: -53,
      zeroThreshold: 0,
      count: { case: 'countInt', value: 3n },
      customValues: [0.5, 1, 5],
      positiveSpans: [{ offset: 1, length: 1 }],
      positiveDeltas: [3n],
    };
    const { histograms, dictionary } = one(request(float, custom));
    expect(histograms).toMatchObject([
      { positive_offset: -1n, positive_counts: [1n, 2n], flags: 3 << 16 },
      { bounds: [0.5, 1, 5], bucket_counts: [0n, 3n, 0n, 0n], scale: null, zero_count: null },
    ]);
    expect(dictionary.seriesRows.slice(1).map((row) => [row?.type, row?.temporality])).toEqual([
      ['exponential_histogram', ''],
      ['histogram', 'cumulative'],
    ]);
  });
  const whole = { count: { case: 'countInt', value: 3n }, positiveSpans: [{ offset: 0, length: 2 }], positiveDeltas: [1n, 1n] };
  it.each([
    ['invalid_histogram', 'schema 60', { ...whole, schema: 60 }],
    ['invalid_histogram', 'spans speak of 2 buckets, there are 1', { ...whole, positiveDeltas: [3n] }],
    ['invalid_histogram', 'its buckets hold 3 observations, its count says 4', { ...whole, count: { case: 'countInt', value: 4n } }],
    ['invalid_histogram', 'negative count', { ...whole, positiveDeltas: [1n, -2n] }],
    [
      'invalid_histogram',
      'begins before the end',
      {
        ...whole,
        positiveSpans: [
          { offset: 0, length: 1 },
          { offset: -1, length: 1 },
        ],
      },
    ],
    ['invalid_histogram', 'negative or not a number', { ...whole, zeroThreshold: Number.NaN }],
    ['invalid_histogram', 'another kind', { ...whole, positiveCounts: [1, 2] }],
    [
      'invalid_histogram',
      '2^53',
      { count: { case: 'countInt', value: 2n ** 60n }, positiveSpans: [{ length: 1 }], positiveDeltas: [2n ** 60n] },
    ],
    ['invalid_histogram', 'do not grow', { ...whole, schema: -53, zeroThreshold: 0, customValues: [2, 1] }],
    ['invalid_histogram', 'beyond its bounds', { ...whole, schema: -53, zeroThreshold: 0, customValues: [] }],
    [
      'histogram_too_wide',
      '65536',
      {
        ...whole,
        positiveSpans: [
          { offset: 0, length: 1 },
          { offset: 2 ** 31 - 1, length: 1 },
        ],
      },
    ],
    ['time_too_old', 'Older than the retention', { ...whole, timestamp: 1n }],
  ])('counts %s: %s', (reason, says, histogram) => {
    const good = { ...base, ...whole };
    const { checked, dropped, histograms } = one(request({ ...base, ...histogram }, good));
    expect(checked.problem).toContain(says);
    expect(dropped).toEqual({ [reason]: 1 });
    expect(histograms).toHaveLength(1);
  });
  it('keeps fractional counts exactly beside their rounded ones, also with custom bounds', () => {
    const spans = [
      { offset: 2, length: 1 },
      { offset: 1, length: 2 },
    ];
    const exponential = {
      ...{ count: { case: 'countFloat' as const, value: 0.1 + 0.2 }, zeroCount: { case: 'zeroCountFloat' as const, value: 0.75 } },
      ...{ positiveSpans: spans, positiveCounts: [1.5, 0, 1e-300], negativeSpans: [{ length: 1 }], negativeCounts: [2.49] },
    };
    const custom = {
      ...{ count: { case: 'countFloat' as const, value: 2.25 }, schema: -53, zeroThreshold: 0, customValues: [0.5, 1, 2] },
      ...{ positiveSpans: [{ offset: 1, length: 1 }], positiveCounts: [2.25] },
    };
    const { histograms, dropped } = one(request({ ...base, ...exponential }, { ...base, ...custom }));
    expect(dropped).toEqual({});
    expect(histograms).toMatchObject([
      {
        ...{ count: 0n, zero_count: 1n, positive_offset: 1n, positive_counts: [2n, 0n, 0n, 0n], negative_counts: [2n] },
        float_counts: [0.1 + 0.2, 0.75, 1.5, 0, 0, 1e-300, 2.49],
      },
      { count: 2n, bounds: [0.5, 1, 2], bucket_counts: [0n, 2n, 0n, 0n], float_counts: [2.25, 0, 0, 2.25, 0, 0] },
    ]);
    const { histograms: wholes } = one(
      request({ ...base, count: { case: 'countFloat', value: 3 }, positiveSpans: [{ length: 1 }], positiveCounts: [3] }),
    );
    expect(wholes).toMatchObject([{ count: 3n, positive_counts: [3n], float_counts: [] }]);
  });
  it('keeps the end of a histogram series', () => {
    const body = withStale(write1(request({ ...base, sum: PATCHED, count: { case: 'countInt', value: 0n } })));
    const { histograms } = take(1, body);
    expect(histograms).toMatchObject([{ count: 0n, flags: 1 | (2 << 16) }]);
  });
  it('refuses a request whose histograms would take all memory', () => {
    const wide = {
      ...base,
      ...whole,
      positiveSpans: [
        { offset: 0, length: 1 },
        { offset: 60_000, length: 1 },
      ],
    };
    const body = write1(request(...Array.from({ length: 100 }, () => wide)));
    expect(() => checkWrite(1, body, context)).toThrow('span more than');
  });
});

describe('remote write 2.0', () => {
  it('reads symbols, metadata, starts, histograms and exemplars', () => {
    const symbols = new Symbols();
    const dictionary = new TestDictionary();
    const timeseries = [
      {
        labelsRefs: symbols.refs({ __name__: 'jobs_total', job: 'node' }),
        samples: [{ value: 5, timestamp: BigInt(NOW_MS), startTimestamp: BigInt(NOW_MS - 1000) }],
        exemplars: [{ labelsRefs: symbols.refs({ user: 'x' }), value: 2, timestamp: BigInt(NOW_MS) }],
        metadata: { type: 1, helpRef: symbols.ref('Jobs done.'), unitRef: symbols.ref('jobs') },
      },
      {
        labelsRefs: symbols.refs({ __name__: 'size', job: 'node' }),
        histograms: [
          {
            count: { case: 'countInt' as const, value: 1n },
            positiveSpans: [{ offset: 0, length: 1 }],
            positiveDeltas: [1n],
            timestamp: BigInt(NOW_MS),
            startTimestamp: BigInt(NOW_MS - 2000),
          },
        ],
        createdTimestamp: BigInt(NOW_MS - 5000),
      },
      { labelsRefs: symbols.refs({ __name__: 'up' }), samples: [sampleNow], createdTimestamp: BigInt(NOW_MS - 5000) },
    ];
    for (let again = 0; again < 2; again++) {
      const { checked, samples, histograms, exemplars } = two({ symbols: symbols.symbols, timeseries }, dictionary);
      expect(checked).toEqual({ items: 3, samples: 2, histograms: 1, exemplars: 1, problem: '' });
      expect(samples).toMatchObject([
        { series_id: 1, value: 5, start_time: at(NOW_MS - 1000) },
        { series_id: 3, value: 1, start_time: at(NOW_MS - 5000) },
      ]);
      expect(histograms).toMatchObject([{ series_id: 2, start_time: at(NOW_MS - 2000), positive_counts: [1n] }]);
      expect(exemplars).toMatchObject([{ series_id: 1, attributes: [['user', 'x']] }]);
    }
    expect(dictionary.seriesRows[1]).toMatchObject({
      type: 'sum',
      monotonic: true,
      description: 'Jobs done.',
      unit: 'jobs',
      service: 'node',
    });
  });
  it('refuses series whose references are wrong, and keeps the others', () => {
    const symbols = new Symbols();
    const good = { labelsRefs: symbols.refs({ __name__: 'up', job: 'a' }), samples: [sampleNow] };
    const [name = 0, up = 0] = good.labelsRefs;
    const bad = [
      { ...good, labelsRefs: [name, up, 99, 1] },
      { ...good, labelsRefs: [name, up, 3] },
      { ...good, labelsRefs: [name, up, 2 ** 32 - 1, 0] },
      { ...good, metadata: { helpRef: 77 } },
      { ...good, exemplars: [{ labelsRefs: [88, 1], timestamp: BigInt(NOW_MS) }] },
    ];
    const { checked, dropped, noted } = two({ symbols: symbols.symbols, timeseries: [...bad, good] });
    expect(checked).toMatchObject({ items: 6, samples: 2, exemplars: 0 });
    expect(checked.problem).toContain('bad_symbol: series {__name__="up"}: a label refers to symbol 99, there are 5');
    expect(dropped).toEqual({ bad_symbol: 4 });
    expect(noted).toEqual({ exemplar_invalid: 1 });
    const disordered = two({ symbols: ['', 'b', 'x', '__name__', 'up'], timeseries: [{ labelsRefs: [1, 2, 3, 4], samples: [sampleNow] }] });
    expect(disordered.dropped).toEqual({ invalid_labels: 1 });
  });
  it('refuses a request of the other version', () => {
    expect(() => checkWrite(1, write2({ symbols: [''] }), context)).toThrow('2.0 request under the content type of 1.0');
    expect(() => checkWrite(2, write1({ timeseries: [{}] }), context)).toThrow('1.0 request under the content type of 2.0');
  });
  it('does not write out labels without end', () => {
    const symbols = ['', '__name__', 'x'.repeat(200)];
    const labelsRefs = [1, 2, ...Array.from({ length: 8 }, () => 2)];
    const timeseries = Array.from({ length: 2000 }, () => ({ labelsRefs }));
    const limits = { ...context.limits, maxDecompressedBytes: 100_000 };
    expect(() => checkWrite(2, write2({ symbols, timeseries }), { ...context, limits })).toThrow('larger than any request');
    const exemplars = Array.from({ length: 2000 }, () => ({ labelsRefs, timestamp: 1n }));
    const one = [{ labelsRefs: [1, 2], exemplars }];
    expect(() => checkWrite(2, write2({ symbols, timeseries: one }), { ...context, limits })).toThrow('larger than any request');
  });
});

describe('descriptions', () => {
  it('are kept cut, and do not keep what they were cut from', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const dictionary = new TestDictionary();
    const tell = (name: string): void => {
      one({ metadata: [{ metricFamilyName: name, type: 2, help: 'é'.repeat(500_000), unit: 's'.repeat(500_000) }] }, dictionary);
    };
    tell('first');
    const before = held();
    for (let i = 0; i < 30; i++) tell(`temperature_${i}`);
    for (let i = 0; i < 10; i++) tell(`long_${i}_`.repeat(100_000));
    expect(held() - before).toBeLessThan(10e6);
    one({ timeseries: [{ labels: labels1({ __name__: 'temperature_7' }), samples: [sampleNow] }] }, dictionary);
    expect(dictionary.seriesRows.at(-1)).toMatchObject({ description: 'é'.repeat(1_024), unit: 's'.repeat(1_024) });
  });
});

describe('bodies that are none', () => {
  const good = write1({ timeseries: [{ labels: labels1(up), samples: [sampleNow] }] });
  it.each([
    ['nothing', Buffer.alloc(0), 'cut off'],
    ['a length without content', Buffer.from([200, 1]), 'too short'],
    ['a length over 32 bits', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f]), 'over 32 bits'],
    ['a copy from before the beginning', Buffer.from([8, 0x0d, 9]), 'before its beginning'],
    ['more than it states', Buffer.from([1, 0x04, 1, 2]), 'longer than it states'],
    ['less than it states', Buffer.from([5, 0x04, 1, 2]), 'before the length it states'],
    ['half a body', good.subarray(0, good.length - 9), 'snappy'],
    ['plain protobuf', Buffer.from([0x0a, 2, 0x0a, 0]), 'snappy'],
    ['a number cut off', encodeSnappy(Uint8Array.of(0x0a, 3, 0x12, 1, 0x09)), 'cut off'],
    ['a length past the end', encodeSnappy(Uint8Array.of(0x0a, 9, 0x12, 1)), 'runs past the end'],
    ['a group', encodeSnappy(Uint8Array.of(0x0b)), 'groups'],
  ])('refuses %s', (_, body, says) => {
    expect(() => checkWrite(1, body, context)).toThrow(says);
  });
  it('takes an empty message', () => {
    expect(checkWrite(1, Buffer.from([0]), context)).toMatchObject({ items: 0, problem: '' });
    expect(checkWrite(2, Buffer.from([0]), context)).toMatchObject({ items: 0, problem: '' });
  });
  it('refuses more than the limit before inflating it', () => {
    const limits = { ...context.limits, maxDecompressedBytes: 20 };
    expect(() => checkWrite(1, good, { ...context, limits })).toThrow('the limit is 20');
  });
  it('refuses more rows than anything honest', () => {
    const label = [0x0a, 15, 0x0a, 8, ...Buffer.from('__name__'), 0x12, 3, ...Buffer.from('abc')];
    const content = Buffer.concat([Buffer.from(label), Buffer.alloc(2 * 1_048_577, Buffer.from([0x12, 0]))]);
    const length = content.length;
    const head = Buffer.from([0x0a, (length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21]);
    expect(() => checkWrite(1, encodeSnappy(Buffer.concat([head, content])), context)).toThrow('more than 1048576');
  });
});
