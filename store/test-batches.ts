import type { Column, ColumnBatch, StringColumn } from '#contracts/columns.ts';
import { SPANS, TABLES, type TableName } from '#contracts/tables.ts';
import { batchFromRows, type CellValue, type RowValue } from './hot/columns-from-rows.ts';

/** Seeded batches for tests and benches: the same seed gives the same rows. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const bytes16 = (random: () => number): Uint8Array => Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256));
const u64 = (random: () => number): bigint => (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32));
const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const SERVICES = ['checkout', 'cart', 'payment', 'frontend-proxy-service', 'recommendation', 'inventory', 'shipping', 'email'];
const ROUTES = ['/api/cart', '/api/checkout/{orderId}/confirm', '/api/products/{productId}', '/health'];
const attributes = (random: () => number, id: number): RowValue => ({
  attributes: {
    keys: ['user.id', 'thread.name', 'net.peer.port', 'app.order.amount', 'container.image.tag'],
    values: [
      `user-${id % 5000}`,
      `http-nio-8080-exec-${id % 20}`,
      String(30_000 + (id % 1000)),
      (random() * 100).toFixed(2),
      'v1.4.2-20261104-af31c9',
    ],
  },
  attribute_types: 'ssids',
  dropped_attributes_count: 0,
});

/** What a table needs beyond nothing: NULL where it may be, else empty. */
function base(table: TableName): RowValue {
  const empty = (kind: string): CellValue =>
    kind === 'map' ? { keys: [], values: [] } : kind === 'list' ? [] : kind === 'string' ? '' : kind === 'uuid' ? new Uint8Array(16) : 0;
  return Object.fromEntries(TABLES[table].columns.map((column) => [column.name, column.nullable ? null : empty(column.kind)]));
}
const delimited = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.from([tag, content.length]), content]);
/** One event as OTLP sends it, as the text a BLOB column takes here. All parts shorter than 128 bytes. */
export function eventWire(time: bigint, name: string, tags: Readonly<Record<string, string>>): string {
  const timeField = Buffer.alloc(9, 0x09);
  timeField.writeBigUInt64LE(time, 1);
  const attributes = Object.entries(tags).map(([key, value]) =>
    delimited(0x1a, Buffer.concat([delimited(0x0a, Buffer.from(key)), delimited(0x12, delimited(0x0a, Buffer.from(value)))])),
  );
  return delimited(0x5a, Buffer.concat([timeField, delimited(0x12, Buffer.from(name)), ...attributes])).toString('latin1');
}
const spanRow = (random: () => number, id: number, time: bigint): RowValue => ({
  ...base('spans'),
  trace_id: bytes16(random),
  span_id: u64(random),
  parent_span_id: random() < 0.2 ? null : u64(random),
  start_time: time,
  duration_ns: BigInt(Math.floor(random() * 5e7)),
  name: pick(random, ['GET', 'POST /api/checkout/{orderId}/confirm', 'SELECT orders', 'publish order.created']),
  service: pick(random, SERVICES),
  kind: 1 + Math.floor(random() * 5),
  status_code: random() < 0.02 ? 2 : 0,
  http_request_method: pick(random, ['GET', 'POST']),
  http_route: pick(random, ROUTES),
  http_response_status_code: random() < 0.02 ? 500n : 200n,
  url_path: `/api/products/${id % 3000}`,
  server_address: pick(random, ['10.0.0.7', 'inventory.shop.svc.cluster.local']),
  ...attributes(random, id),
  events_wire: random() < 0.5 ? eventWire(time, 'cache.miss', { 'app.key': `k${id % 100}` }) : null,
  links: random() < 0.05 ? [{ trace_id: bytes16(random), span_id: u64(random), trace_state: '', flags: 1, ...attributes(random, id) }] : [],
  flags: 1,
  resource_id: 1 + (id % 8),
  scope_id: 1,
});
const logRow = (random: () => number, id: number, time: bigint): RowValue => ({
  ...base('logs'),
  time,
  observed_time: time,
  trace_id: random() < 0.6 ? bytes16(random) : null,
  span_id: random() < 0.6 ? u64(random) : null,
  severity_number: pick(random, [5, 9, 9, 9, 13, 17]),
  severity_text: 'INFO',
  service: pick(random, SERVICES),
  body: `order ${Math.floor(random() * 1e6)} of user ${id % 5000} accepted in ${(random() * 100).toFixed(1)} ms by node-${id % 7}; 连接池 ok`,
  body_type: 115,
  ...attributes(random, id),
  resource_id: 1 + (id % 8),
  scope_id: 1,
});
const sampleRow = (random: () => number, id: number, time: bigint): RowValue => ({
  ...base('samples'),
  series_id: 1 + (id % 1000),
  time,
  value: random() * 1000,
  start_time: null,
});
const histogramRow = (random: () => number, id: number, time: bigint): RowValue => ({
  ...base('histograms'),
  series_id: 1 + (id % 100),
  time,
  count: 10n,
  sum: random() * 50,
  bounds: [0.1, 1, 10],
  bucket_counts: [1n, 4n, 4n, 1n],
});
const exemplarRow = (random: () => number, id: number, time: bigint): RowValue => ({
  ...base('exemplars'),
  series_id: 1 + (id % 100),
  time,
  value: random(),
  trace_id: bytes16(random),
  span_id: u64(random),
  ...attributes(random, id),
});
const profileRow = (random: () => number, id: number, time: bigint): RowValue => ({
  ...base('profiles'),
  time,
  sample_type: 'cpu',
  samples: id % 50,
  ...attributes(random, id),
});
const profileSampleRow = (random: () => number, id: number, time: bigint): RowValue => ({
  ...base('profile_samples'),
  time,
  sample_type: 'cpu',
  stack_id: 1 + (id % 100),
  value: BigInt(id),
  values: [BigInt(id)],
  timestamps: [time],
  ...attributes(random, id),
});
const MAKERS: Readonly<Record<TableName, (random: () => number, id: number, time: bigint) => RowValue>> = {
  spans: spanRow,
  logs: logRow,
  samples: sampleRow,
  histograms: histogramRow,
  exemplars: exemplarRow,
  profiles: profileRow,
  profile_samples: profileSampleRow,
};

export interface BatchOptions {
  readonly table: TableName;
  readonly rows: number;
  readonly seed: number;
  /** Time of the first row, nanoseconds; the next ones follow by `stepNano`. */
  readonly startNano: bigint;
  readonly stepNano?: bigint;
}
export function makeRows({ table, rows, seed, startNano, stepNano = 1_000_000n }: BatchOptions): RowValue[] {
  const random = mulberry32(seed);
  return Array.from({ length: rows }, (_, i) => MAKERS[table](random, i, startNano + BigInt(i) * stepNano));
}
export const makeBatch = (options: BatchOptions): ColumnBatch => batchFromRows(TABLES[options.table], makeRows(options));

/** The same batch at other times: what a bench appends over and over. */
export function shiftTimes(batch: ColumnBatch, byNano: bigint): ColumnBatch {
  const at = TABLES[batch.table].columns.findIndex((column) => column.name === TABLES[batch.table].timeColumn);
  const columns: Column[] = [...batch.columns];
  const times = columns[at]! as { kind: 'i64'; data: BigInt64Array };
  columns[at] = { kind: 'i64', data: times.data.map((time) => time + byNano) };
  return { ...batch, columns };
}
/** A batch as a string column reads: for asking what a cell holds. */
export const cellText = (column: StringColumn, heap: Uint8Array, row: number): string => {
  const length = column.cells[row * 4]!;
  const inline = new Uint8Array(column.cells.buffer, column.cells.byteOffset + row * 16 + 4, 12);
  const start = column.cells[row * 4 + 2]!;
  return Buffer.from(length <= 12 ? inline.slice(0, length) : heap.slice(start, start + length)).toString();
};
export const SPAN_COLUMNS = SPANS.columns.length;
