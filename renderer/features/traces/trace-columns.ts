import type { Table } from '../../lib/table.ts';
import { buildWaterfall, type Waterfall } from './waterfall-model.ts';

/** A trace ready to draw: its columns, decoded once, and its rows. Attributes are asked for span by span (SpanPanel). */
export interface Trace {
  readonly kinds: Float64Array;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: Float64Array;
  /** Exception events of each span. */
  readonly exceptions: Float64Array;
  /** In first-seen order. */
  readonly services: readonly string[];
  readonly rows: Waterfall;
  nameOf(span: number): string;
  serviceOf(span: number): string;
  /** Of the first exception event, nanoseconds since the trace began; NaN without any. */
  exceptionNs(span: number): number;
  /** 16 hex digits. */
  idOf(span: number): string;
  /** Number of the first span with this id; -1: none. */
  find(hexId: string): number;
}
/** Texts by the row they stand on (contracts/console-api.ts outlineColumns). */
function textsByRow(table: Table, column: string): { rows: Float64Array; texts: Map<number, string> } {
  const rows = table.numbers(`${column}_row`);
  const texts = new Map<number, string>();
  for (let row = 0; row < rows.length; row++) if (rows[row] === row) texts.set(row, table.text(column, row));
  return { rows, texts };
}
export function readTrace(table: Table): Trace {
  const ids = table.ids('span_id');
  const starts = table.nanos('start_time');
  const rows = buildWaterfall({ ids, parents: table.ids('parent_span_id'), starts, durations: table.numbers('duration_ns') });
  const exceptions = table.numbers('exceptions');
  const thrown = table.nanos('exception_time');
  const names = textsByRow(table, 'name');
  const services = textsByRow(table, 'service');
  const textAt = ({ rows, texts }: typeof names, span: number): string => texts.get(rows[span] ?? -1) ?? '';
  return {
    kinds: table.numbers('kind'),
    status: table.numbers('status_code'),
    exceptions,
    services: [...services.texts.values()],
    rows,
    nameOf: (span) => textAt(names, span),
    serviceOf: (span) => textAt(services, span),
    exceptionNs: (span) => (exceptions[span]! > 0 ? Number(thrown[span]! - starts[span]!) + rows.startNs[span]! : Number.NaN),
    idOf: (span) => (ids[span] ?? 0n).toString(16).padStart(16, '0'),
    find: (hexId) => (/^[0-9a-f]{1,16}$/i.test(hexId) ? ids.indexOf(BigInt(`0x${hexId}`)) : -1),
  };
}
