import { afterEach, expect, it } from 'vitest';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { readObservation } from '#store/read/read-observation.ts';
import { TestStore } from '#store/test-store.ts';
import { answerRca } from './answer-rca.ts';

const LIMITS = limitsSchema.parse(undefined);
const t = new TestStore();
afterEach(() => t.end());

/** One scrape of `series` gauges and as many counters. */
function scrape(series: number, atMs: number): JournalRecord {
  const lines = ['# TYPE level gauge', ...Array.from({ length: series }, (_, i) => `level{n="${i}"} ${i}`)];
  lines.push('# TYPE done_total counter', ...Array.from({ length: series }, (_, i) => `done_total{n="${i}"} ${atMs / 1000}`));
  const meta = {
    job: 'work',
    labels: { job: 'work', instance: 'host:1' },
    scrapeUnixMs: atMs,
    durationSeconds: 0.01,
    up: true,
    error: '',
    contentType: 'text/plain; version=0.0.4',
    honorLabels: false,
    honorTimestamps: true,
    sampleLimit: 0,
    metricRelabelConfigs: [],
  };
  return {
    kind: RecordKind.scrape,
    format: BodyFormat.text,
    encoding: BodyEncoding.identity,
    receivedUnixNano: BigInt(atMs) * 1_000_000n,
    retentionSeconds: 0,
    items: 0,
    source: 'scrape:work:host:1',
    meta: JSON.stringify(meta),
    body: new TextEncoder().encode(`${lines.join('\n')}\n`),
    position: t.position,
    next: t.position + 1,
  };
}

it('looks at no more series than allowed, and says how many it left out', async () => {
  await t.open();
  const startMs = t.nowMs - 600_000;
  for (let atMs = startMs; atMs < t.nowMs; atMs += 30_000)
    t.append(...decodeScrape(scrape(20, atMs), { dictionary: t.store.dictionary, limits: LIMITS }).batches);
  const judged = Number((await t.one("SELECT count(*) AS n FROM series WHERE metric NOT LIKE 'scrape%'"))['n']);
  expect(judged).toBeGreaterThanOrEqual(40);
  const question = { startMs, endMs: t.nowMs };
  expect((await answerRca(t.store, question, 15)).notJudged).toBe(judged - 15);
  expect(await answerRca(t.store, question, judged)).not.toHaveProperty('notJudged');
  expect(await answerRca(t.store, question)).not.toHaveProperty('notJudged');
});

it('reads series in parts and gets what it gets at once', async () => {
  await t.open();
  const startMs = t.nowMs - 600_000;
  for (let atMs = startMs; atMs < t.nowMs; atMs += 15_000)
    t.append(...decodeScrape(scrape(5, atMs), { dictionary: t.store.dictionary, limits: LIMITS }).batches);
  const grid = { startMs, stepMs: 10_000, buckets: 60 };
  const sorted = async (valuesPerPart?: number) =>
    [...(await readObservation(t.store, grid, valuesPerPart === undefined ? {} : { valuesPerPart })).metrics].sort(
      (a, b) => a.seriesId - b.seriesId,
    );
  const whole = await sorted();
  expect(whole.length).toBeGreaterThanOrEqual(10);
  expect(whole.every(({ values }) => values.some((value) => value >= 0))).toBe(true);
  expect(await sorted(100)).toEqual(whole);
});
