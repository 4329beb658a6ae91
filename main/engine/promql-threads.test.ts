import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeriesRow } from '#contracts/columns.ts';
import { TABLES } from '#contracts/tables.ts';
import { CHUNK_BYTES, CHUNKS_AHEAD } from '#main/promql/messages.ts';
import { batchFromRows } from '#store/hot/columns-from-rows.ts';
import { makeRows } from '#store/test-batches.ts';
import { TestStore } from '#store/test-store.ts';
import { type PromqlAnswer, PromqlThreads } from './promql-threads.ts';

const SERIES = 100;
const STEPS = 240;
const none = { keys: [], values: [], types: '' };
const seriesRow = (n: number): SeriesRow => ({
  ...{ metric: 'work_total', type: 'sum', unit: '', description: '', temporality: 'cumulative', monotonic: true },
  ...{ numberType: 'd', source: 'prometheus', service: '', metadata: none, resourceId: 0, scopeId: 0 },
  attributes: { keys: ['n', 'long'], values: [String(n), `${'a'.repeat(40)}!`], types: 'ss' },
});
/** All of it, read piece by piece. */
async function bodyOf({ first, rest }: PromqlAnswer): Promise<{ readonly text: string; readonly pieces: number }> {
  const parts: Uint8Array[] = [first];
  for await (const part of rest ?? []) parts.push(part);
  return { text: Buffer.concat(parts).toString(), pieces: parts.length };
}

describe('PromQL in threads of their own', () => {
  const t = new TestStore();
  let startMs = 0;
  const opened: PromqlThreads[] = [];
  const threads = (limits: { heapMb?: number; timeoutMs?: number; graceMs?: number } = {}): PromqlThreads => {
    const made = new PromqlThreads({ store: t.store, nowMs: () => t.nowMs, log: (line) => t.lines.push(line), limits });
    opened.push(made);
    return made;
  };
  const ask = (from: PromqlThreads, path: string, parameters: Record<string, string>, signal = new AbortController().signal) =>
    from.ask({ path, search: `?${new URLSearchParams(parameters)}`, form: '', signal });
  const range = (): Record<string, string> => ({ start: String(startMs / 1000), end: String(startMs / 1000 + STEPS - 1), step: '1' });
  // Catastrophic for a machine that tries every way: each of the 40 letters doubles the time.
  const ENDLESS = { query: 'work_total{long=~"(a+)+"}' };

  beforeEach(async () => {
    await t.open();
    startMs = t.nowMs - STEPS * 1_000;
    const ids = Array.from({ length: SERIES }, (_, n) => t.store.dictionary.series(`series ${n}`, () => seriesRow(n)));
    const made = makeRows({ table: 'samples', rows: SERIES * STEPS, seed: 1, startNano: 0n });
    const rows = made.map((row, i) => ({
      ...row,
      series_id: ids[i % SERIES] as number,
      time: BigInt(startMs + Math.floor(i / SERIES) * 1_000) * 1_000_000n,
      value: i,
    }));
    t.append(batchFromRows(TABLES.samples, rows));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.stop()));
    await t.end();
  });

  it('gives a long answer piece by piece, and works ahead of its reader only so far', async () => {
    const own = threads();
    const answer = await ask(own, '/query_range', { query: 'work_total', ...range() });
    expect(answer.status).toBe(200);
    const { text, pieces } = await bodyOf(answer);
    expect(pieces).toBeGreaterThan(3);
    const { result } = (JSON.parse(text) as { data: { result: { metric: { n: string }; values: [number, string][] }[] } }).data;
    expect(result.map(({ values }) => values.length)).toEqual(Array.from({ length: SERIES }, () => STEPS));
    expect(result.find(({ metric }) => metric.n === '7')?.values.at(-1)).toEqual([
      startMs / 1000 + STEPS - 1,
      String((STEPS - 1) * SERIES + 7),
    ]);
    const twice = 'label_replace(work_total, "twin", "1", "", "") or label_replace(work_total, "twin", "2", "", "")';
    const unread = await ask(own, '/query_range', { query: `${twice} or ${twice.replaceAll('twin', 'more')}`, ...range() });
    expect(text.length * 4).toBeGreaterThan((CHUNKS_AHEAD + 4) * CHUNK_BYTES);
    await ask(own, '/query', { query: '1' });
    expect(own.running).toBe(1);
    await unread.rest?.cancel();
    await expect.poll(() => own.running).toBe(0);
    expect(own.counts.ended).toEqual({ timeout: 0, cancelled: 0, memory: 0, crash: 0 });
  });
  it('keeps samples for queries to come, but none that are not what they were', async () => {
    const own = threads();
    const sum = async (): Promise<string> => {
      const query = `sum(count_over_time(work_total[${STEPS}s]))`;
      const { text } = await bodyOf(await ask(own, '/query', { query, time: String(startMs / 1000 + STEPS - 1) }));
      return (JSON.parse(text) as { data: { result: [{ value: [number, string] }] } }).data.result[0].value[1];
    };
    expect([await sum(), await sum()]).toEqual([String(SERIES * STEPS), String(SERIES * STEPS)]);
    expect(own.counts.samples.reused).toBe(SERIES * STEPS);
    expect(own.cacheBytes).toBeGreaterThan(SERIES * STEPS * 8);
    const [late] = makeRows({ table: 'samples', rows: 1, seed: 2, startNano: 0n });
    const series = t.store.dictionary.series('series 7', () => seriesRow(7));
    t.append(batchFromRows(TABLES.samples, [{ ...late, series_id: series, time: BigInt(startMs + 1_500) * 1_000_000n, value: 1 }]));
    expect(await sum()).toBe(String(SERIES * STEPS + 1));
    await t.store.flush();
    expect(await sum()).toBe(String(SERIES * STEPS + 1));
  });

  it('says what is wrong with a request as Prometheus does', async () => {
    const answer = await ask(threads(), '/query', { query: 'sum(' });
    expect(answer.status).toBe(400);
    expect(JSON.parse((await bodyOf(answer)).text)).toMatchObject({ status: 'error', errorType: 'bad_data' });
  });
  it('ends a query nobody waits for any more, also one that hears nothing; the others are answered', async () => {
    const own = threads({ graceMs: 50 });
    await ask(own, '/query', { query: '1' });
    const caller = new AbortController();
    const endless = ask(own, '/query', ENDLESS, caller.signal);
    const other = ask(own, '/query', { query: 'count(work_total)', time: String(t.nowMs / 1000) });
    setTimeout(() => caller.abort(), 50);
    await expect(endless).rejects.toMatchObject({ code: 'cancelled' });
    expect((await bodyOf(await other)).text).toContain(`"${SERIES}"`);
    expect(own.counts).toMatchObject({ started: 2, ended: { cancelled: 1 } });
  });
  it('ends a query that takes too long', async () => {
    const own = threads({ timeoutMs: 200, graceMs: 50 });
    await expect(ask(own, '/query', ENDLESS)).rejects.toMatchObject({ code: 'query_timeout' });
    expect(own.counts.ended.timeout).toBe(1);
  });
  it('says that the memory did not suffice', async () => {
    const own = threads({ heapMb: 4 });
    await expect(ask(own, '/query', { query: 'work_total' })).rejects.toMatchObject({ code: 'query_memory' });
    expect(own.counts.ended.memory).toBe(1);
    await own.stop();
    await expect(ask(own, '/query', { query: '1' })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
