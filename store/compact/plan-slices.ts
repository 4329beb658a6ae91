import type { SeriesRange } from '../sql/compact/compact-sql.ts';

/** Blocks span this much, aligned to 1970: 480 samples of a series every 15 seconds. */
export const STRETCH_NS = 7_200_000_000_000n;
/** So long after its end a stretch is compacted: most of what comes late has come. */
export const AFTER_MS = 30 * 60_000;
/** A series with fewer samples in a stretch keeps them as rows: a block costs as much as ten rows. */
export const LEAST_SAMPLES = 16;
/**
 * Rows read and written at once: each slice goes through all rows of the stretch, so many cost less; the writer may have to wait for
 * the commit of one, 25 ns a row.
 */
export const SLICE_ROWS = 400_000;

/** What a stretch holds of one series. */
export interface SeriesCount {
  readonly seriesId: number;
  readonly samples: number;
  /** Rows with a start time, an integer of their own or flags. */
  readonly strange: number;
}
export interface Slice extends SeriesRange {
  readonly rows: number;
  readonly strange: boolean;
}
/** Slices of a stretch, series after series; series with too few samples are in none. @param counts by series id, rising */
export function planSlices(from: bigint, to: bigint, counts: readonly SeriesCount[]): Slice[] {
  const slices: Slice[] = [];
  let open: { first: number; last: number; rows: number; strange: boolean; without: number[]; passed: number[] } | null = null;
  const close = (): void => {
    if (open) slices.push({ from, to, first: open.first, last: open.last, rows: open.rows, strange: open.strange, without: open.without });
    open = null;
  };
  for (const { seriesId, samples, strange } of counts) {
    if (samples < LEAST_SAMPLES) {
      (open as { passed: number[] } | null)?.passed.push(seriesId);
      continue;
    }
    if (open && open.rows + samples > SLICE_ROWS) close();
    open ??= { first: seriesId, last: seriesId, rows: 0, strange: false, without: [], passed: [] };
    open.last = seriesId;
    open.rows += samples;
    open.strange ||= strange > 0;
    open.without.push(...open.passed.splice(0));
  }
  close();
  return slices;
}
