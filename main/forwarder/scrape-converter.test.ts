import { expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { decodeWrite } from '#collectors/prometheus/decode-write.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { tableRows } from '../../tests/coverage/otlp-rows.ts';
import { Symbols, write2 } from '../../tests/fixtures/write-requests.ts';
import { ScrapeConverter } from './scrape-converter.ts';

const NOW_MS = 1_790_000_000_000;
const limits = limitsSchema.parse({});
const judge = { receivedUnixNano: BigInt(NOW_MS) * 1_000_000n, retentionSeconds: 0, limits };

it('forwards what came by remote write with times, starts, values, histograms and exemplars', () => {
  const symbols = new Symbols();
  const timestamp = BigInt(NOW_MS - 5);
  const positive = {
    positiveSpans: [
      { offset: -3, length: 1 },
      { offset: 2, length: 1 },
    ],
    positiveDeltas: [1n, 1n],
  };
  const negative = { negativeSpans: [{ offset: 1, length: 1 }], negativeDeltas: [4n] };
  const body = write2({
    timeseries: [
      {
        labelsRefs: symbols.refs({ __name__: 'jobs_total', instance: 'a:1', job: 'node' }),
        samples: [{ value: 7.5, timestamp, startTimestamp: timestamp - 1000n }],
        exemplars: [{ labelsRefs: symbols.refs({ user: 'x' }), value: 2, timestamp }],
        metadata: { type: 1, helpRef: symbols.ref('Jobs.') },
      },
      {
        labelsRefs: symbols.refs({ __name__: 'size', job: 'node' }),
        histograms: [
          {
            count: { case: 'countInt', value: 8n },
            zeroCount: { case: 'zeroCountInt', value: 1n },
            sum: 2.5,
            schema: -1,
            zeroThreshold: 0.25,
            ...positive,
            ...negative,
            timestamp,
          },
          {
            count: { case: 'countInt', value: 3n },
            sum: 1,
            schema: -53,
            customValues: [1, 2],
            positiveSpans: [{ offset: 1, length: 1 }],
            positiveDeltas: [3n],
            timestamp,
          },
        ],
      },
    ],
    symbols: symbols.symbols,
  });
  const record: JournalRecord = {
    kind: RecordKind.write2,
    format: BodyFormat.protobuf,
    encoding: BodyEncoding.snappy,
    receivedUnixNano: judge.receivedUnixNano,
    retentionSeconds: 0,
    items: 3,
    source: 'remote-write',
    meta: '',
    body,
    position: 0,
    next: 0,
  };
  const { bytes, points } = new ScrapeConverter(limits).convertWrite(record);
  expect(points).toBe(3);
  expect(checkOtlp('metrics', bytes, judge)).toMatchObject({ ok: true, items: 3, rejected: 0 });
  const here = decodeWrite(2, body, { ...judge, items: 3, dictionary: new TestDictionary() });
  const dictionary = new TestDictionary();
  const there = decodeOtlp('metrics', bytes, { ...judge, dictionary });
  const rows = (record2: typeof here, table: 'samples' | 'histograms' | 'exemplars') =>
    tableRows(record2, table).map((row) => ({ ...row, series_id: 0 }));
  for (const table of ['samples', 'histograms', 'exemplars'] as const) expect(rows(there, table)).toEqual(rows(here, table));
  expect(dictionary.seriesRows.slice(1)).toMatchObject([
    { metric: 'jobs_total', source: 'prometheus', type: 'sum', monotonic: true, description: 'Jobs.' },
    { metric: 'size', type: 'exponential_histogram', temporality: 'cumulative', service: 'node' },
    { metric: 'size', type: 'histogram' },
  ]);
});
