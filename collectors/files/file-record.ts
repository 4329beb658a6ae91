/** What the readers of files give: requests for the receivers, and what could not be read. */
export type Signal = 'traces' | 'logs' | 'metrics';
export const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];

export interface FileRecord {
  /** 1-based line, or number of the record, of its first item; null for a file that is one request. */
  readonly line: number | null;
  readonly signal: Signal;
  /** write2: remote write 2.0 in one snappy block. */
  readonly contentType: 'application/json' | 'application/x-protobuf' | 'write2';
  readonly body: Uint8Array;
  /** Spans, log records or data points. */
  readonly items: number;
  readonly minTimeMs: number | null;
  readonly maxTimeMs: number | null;
}
export interface RefusedRecord {
  readonly line: number | null;
  /** Bytes of decompressed content before it. */
  readonly offset?: number | null;
  /** A code of contracts/reasons.ts. */
  readonly reason: string;
  readonly message: string;
}
export type FileReading = AsyncGenerator<FileRecord | RefusedRecord, void, undefined>;
export const isRefused = (record: FileRecord | RefusedRecord): record is RefusedRecord => 'reason' in record;

/** Decompressed bytes in the order of the file. */
export type Bytes = AsyncIterable<Uint8Array>;
export interface ReadContext {
  /** Name of the file, without folders: what stands for the service where nothing else says one. */
  readonly name: string;
  /** Time of items without one: that of the first attempt, so that a second one makes the same records. */
  readonly arrivalUnixNano: bigint;
}

/** Requests are cut to about this size: far below the receivers' limit, large enough to be few. */
export const CHUNK_BYTES = 4 * 1024 * 1024;
/** Items of requests made here; an upper bound for what one refused request takes with it. */
export const BATCH_ITEMS = 4_000;
export const BATCH_BYTES = 1024 * 1024;

/** Smallest and largest of the event times seen, in Unix milliseconds; 0 means "not set" in OTLP and is left out. */
export class TimeSpan {
  minMs: number | null = null;
  maxMs: number | null = null;
  add(unixNano: number): void {
    if (!(unixNano > 0)) return;
    // Nanoseconds of today lose their last digits in a number: microseconds are what is left.
    const ms = Math.round(unixNano / 1e3) / 1e3;
    if (this.minMs === null || ms < this.minMs) this.minMs = ms;
    if (this.maxMs === null || ms > this.maxMs) this.maxMs = ms;
  }
}
