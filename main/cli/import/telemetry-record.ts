/** One export request found in a file. */
export type Signal = 'traces' | 'logs' | 'metrics';
export const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];

export interface TelemetryRecord {
  /** 1-based line (JSON lines) or number of the message (delimited protobuf); null for a file that is one request. */
  readonly line: number | null;
  readonly signal: Signal;
  readonly contentType: 'application/json' | 'application/x-protobuf';
  readonly body: Uint8Array;
  /** Spans, log records or data points. */
  readonly items: number;
  readonly minTimeMs: number | null;
  readonly maxTimeMs: number | null;
}
export interface RefusedRecord {
  readonly line: number | null;
  /** A code of contracts/reasons.ts. */
  readonly reason: string;
  readonly message: string;
}
export interface SplitFile {
  /** "otlp-json", "otlp-jsonl", "otlp-protobuf", "otlp-protobuf-delimited", with "+gzip" or "+zstd"; "unknown". */
  readonly format: string;
  /** Records in file order, refused ones in their places. Lazy: a file may hold millions. */
  readonly records: Iterable<TelemetryRecord | RefusedRecord>;
}
export const isRefused = (record: TelemetryRecord | RefusedRecord): record is RefusedRecord => 'reason' in record;

/** Requests are cut to about this size: far below the receivers' limit, large enough to be few. */
export const CHUNK_BYTES = 4 * 1024 * 1024;

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
