import type { PrunedDay } from '#contracts/store.ts';
import { prunedDay } from '../database/catalog-state.ts';
import type { Day } from '../write/day-of.ts';

export interface RetentionInput {
  /** Days that have a file, oldest first, with their size. */
  readonly days: readonly { readonly day: Day; readonly bytes: number }[];
  /** Of everything else that counts: catalog, bills, backups, exports. */
  readonly otherBytes: number;
  readonly retentionSeconds: number;
  readonly maxSizeBytes: number;
  readonly nowMs: number;
}
/**
 * Which days have to go: those that ended before the retention began, then the oldest until the rest fits the size.
 * The newest day always stays.
 * LIMIT: a single day larger than the size stays; see docs/decisions/0003-storage-layout.md.
 */
export function daysToPrune({
  days,
  otherBytes,
  retentionSeconds,
  maxSizeBytes,
  nowMs,
}: RetentionInput): { readonly day: Day; readonly pruned: PrunedDay }[] {
  const gone: { day: Day; pruned: PrunedDay }[] = [];
  const keepFromMs = retentionSeconds > 0 ? nowMs - retentionSeconds * 1000 : Number.NEGATIVE_INFINITY;
  let total = days.reduce((sum, { bytes }) => sum + bytes, otherBytes);
  days.forEach(({ day, bytes }, i) => {
    const old = (day + 1) * 86_400_000 <= keepFromMs;
    const big = total > maxSizeBytes && i < days.length - 1;
    if (!old && !big) return;
    total -= bytes;
    gone.push({ day, pruned: prunedDay(day, old ? 'age' : 'size', bytes, nowMs) });
  });
  return gone;
}
