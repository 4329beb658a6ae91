import type { ColumnBatch } from '#contracts/columns.ts';
import { TABLES } from '#contracts/tables.ts';
import { batchFromRows } from '../hot/columns-from-rows.ts';
import { openStore } from '../open-store.ts';
import { makeRows } from '../test-batches.ts';

/** Helper of kill.test.ts: appends records and flushes for ever, telling its parent how far it is. */
export const KILL_ROWS = 700;
const templates = {
  spans: makeRows({ table: 'spans', rows: KILL_ROWS, seed: 3, startNano: 0n }),
  samples: makeRows({ table: 'samples', rows: KILL_ROWS, seed: 3, startNano: 0n }),
};
const MIDNIGHT = BigInt(Date.UTC(2026, 10, 21)) * 1_000_000n;

/** Record at a position, the same whenever asked: rows of two days, each with a number of its own. */
export function killRecord(position: number): ColumnBatch[] {
  const time = (i: number): bigint => MIDNIGHT + BigInt(i % 3 === 0 ? -1 - i : i) * 1_000_000n + BigInt(position);
  const number = (i: number): number => position * KILL_ROWS + i;
  return [
    batchFromRows(
      TABLES.spans,
      templates.spans.map((row, i) => ({ ...row, start_time: time(i), duration_ns: BigInt(number(i)) })),
    ),
    batchFromRows(
      TABLES.samples,
      templates.samples.map((row, i) => ({ ...row, time: time(i), value: number(i) })),
    ),
  ];
}
async function live(dataDir: string): Promise<void> {
  const store = await openStore({
    dataDir,
    retentionSeconds: 0,
    maxSizeBytes: 1e12,
    limits: { maxSeries: 100_000 },
    nowMs: () => Date.now(),
  });
  for (let position = Math.max(1, store.released()); ; position++) {
    const name = `service-${position % 50_000}`;
    store.dictionary.scope(name, () => ({
      name,
      version: '',
      attributes: { keys: [], values: [], types: '' },
      droppedAttributesCount: 0,
      schemaUrl: '',
    }));
    store.append({ position, next: position + 1 }, killRecord(position));
    process.send?.(position);
    if (position % 3 === 0) void store.flush();
    await new Promise((resolve) => setTimeout(resolve, position % 4));
  }
}
if (process.send && process.argv[2] && import.meta.filename === process.argv[1]) await live(process.argv[2]);
