import type { Store } from '#contracts/store.ts';
import { runExpr } from '#main/engine/promql/run-promql.ts';
import type { SeriesBook } from '#main/engine/promql/series-book.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { type Grid, isThere } from '#query/promql/value.ts';
import type { EventCounts } from '#query/slo/budget.ts';
import { errorRatio, inWindow } from '#query/slo/generate-rules.ts';
import type { Objective } from '#query/slo/objective.ts';
import { type SliShape, shapeOf } from '#query/slo/sli-shape.ts';
import { SPAN_CELL_MS } from '#query/span-series.ts';

export interface MeasureParts {
  readonly store: Pick<Store, 'query'>;
  readonly series: SeriesBook;
}
/** Events of equal steps that end now. */
export interface Measured {
  readonly counts: readonly EventCounts[];
  readonly stepMs: number;
  readonly endMs: number;
  readonly shape: SliShape;
  /** Events are told, not only their ratio. */
  readonly hasEvents: boolean;
}
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const STEPS_MS = [10_000, 30_000, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS];
const LONG_STEPS_MS = [1, 2, 3, 6, 12, 24, 48, 96].map((hours) => hours * HOUR_MS);
/** Steps of a period. */
const TARGET_STEPS = 180;
/** A rate needs two scrapes. */
const LEAST_PROMQL_STEP_MS = 5 * MINUTE_MS;
const TIMEOUT_MS = 15_000;

/** The end of the newest cell that is over; a few seconds later spans have arrived. */
export const newestEnd = (nowMs: number): number => Math.floor((nowMs - 5_000) / SPAN_CELL_MS) * SPAN_CELL_MS;

/** Good and bad step by step over the period, as far as anything is stored. @throws EvaluationError, FaultlineError */
export async function measure(
  parts: MeasureParts,
  objective: Objective,
  knownSinceMs: number,
  endMs: number,
  signal?: AbortSignal,
): Promise<Measured> {
  const { sli, periodMs } = objective;
  const shape = shapeOf(sli);
  const least = Math.max(shape.spans ? SPAN_CELL_MS : LEAST_PROMQL_STEP_MS, sli.kind === 'raw' ? sli.leastWindowMs : 0);
  const lengthMs = Math.min(periodMs, Math.max(least, endMs - knownSinceMs));
  const stepMs = [...STEPS_MS, ...LONG_STEPS_MS].find((ms) => ms >= least && ms * TARGET_STEPS >= lengthMs) ?? 4 * 24 * HOUR_MS;
  const count = Math.ceil(lengthMs / stepMs);
  const grid: Grid = { startMs: endMs - (count - 1) * stepMs, stepMs, count };
  const ask = (query: string, of: Joined = 'sum'): Promise<Float64Array> => valuesOf(parts, inWindow(query, stepMs), grid, of, signal);
  const times = Array.from({ length: count }, (_, i) => grid.startMs + (i - 1) * stepMs);
  if (sli.kind === 'raw') {
    const ratios = await ask(`(${sli.errorRatioQuery})`, 'max');
    return {
      ...{ stepMs, endMs, shape, hasEvents: false },
      counts: times.map((startMs, i) => ({
        startMs,
        ...(Number.isNaN(ratios[i]) ? { total: 0, bad: 0 } : { total: 1, bad: ratios[i] as number }),
      })),
    };
  }
  const [bads, totals] = [await ask(sli.errorQuery), await ask(sli.totalQuery)];
  const scale = shape.isRate ? stepMs / 1000 : 1;
  return {
    ...{ stepMs, endMs, shape, hasEvents: true },
    counts: times.map((startMs, i) => {
      const total = (totals[i] as number) * scale;
      // No sample of errors while there are requests: none of the counter's series has failed yet.
      const bad = Number.isNaN(bads[i]) ? 0 : (bads[i] as number) * scale;
      return total > 0 ? { startMs, total, bad } : { startMs, total: 0, bad: 0 };
    }),
  };
}
/** Of several series: events add up, of ratios the worst counts, as in the alerts. */
type Joined = 'sum' | 'max';
/** One value a time; NaN: there is none. */
async function valuesOf(
  { store, series }: MeasureParts,
  query: string,
  grid: Grid,
  of: Joined,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const options = { timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) };
  const { answer } = await runExpr({ store, book: series }, parsePromql(query), grid, options);
  const values = new Float64Array(grid.count).fill(Number.NaN);
  if (answer.type === 'scalar') return answer.values;
  if (answer.type !== 'vector') return values;
  for (const row of answer.rows.filter(isThere))
    for (let i = 0; i < grid.count; i++) {
      if (row.has[i] !== 1 || Number.isNaN(row.values[i])) continue;
      const [before, own] = [values[i] as number, row.values[i] as number];
      values[i] = Number.isNaN(before) ? own : of === 'sum' ? before + own : Math.max(before, own);
    }
  return values;
}
/** One number at a time; null: none. */
export async function askOnce(parts: MeasureParts, query: string, atMs: number, of: Joined, signal?: AbortSignal): Promise<number | null> {
  const [value] = await valuesOf(parts, query, { startMs: atMs, stepMs: 0, count: 1 }, of, signal);
  return value === undefined || Number.isNaN(value) ? null : value;
}
export const ratioQuery = ({ sli }: Objective, windowMs: number): string => errorRatio(sli, windowMs).trim();
