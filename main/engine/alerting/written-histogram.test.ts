import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { checkWrite } from '#collectors/prometheus/check-write.ts';
import { decodeWrite } from '#collectors/prometheus/decode-write.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { readSamples } from '#main/engine/promql/read-samples.ts';
import { SeriesBook } from '#main/engine/promql/series-book.ts';
import { type Labels, labelsOf } from '#query/promql/labels.ts';
import { areEqual, compact, EMPTY_HISTOGRAM, type NativeHistogram } from '#query/promql/native-histogram.ts';
import { isStale } from '#query/promql/value.ts';
import { parseHistogram } from '#query/rules/histogram-notation.ts';
import type { WrittenSample } from '#query/rules/sample.ts';
import { TestStore } from '#store/test-store.ts';
import { EngineRuleStore } from './engine-rule-store.ts';
import { PendingSamples } from './pending-samples.ts';
import { SampleWriter } from './sample-writer.ts';

/** Histograms of rules: judged as Prometheus does, there for rules that follow, and the same to the bit when they come back from the store. */
const test = new TestStore();
afterAll(() => test.end());
const limits = limitsSchema.parse(undefined);
const HISTOGRAMS = {
  whole: '{{schema:2 count:10 sum:5.5 z_bucket:1 z_bucket_w:0.001 buckets:[2 0 3] offset:-5 n_buckets:[1 3] n_offset:7}}',
  fractional: '{{schema:-1 count:3.7000000000000002 sum:-0.1 z_bucket:0.30000000000000004 buckets:[1.1 0 0 2.3] n_buckets:[0.1]}}',
  gauge: '{{schema:8 count:7 sum:NaN counter_reset_hint:gauge buckets:[7] offset:2000}}',
  custom: '{{schema:-53 count:4.5 sum:9 custom_values:[-1 0.5 1e300] buckets:[0.5 0 3 1]}}',
  empty: '{{}}',
  reset: '{{count:1 sum:1 counter_reset_hint:reset buckets:[1]}}',
};
const labels = (name: string): Labels => labelsOf(Object.entries({ __name__: 'h', name }));
const histogramOf = (name: keyof typeof HISTOGRAMS): NativeHistogram => parseHistogram(HISTOGRAMS[name]) as NativeHistogram;
const matchers = [{ name: '__name__', operator: '=' as const, value: 'h' }];

it('is what the rule gave, before and after it is stored', async () => {
  const store = await test.open();
  const book = new SeriesBook(store);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const context = { limits, receivedUnixNano: BigInt(test.nowMs) * 1_000_000n, retentionSeconds: 0 };
      const checked = checkWrite(2, body, context);
      expect(checked.items).toBe(checked.samples + checked.histograms);
      test.append(...decodeWrite(2, body, { ...context, dictionary: store.dictionary, items: checked.items }).batches);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const pending = new PendingSamples();
  const nothing = async (): Promise<undefined> => undefined;
  const parts = { pending, drained: nothing, refreshed: nothing, nowMs: () => test.nowMs, log: (line: string) => expect.unreachable(line) };
  const writer = new SampleWriter({ ...parts, ingestUrl: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const batches: (readonly WrittenSample[])[] = [];
  const rules = new EngineRuleStore({ store, book }, pending, (batch) => batches.push(batch));
  const atMs = test.nowMs - 60_000;
  const names = Object.keys(HISTOGRAMS) as (keyof typeof HISTOGRAMS)[];
  const samples = names.map((name) => ({ labels: labels(name), atMs, value: 0, histogram: histogramOf(name), isStale: false }));
  const bad = { ...EMPTY_HISTOGRAM, count: -1 };
  const below = { labels: labels('below'), atMs, value: 0, histogram: bad, isStale: false };
  await expect(rules.append([...samples, below])).rejects.toThrow('histogram has an observation count that is negative');
  // They end, and one becomes a number.
  const ends = names.map((name) => ({ labels: labels(name), atMs: atMs + 15_000, value: Number.NaN, isStale: name !== 'empty' }));
  await rules.append(ends.map((each) => (each.isStale ? each : { ...each, value: 7 })));
  const window = { matchers, startMs: atMs - 1, endMs: atMs + 20_000 };
  const shown = async (): Promise<Map<string, unknown>> => {
    const found = await readSamples(store, book.select(matchers), window, {});
    const all = pending.merge(found, matchers, window.startMs, window.endMs);
    return new Map(
      all.map(({ labels: own, times, values, histograms }) => {
        const name = own.values[own.names.indexOf('name')] as keyof typeof HISTOGRAMS;
        const [histogram, ...more] = histograms?.histograms ?? [];
        expect([more.length, histograms?.times[0], times.length, times[0]]).toEqual([0, atMs, 1, atMs + 15_000]);
        expect(isStale(values[0] as number)).toBe(name !== 'empty');
        return [name, [histogram !== undefined && areEqual(compact(histogram), compact(histogramOf(name))), histogram?.hint]];
      }),
    );
  };
  const wanted = new Map(names.map((name) => [name, [true, name === 'gauge' ? 'gauge' : 'unknown']]));
  expect(await shown()).toEqual(wanted);
  writer.write(batches);
  await writer.stop();
  server.close();
  expect([pending.size, writer.written, writer.lost]).toEqual([0, 12, 0]);
  await book.refresh();
  expect(await shown()).toEqual(wanted);
  // What ends a histogram is one: no series of numbers beside it.
  const numbers = await store.query("SELECT attributes['name'] AS name FROM series JOIN samples USING (series_id)");
  expect(numbers.rows()).toEqual([{ name: 'empty' }]);
});
