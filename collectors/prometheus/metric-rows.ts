import type { Column, ColumnBatch, StringColumn } from '#contracts/columns.ts';

/** Growing columns for the samples and exemplars tables (contracts/tables.ts order). */
function grown<T extends Uint32Array | BigInt64Array | BigUint64Array | Float64Array | Uint8Array>(array: T, rows: number): T {
  if (rows < array.length) return array;
  const next = new (array.constructor as new (size: number) => T)(Math.max(64, array.length * 2));
  next.set(array as never);
  return next;
}

/** OTLP data point flag. */
const NO_RECORDED_VALUE = 1;

export class SampleRows {
  rows = 0;
  private seriesIds = new Uint32Array(256);
  private times = new BigInt64Array(256);
  private values = new Float64Array(256);
  private flags = new Uint32Array(256);
  private starts: BigInt64Array | null = null;

  /** @param startNano 0: not known */
  push(seriesId: number, timeUnixNano: bigint, value: number, startNano = 0n): void {
    this.reserve();
    if (startNano !== 0n) this.startsOf(this.values.length)[this.rows] = startNano;
    this.seriesIds[this.rows] = seriesId;
    this.times[this.rows] = timeUnixNano;
    this.values[this.rows++] = value;
  }
  /** A NaN with a payload must not pass through a JS number, which may quiet it. The flag is how OTLP says the same. */
  pushStale(seriesId: number, timeUnixNano: bigint, bits: bigint): void {
    this.push(seriesId, timeUnixNano, 0);
    new BigUint64Array(this.values.buffer)[this.rows - 1] = bits;
    this.flags[this.rows - 1] = NO_RECORDED_VALUE;
  }
  private startsOf(length: number): BigInt64Array {
    if (!this.starts || this.starts.length < length) {
      const starts = new BigInt64Array(length);
      if (this.starts) starts.set(this.starts);
      this.starts = starts;
    }
    return this.starts;
  }
  private reserve(): void {
    this.seriesIds = grown(this.seriesIds, this.rows);
    this.times = grown(this.times, this.rows);
    this.values = grown(this.values, this.rows);
    this.flags = grown(this.flags, this.rows);
  }
  batch(): ColumnBatch {
    const { rows } = this;
    const empty = { kind: 'i64', data: new BigInt64Array(rows), present: new Uint8Array(rows) } as const;
    const start: Column = this.starts
      ? { kind: 'i64', data: this.startsOf(rows), present: Uint8Array.from(this.starts.subarray(0, rows), (nano) => (nano === 0n ? 0 : 1)) }
      : empty;
    const columns: Column[] = [
      { kind: 'u32', data: this.seriesIds },
      { kind: 'i64', data: this.times },
      { kind: 'f64', data: this.values },
      empty,
      start,
      { kind: 'u32', data: this.flags },
    ];
    return { table: 'samples', rows, columns, heap: new Uint8Array(0) };
  }
}

/** String cells as in contracts/columns.ts, for the few strings exemplars bring. */
class CellWriter {
  private readonly rows: Uint32Array[] = [];
  private readonly heap: number[];
  constructor(heap: number[]) {
    this.heap = heap;
  }
  push(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    const cell = new Uint8Array(16);
    const view = new Uint32Array(cell.buffer);
    if (bytes.length <= 12) cell.set(bytes, 4);
    else {
      cell.set(bytes.subarray(0, 4), 4);
      view[2] = this.heap.length;
      for (const byte of bytes) this.heap.push(byte);
    }
    view[0] = bytes.length;
    this.rows.push(view);
  }
  column(): StringColumn {
    const cells = new Uint32Array(this.rows.length * 4);
    this.rows.forEach((row, i) => void cells.set(row, i * 4));
    return { kind: 'string', cells };
  }
}

export class ExemplarRows {
  rows = 0;
  private readonly heap: number[] = [];
  private readonly seriesIds: number[] = [];
  private readonly times: bigint[] = [];
  private readonly values: number[] = [];
  private readonly traceIds: (string | null)[] = [];
  private readonly spanIds: (string | null)[] = [];
  private readonly offsets: number[] = [0];
  private readonly keys = new CellWriter(this.heap);
  private readonly texts = new CellWriter(this.heap);
  private readonly types = new CellWriter(this.heap);

  /** Labels trace_id and span_id that look like ids go to their columns; the rest stay attributes. */
  push(seriesId: number, timeUnixNano: bigint, value: number, labels: readonly (readonly [string, string])[]): void {
    const id = (name: string, pattern: RegExp): string | null => labels.find(([k, v]) => k === name && pattern.test(v))?.[1] ?? null;
    const traceId = id('trace_id', /^[0-9a-f]{32}$/i);
    const spanId = id('span_id', /^[0-9a-f]{16}$/i);
    const rest = labels.filter(([k]) => !(k === 'trace_id' && traceId) && !(k === 'span_id' && spanId));
    for (const [key, text] of rest) {
      this.keys.push(key);
      this.texts.push(text);
    }
    this.types.push('s'.repeat(rest.length));
    this.offsets.push((this.offsets.at(-1) as number) + rest.length);
    this.seriesIds.push(seriesId);
    this.times.push(timeUnixNano);
    this.values.push(value);
    this.traceIds.push(traceId);
    this.spanIds.push(spanId);
    this.rows++;
  }
  batch(): ColumnBatch {
    const { rows } = this;
    const traces = new Uint8Array(rows * 16);
    this.traceIds.forEach((id, i) => void (id && traces.set(Buffer.from(id, 'hex'), i * 16)));
    const columns: Column[] = [
      { kind: 'u32', data: Uint32Array.from(this.seriesIds) },
      { kind: 'i64', data: BigInt64Array.from(this.times) },
      { kind: 'f64', data: Float64Array.from(this.values) },
      { kind: 'i64', data: new BigInt64Array(rows), present: new Uint8Array(rows) },
      { kind: 'uuid', data: traces, present: Uint8Array.from(this.traceIds, (id) => (id ? 1 : 0)) },
      {
        kind: 'u64',
        data: BigUint64Array.from(this.spanIds, (id) => (id ? BigInt(`0x${id}`) : 0n)),
        present: Uint8Array.from(this.spanIds, (id) => (id ? 1 : 0)),
      },
      { kind: 'map', offsets: Uint32Array.from(this.offsets), keys: this.keys.column(), values: this.texts.column() },
      this.types.column(),
    ];
    return { table: 'exemplars', rows, columns, heap: Uint8Array.from(this.heap) };
  }
}
