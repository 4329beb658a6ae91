import { afterEach, expect, it } from 'vitest';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { BodyEncoding, BodyFormat, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { TestStore } from '#store/test-store.ts';
import { EvaluationLoop, STEP_MS } from './evaluation-loop.ts';
import { IncidentBook } from './incident-book.ts';
import { eventExtent } from './ingest-account.ts';

const LIMITS = limitsSchema.parse(undefined);
const started: TestStore[] = [];
afterEach(() => Promise.all(started.splice(0).map((t) => t.end())));

async function rig() {
  const t = new TestStore();
  started.push(t);
  await t.open();
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const nowMs = (): number => t.nowMs;
  const counted = { queries: 0 };
  const failing = { with: null as Error | null };
  const during = { query: 0, run: (): void => undefined };
  const store = {
    query: (...args: Parameters<typeof t.store.query>) => {
      counted.queries++;
      if (counted.queries === during.query) during.run();
      if (failing.with) return Promise.reject(failing.with);
      return t.store.query(...args);
    },
  };
  const book = new IncidentBook({ store: t.store, nowMs, log });
  const loop = new EvaluationLoop({ store, book, nowMs, log });
  /** A scrape that says `value`, at the time it says. */
  const scrape = (atMs: number, value: number): void => {
    const meta: ScrapeMeta = {
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
    const { batches } = decodeScrape(
      {
        kind: RecordKind.scrape,
        format: BodyFormat.text,
        encoding: BodyEncoding.identity,
        receivedUnixNano: BigInt(t.nowMs) * 1_000_000n,
        retentionSeconds: 0,
        items: 0,
        source: 'scrape:work:host:1',
        meta: JSON.stringify(meta),
        body: new TextEncoder().encode(`# TYPE level gauge\nlevel ${value}\n`),
        position: t.position,
        next: t.position + 1,
      },
      { dictionary: t.store.dictionary, limits: LIMITS },
    );
    t.append(...batches);
    for (const batch of batches.filter((each) => each.rows > 0)) {
      const { oldestMs, newestMs } = eventExtent(batch);
      loop.noteRows(batch.table, batch.rows, oldestMs, newestMs);
    }
  };
  const levelAt = (atMs: number): number | undefined => {
    const view = loop.ring.view();
    const level = view.metrics.find((series) => series.metric === 'level');
    return level?.values[Math.floor((atMs - view.startMs) / STEP_MS)];
  };
  return { t, loop, counted, failing, during, lines, scrape, levelAt };
}

it('judges data that ran ahead of the clock when its time has come, and asks nothing more after that', async () => {
  const { t, loop, counted, lines, scrape, levelAt } = await rig();
  const startMs = t.nowMs;
  const aheadMs = startMs + 65_000;
  scrape(startMs - 15_000, 1);
  await loop.tick();
  expect(levelAt(startMs - 15_000)).toBe(1);
  scrape(aheadMs, 7);
  for (; t.nowMs < startMs + 100_000; t.nowMs += 5_000) await loop.tick();
  expect(levelAt(aheadMs)).toBe(7);
  const before = counted.queries;
  for (; t.nowMs < startMs + 160_000; t.nowMs += 5_000) await loop.tick();
  expect(counted.queries).toBe(before);
  expect(lines).toEqual([]);
});

it('counts a judgement that failed, says why, and reads with the next cell what it could not read', async () => {
  const { t, loop, failing, lines, scrape, levelAt } = await rig();
  scrape(t.nowMs - 15_000, 1);
  await loop.tick();
  expect(loop.skipped).toBe(0);
  const atMs = t.nowMs;
  scrape(atMs, 2);
  failing.with = new FaultlineError('query_timeout', 'The query ran into its time limit.');
  t.nowMs += 20_000;
  await loop.tick();
  expect([loop.skipped, loop.lastSkipped]).toEqual([1, { atMs: t.nowMs, code: 'query_timeout' }]);
  expect(lines[0]).toContain('cannot judge');
  failing.with = null;
  t.nowMs += 10_000;
  await loop.tick();
  expect(levelAt(atMs)).toBe(2);
  expect(loop.skipped).toBe(1);
});

it('reads what a minute of failed judgements did not see, too', async () => {
  const { t, loop, failing, scrape, levelAt } = await rig();
  scrape(t.nowMs - 15_000, 1);
  await loop.tick();
  const firstMs = t.nowMs;
  failing.with = new FaultlineError('query_timeout', 'The query ran into its time limit.');
  for (let cell = 0; cell < 8; cell++) {
    scrape(t.nowMs, cell);
    t.nowMs += 10_000;
    await loop.tick();
  }
  expect([loop.skipped, levelAt(firstMs)]).toEqual([8, Number.NaN]);
  failing.with = null;
  t.nowMs += 10_000;
  await loop.tick();
  expect(Array.from({ length: 8 }, (_, cell) => levelAt(firstMs + cell * STEP_MS))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect([loop.skipped, loop.rebuilds]).toEqual([8, 1]);
});

it('tries again to read the hour when that failed, later each time', async () => {
  const { t, loop, failing, scrape, levelAt } = await rig();
  scrape(t.nowMs - 60_000, 3);
  const atMs = t.nowMs - 60_000;
  failing.with = new Error('disk gone');
  await loop.tick();
  await loop.tick();
  expect([loop.skipped, loop.rebuilds, loop.lastSkipped?.code]).toEqual([1, 1, 'internal']);
  failing.with = null;
  t.nowMs += 6_000;
  await loop.tick();
  expect(loop.rebuilds).toBe(2);
  expect(levelAt(atMs)).toBe(3);
});

it('reads the hour again for late rows that become visible while it is being read', async () => {
  const { t, loop, counted, during, scrape, levelAt } = await rig();
  const lateMs = t.nowMs - 120_000;
  // Over three parts of the hour: those that can hold nothing are not read.
  scrape(t.nowMs - 900_000, 1);
  scrape(t.nowMs - 20_000, 1);
  // By then the newest part is read, and others are not.
  during.query = 20;
  during.run = () => {
    for (let i = 0; i < 60; i++) scrape(lateMs, 5);
  };
  await loop.tick();
  expect([loop.rebuilds, levelAt(lateMs)]).toEqual([1, Number.NaN]);
  expect(counted.queries).toBeGreaterThan(during.query);
  t.nowMs += 10_000;
  await loop.tick();
  expect([loop.rebuilds, levelAt(lateMs)]).toEqual([2, 5]);
});

it('asks nothing of an empty store, and of the hour only the parts that may hold something', async () => {
  const { t, loop, counted, scrape, levelAt } = await rig();
  await loop.tick();
  expect([loop.rebuilds, counted.queries]).toEqual([1, 0]);
  t.nowMs += 30_000;
  await loop.tick();
  expect(counted.queries).toBe(0);
  const atMs = t.nowMs - 1_800_000;
  for (let i = 0; i < 60; i++) scrape(atMs + i * 500, i);
  t.nowMs += 10_000;
  await loop.tick();
  expect([loop.rebuilds, levelAt(atMs)]).toEqual([2, 9.5]);
  // Three of twelve parts, each of a dozen statements.
  expect(counted.queries).toBeGreaterThan(0);
  expect(counted.queries).toBeLessThan(40);
});
