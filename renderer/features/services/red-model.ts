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

/** `stepMs`: the width of a row. A row that `endMs` cuts is left out: half of its requests would look like a drop. */
export function readRed(table: Pick<Table, 'times' | 'numbers'>, stepMs: number, endMs = Number.POSITIVE_INFINITY): Red {
  const perSecond = 1000 / stepMs;
  const times = [...table.times('time')].filter((atMs) => atMs + stepMs <= endMs);
  const requests = [...table.numbers('requests').slice(0, times.length)];
  const errors = table.numbers('errors');
  const durations = (name: string): (number | null)[] =>
    [...table.numbers(name).slice(0, times.length)].map((value, i) => (requests[i]! > 0 ? orNull(value) : null));
  return {
    times,
    rate: requests.map((count) => count * perSecond),
    errorRate: [...errors.slice(0, times.length)].map((count) => count * perSecond),
    errorRatio: requests.map((count, i) => (count > 0 ? errors[i]! / count : null)),
    p50Ms: durations('p50_ms'),
    p95Ms: durations('p95_ms'),
    p99Ms: durations('p99_ms'),
  };
}
