import type { Table } from '../../lib/table.ts';
import { buildWaterfall, type Waterfall } from './waterfall-model.ts';

/** A trace ready to draw: its columns, decoded once, and its rows. */
export interface Trace {
  readonly ids: readonly string[];
  readonly names: readonly string[];
  readonly services: readonly string[];
  readonly kinds: Float64Array;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: Float64Array;
  readonly rows: Waterfall;
}
export function readTrace(table: Table): Trace {
  const ids = table.texts('span_id');
  const rows = buildWaterfall({
    ids,
    parents: table.texts('parent_span_id'),
    starts: table.nanos('start_time'),
    durations: table.numbers('duration_ns'),
  });
  return {
    ids,
    names: table.texts('name'),
    services: table.texts('service'),
    kinds: table.numbers('kind'),
    status: table.numbers('status_code'),
    rows,
  };
}
