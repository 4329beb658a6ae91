import { numberOf, rangeFields, type StepGrid } from '../promql/prometheus-answer.ts';

/** Series of /api/v1/query_range as points and as stretches of time. Pure. */
export interface PromSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Unix milliseconds. */
  readonly times: readonly number[];
  readonly values: readonly number[];
}
export interface RangeAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      /** Seconds, and Go's text of the value. */
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}
export const rangePath = (query: string, grid: StepGrid): string => `/api/v1/query_range?${rangeFields(query, grid)}`;

export const seriesOf = ({ data }: RangeAnswer): PromSeries[] =>
  data.result.map(({ metric, values = [] }) => ({
    metric,
    times: values.map(([at]) => Math.round(at * 1000)),
    values: values.map(([, text]) => numberOf(text)),
  }));
/** One value for each step; NaN where there is none. */
export function onGrid({ times, values }: PromSeries, { startMs, endMs, stepMs }: StepGrid): number[] {
  const points = new Array<number>(Math.floor((endMs - startMs) / stepMs) + 1).fill(Number.NaN);
  for (const [i, at] of times.entries()) {
    const slot = Math.round((at - startMs) / stepMs);
    if (slot >= 0 && slot < points.length) points[slot] = values[i] as number;
  }
  return points;
}

/** A stretch of time in which a series had points at every step. */
export interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
}
export function stretchesOf({ times }: Pick<PromSeries, 'times'>, stepMs: number): Stretch[] {
  const found: { fromMs: number; untilMs: number }[] = [];
  for (const at of times) {
    const last = found.at(-1);
    // A point holds until the next step.
    if (last && at <= last.untilMs + stepMs / 2) last.untilMs = at + stepMs;
    else found.push({ fromMs: at, untilMs: at + stepMs });
  }
  return found;
}
