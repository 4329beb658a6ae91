/** Long rows (time, series, value) -> one shared time axis, as uPlot wants it. Pure. */
export interface LongRows {
  /** Unix milliseconds. */
  readonly times: ArrayLike<number>;
  readonly series: readonly string[];
  readonly values: ArrayLike<number>;
}
/** null: a gap is drawn. undefined: this series has no point here, the line goes on. */
export type Point = number | null | undefined;
export interface AlignedSeries {
  readonly times: number[];
  readonly series: readonly { readonly name: string; readonly values: Point[] }[];
}
/** A hole longer than this many usual distances is a gap, never a line. */
const GAP_FACTOR = 2.5;

function medianDistance(times: readonly number[]): number {
  const distances = times.slice(1).map((time, i) => time - times[i]!);
  distances.sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? 0;
}
/** Times after which a gap begins. */
function gapsOf(times: readonly number[]): number[] {
  const usual = medianDistance(times);
  return times.filter((time, i) => i + 1 < times.length && times[i + 1]! - time > usual * GAP_FACTOR).map((time) => time + usual);
}
export function alignSeries(rows: LongRows): AlignedSeries {
  const bySeries = new Map<string, Map<number, Point>>();
  for (let i = 0; i < rows.times.length; i++) {
    const points = bySeries.get(rows.series[i]!) ?? new Map<number, Point>();
    bySeries.set(rows.series[i]!, points);
    const value = rows.values[i]!;
    points.set(rows.times[i]!, Number.isFinite(value) ? value : null);
  }
  const axis = new Set<number>();
  for (const points of bySeries.values()) {
    const own = [...points.keys()].sort((a, b) => a - b);
    for (const gap of gapsOf(own)) if (!points.has(gap)) points.set(gap, null);
    for (const time of points.keys()) axis.add(time);
  }
  const times = [...axis].sort((a, b) => a - b);
  return { times, series: [...bySeries].map(([name, points]) => ({ name, values: times.map((time) => points.get(time)) })) };
}
