import type { SeriesRange } from '../sql/compact/compact-sql.ts';

/** Blocks span this much, aligned to 1970: 480 samples of a series every 15 seconds. */
export const STRETCH_NS = 7_200_000_000_000n;
/** So long after its end a stretch is compacted: most of what comes late has come. */
export const AFTER_MS = 30 * 60_000;
/** A series with fewer samples in a stretch keeps them as rows: a block costs as much as ten rows. */
export const LEAST_SAMPLES = 16;
/** Rows read and written at once. Many are cheaper: each slice goes through all rows of the stretch. */
export const SLICE_ROWS = { least: 20_000, first: 100_000, most: 800_000 } as const;
/** A commit is to take about this long. */
const COMMIT_MS = { short: 10, long: 25 } as const;
/** @param commitMs what the last slice's commit took */
export function nextSliceRows(rows: number, commitMs: number): number {
  const factor = commitMs > COMMIT_MS.long ? 0.5 : commitMs < COMMIT_MS.short ? 2 : 1;
  return Math.min(SLICE_ROWS.most, Math.max(SLICE_ROWS.least, rows * factor));
}

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
/**
 * Slices of a stretch, series after series; series with too few samples are in none. A generator: how large the next one is to be is
 * asked when it is wanted.
 * @param counts by series id, rising
 */
export function* planSlices(from: bigint, to: bigint, counts: readonly SeriesCount[], mostRows: () => number): Generator<Slice> {
  for (let at = 0; at < counts.length; ) {
    const most = mostRows();
    let [end, rows, strange] = [at, 0, false];
    const chosen: SeriesCount[] = [];
    for (; end < counts.length; end++) {
      const series = counts[end]!;
      if (series.samples < LEAST_SAMPLES) continue;
      if (chosen.length > 0 && rows + series.samples > most) break;
      chosen.push(series);
      rows += series.samples;
      strange ||= series.strange > 0;
    }
    if (chosen.length > 0) {
      const [first, last] = [chosen[0]!.seriesId, chosen.at(-1)!.seriesId];
      const without = counts
        .slice(at, end)
        .filter(({ seriesId, samples }) => samples < LEAST_SAMPLES && seriesId > first && seriesId < last);
      yield { from, to, first, last, rows, strange, without: without.map(({ seriesId }) => seriesId) };
    }
    at = end;
  }
}
