import { FaultlineError } from '#contracts/errors.ts';
import { type Chart, POSTMORTEM_LIMITS } from '#contracts/postmortem.ts';
import type { Store } from '#contracts/store.ts';

const MAX_SERIES = 8;
/** Rounded to what a chart can show; a text of 17 digits a point would fill the document. */
const round = (value: number): number => Number(value.toPrecision(6));

/** Points with a gap (null) where steps are missing: a line across it would be made up. */
function withGaps(points: readonly (readonly [number, number | null])[], stepMs: number): [number, number | null][] {
  const out: [number, number | null][] = [];
  for (const [atMs, value] of points) {
    const last = out.at(-1);
    if (last && atMs - last[0] > 1.5 * stepMs) out.push([last[0] + stepMs, null]);
    out.push([atMs, value]);
  }
  return out;
}

/** Runs a chart's statement: rows (time, series, value). @throws FaultlineError what userQuery says; query_failed for other columns, answer_too_long */
export async function readChartSeries(
  store: Pick<Store, 'userQuery'>,
  sql: string,
  stepMs: number,
  signal?: AbortSignal,
): Promise<Chart['series']> {
  const maxRows = POSTMORTEM_LIMITS.chartPoints;
  const result = await store.userQuery(sql, { timeoutMs: POSTMORTEM_LIMITS.figureMs, maxRows, ...(signal ? { signal } : {}) });
  if (result.truncated) throw new FaultlineError('answer_too_long', `The chart has more than ${maxRows} points.`);
  const [times, names, values] = [result.column('time'), result.column('series'), result.column('value')];
  const series = new Map<string, [number, number | null][]>();
  for (let row = 0; row < result.rowCount; row++) {
    const name = String(names[row]).slice(0, 300);
    if (!series.has(name) && series.size >= MAX_SERIES) continue;
    const points = series.get(name) ?? [];
    const value = result.isNull('value', row) ? Number.NaN : Number(values[row]);
    points.push([Math.round(Number(times[row]) / 1e6), Number.isFinite(value) ? round(value) : null]);
    series.set(name, points);
  }
  return [...series].map(([name, points]) => ({ name, points: withGaps(points, stepMs) }));
}
