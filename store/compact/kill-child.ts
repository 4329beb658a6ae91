import type { ColumnBatch } from '#contracts/columns.ts';
import { SAMPLES } from '#contracts/tables.ts';
import { batchFromRows } from '../hot/columns-from-rows.ts';
import { openStore } from '../open-store.ts';

/** Helper of compact-kill.test.ts: appends, flushes and compacts for ever, telling its parent how far it is. */
export const KILL_ROWS = 400;
const DAY = BigInt(Date.UTC(2026, 10, 21)) * 1_000_000n;

/** Record at a position, the same whenever asked: ten series, in time order but for one, each row with a number of its own. */
export function killRecord(position: number): ColumnBatch {
  return batchFromRows(
    SAMPLES,
    Array.from({ length: KILL_ROWS }, (_, i) => ({
      series_id: 1 + (i % 10),
      time:
        DAY + BigInt(position) * 20_000_000_000n + BigInt(i) * 1_000_000n - (i % 10 === 9 && position % 7 === 0 ? 7_300_000_000_000n : 0n),
      value: position * KILL_ROWS + i,
      value_int: null,
      start_time: i % 10 === 3 ? DAY : null,
      flags: 0,
    })),
  );
}
async function live(dataDir: string): Promise<void> {
  const store = await openStore({
    dataDir,
    retentionSeconds: 0,
    maxSizeBytes: 1e12,
    limits: { maxSeries: 1000 },
    nowMs: () => Date.now(),
    compaction: false,
  });
  for (let position = Math.max(1, store.released()); ; position++) {
    store.append({ position, next: position + 1 }, [killRecord(position)]);
    process.send?.({ position, compacted: (await store.facts()).compaction.inBlocks.samples });
    if (position % 2 === 0) await store.flush();
    // Not awaited: rows come and are flushed while slices are read and written.
    if (position % 6 === 0) void store.compact();
    await new Promise((resolve) => setTimeout(resolve, position % 5));
  }
}
if (process.send && process.argv[2] && import.meta.filename === process.argv[1]) await live(process.argv[2]);
