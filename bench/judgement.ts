import { setTimeout as pause } from 'node:timers/promises';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import type { ColumnBatch } from '#contracts/columns.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { TABLES } from '#contracts/tables.ts';
import { createShop } from '#demo/simulate.ts';
import { LiveReading } from '#main/engine/live-reading.ts';
import { readObservation } from '#store/read/read-observation.ts';
import { TestStore } from '#store/test-store.ts';
import { logPayloads, metricPayloads } from './payloads.ts';
import type { Row, Scenario } from './run.ts';

const LIMITS = limitsSchema.parse(undefined);
const STEP_MS = 10_000;
const SECONDS = 110;
const BODY_MS = 5_000;
/** The cell judged ends this long before the newest row, as when a cell is judged 8 s after its end. */
const TAIL_MS = 10_000;
/** Rows in a row group: fewer than that stay hot. */
const ROW_GROUP = 122_880;
const ROUNDS = 5;
type Kind = 'spans' | 'logs' | 'samples';

/** The same spans as a trace of their own. */
function asCopy(batch: ColumnBatch, copy: number): ColumnBatch {
  const at = TABLES[batch.table].columns.findIndex((column) => column.name === 'trace_id');
  const ids = (batch.columns[at] as { readonly data: Uint8Array }).data.slice();
  for (let i = 0; i < ids.length; i += 16) ids[i + 3] = (ids[i + 3] as number) ^ copy;
  return { ...batch, columns: batch.columns.with(at, { kind: 'uuid', data: ids }) };
}
/** Appends about `perSecond` rows of a kind for each second. */
async function fill(t: TestStore, kind: Kind, perSecond: number, stored: boolean): Promise<{ rows: number; endMs: number }> {
  const startMs = t.nowMs;
  let rows = 0;
  const add = (signal: 'traces' | 'logs' | 'metrics', body: Uint8Array, copies: number): void => {
    const options = { dictionary: t.store.dictionary, receivedUnixNano: BigInt(t.nowMs) * 1_000_000n, retentionSeconds: 0, limits: LIMITS };
    const { batches } = decodeOtlp(signal, body, options);
    for (let copy = 0; copy < copies; copy++) {
      t.append(...(copy === 0 ? batches : batches.map((batch) => asCopy(batch, copy))));
      for (const batch of batches) rows += batch.rows;
    }
  };
  // 100 requests a second of the shop make about 1,200 spans; copies are cheaper than simulation.
  const shop = createShop({ seed: 5, scenario: 'none', startMs, durationMs: 3_600_000, requestsPerSecond: 100 });
  const items = (perSecond * BODY_MS) / 1000;
  for (let ms = 0; ms < SECONDS * 1000; ms += BODY_MS) {
    t.nowMs = startMs + ms + BODY_MS;
    const at = { seed: kind === 'samples' ? 9 : 9 + ms, startUnixNano: BigInt(startMs + ms) * 1_000_000n };
    if (kind === 'spans') for (const body of shop.advance(t.nowMs).traces) add('traces', body, Math.max(1, Math.round(perSecond / 1_200)));
    if (kind === 'logs') for (const body of logPayloads({ ...at, bodies: 20, items: Math.ceil(items / 20) })) add('logs', body, 1);
    if (kind === 'samples') for (const body of metricPayloads({ ...at, bodies: 1, items })) add('metrics', body, 1);
    if (stored) await t.store.flush();
  }
  while (t.store.hot()[kind].rows >= ROW_GROUP) await pause(100);
  return { rows, endMs: startMs + SECONDS * 1000 - TAIL_MS };
}
async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
async function measure(kind: Kind, perSecond: number, stored: boolean): Promise<Row> {
  const t = new TestStore();
  try {
    await t.open({ limits: LIMITS });
    const { rows, endMs } = await fill(t, kind, perSecond, stored);
    const least = { whole: Number.POSITIVE_INFINITY, newest: Number.POSITIVE_INFINITY };
    for (let round = 0; round < ROUNDS; round++) {
      const grid = { startMs: endMs - 3 * STEP_MS, stepMs: STEP_MS, buckets: 3 };
      least.whole = Math.min(least.whole, await cpuMs(() => readObservation(t.store, grid)));
      const live = new LiveReading(t.store, STEP_MS, 3);
      await live.read(endMs - STEP_MS);
      for (const table of ['spans', 'logs', 'samples'] as const) live.note(table, endMs - 6_000, endMs + TAIL_MS);
      least.newest = Math.min(least.newest, await cpuMs(() => live.read(endMs)));
    }
    const inCell = (rows / SECONDS) * (STEP_MS / 1000);
    return {
      rows: `${kind}, ${stored ? 'stored' : 'newest hot'}`,
      'rows a cell': Math.round(inCell),
      'three cells, CPU ms': Math.round(least.whole),
      'live, CPU ms': Math.round(least.newest),
      'live, us a row': (least.newest * 1000) / inCell,
    };
  } finally {
    await t.end();
  }
}

/** One tick of the live judgement over steady telemetry: what readObservation costs, alone in the process. */
export const judgement: Scenario = {
  name: 'judgement',
  about: 'CPU of reading three cells of 10 s at once, and of reading them live (the newest; the older ones are known)',
  run: async ({ quick }) => {
    const rows: Row[] = [];
    for (const kind of ['spans', 'logs', 'samples'] as const)
      for (const stored of [true, false]) rows.push(await measure(kind, quick ? 10_000 : 33_000, stored));
    return rows.map((row) => ({ ...row, 'live, us a row': (row['live, us a row'] as number).toFixed(2) }));
  },
};
