import type { Table } from '../../lib/table.ts';

/** Rate, errors and duration per step, ready to draw. null is a gap: no request, so no duration. */
export interface Red {
  /** Unix milliseconds. */
  readonly times: number[];
  /** Requests per second. */
  readonly rate: number[];
  readonly errorRate: number[];
  readonly errorRatio: (number | null)[];
  readonly p50Ms: (number | null)[];
  readonly p95Ms: (number | null)[];
  readonly p99Ms: (number | null)[];
}
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** `stepMs`: the width of a row. */
export function readRed(table: Pick<Table, 'times' | 'numbers'>, stepMs: number): Red {
  const perSecond = 1000 / stepMs;
  const requests = [...table.numbers('requests')];
  const errors = table.numbers('errors');
  const durations = (name: string): (number | null)[] =>
    [...table.numbers(name)].map((value, i) => (requests[i]! > 0 ? orNull(value) : null));
  return {
    times: [...table.times('time')],
    rate: requests.map((count) => count * perSecond),
    errorRate: [...errors].map((count) => count * perSecond),
    errorRatio: requests.map((count, i) => (count > 0 ? errors[i]! / count : null)),
    p50Ms: durations('p50_ms'),
    p95Ms: durations('p95_ms'),
    p99Ms: durations('p99_ms'),
  };
}
