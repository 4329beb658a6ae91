import type { FixedKind, TableName } from './tables.ts';

/**
 * Columnar rows of one table, produced once by a decoder and consumed by the store.
 * Layouts equal DuckDB's vector layouts, so that a column is one memcpy into a vector.
 *
 * Strings: 16-byte cells as DuckDB's string_t. `cells` holds 4 uint32 per row:
 *   [length, b0-3, b4-7, b8-11]                 length <= 12: the bytes inline, zero padded
 *   [length, first 4 bytes, heap offset, 0]     length  > 12: offset into `ColumnBatch.heap`
 * The store copies the heap to native memory once and adds its address to every long cell.
 * Every string has been checked to be valid UTF-8 (DuckDB aborts a whole INSERT otherwise).
 */
export interface FixedColumn {
  readonly kind: FixedKind;
  readonly data: Uint8Array | Uint32Array | BigUint64Array | BigInt64Array | Float64Array;
  /** One byte per row, 1 = present; absent when no row is NULL. */
  readonly present?: Uint8Array;
}
/** 16 bytes a row in wire order (big-endian); the store converts to DuckDB's hugeint form. */
export interface UuidColumn {
  readonly kind: 'uuid';
  readonly data: Uint8Array;
  readonly present?: Uint8Array;
}
export interface StringColumn {
  readonly kind: 'string';
  readonly cells: Uint32Array;
  readonly present?: Uint8Array;
}
/** Row i owns entries [offsets[i], offsets[i+1]); offsets has rows + 1 items. Keys within a row are unique. */
export interface MapColumn {
  readonly kind: 'map';
  readonly offsets: Uint32Array;
  readonly keys: StringColumn;
  readonly values: StringColumn;
}
export interface ListColumn {
  readonly kind: 'list';
  readonly offsets: Uint32Array;
  /** One column for a list of a plain kind; the struct's columns, in order, for a list of structs. */
  readonly children: readonly Column[];
}
export type Column = FixedColumn | UuidColumn | StringColumn | MapColumn | ListColumn;

/** Arrays may be longer than `rows` needs (capacity); only the first `rows` entries count. */
export interface ColumnBatch {
  readonly table: TableName;
  readonly rows: number;
  /** Same order as TABLES[table].columns. */
  readonly columns: readonly Column[];
  /** Bytes long string cells point into: the request body followed by the decoder's scratch. */
  readonly heap: Uint8Array;
}

/** Span events of some rows, read from what was sent; fields as tables.ts EVENT_FIELDS. */
export interface SpanEvents {
  readonly column: ListColumn;
  readonly heap: Uint8Array;
}

/** What one journal record became. Batches without rows are left out. */
export interface DecodedRecord {
  readonly batches: readonly ColumnBatch[];
  /** Items dropped while decoding, by reason (contracts/reasons.ts). Deterministic: a replay drops the same. */
  readonly dropped: ReadonlyMap<string, number>;
  /** Items accepted with a repair worth showing (clamped, deduplicated key, negative duration ...), by reason. */
  readonly noted: ReadonlyMap<string, number>;
  /** What is wrong with the record as a sentence (a scrape's bad line); shown beside its source. */
  readonly problem?: string;
}

/**
 * Ids for what repeats. Implemented by the store's dictionary; decoders only ask. Ids are stable across restarts.
 * Id 0 is no row: the table is at its limit (limits.maxSeries, which bounds each of the four). The decoder drops and
 * counts samples of a series with id 0 (too_many_series); rows of a resource, scope or stack with id 0 are kept without it.
 */
export interface Dictionary {
  /** @param key identity bytes as latin1 text; equal keys give equal ids. @param row called once, for a new key. */
  resource(key: string, row: () => ResourceRow): number;
  scope(key: string, row: () => ScopeRow): number;
  series(key: string, row: () => SeriesRow): number;
  /** Id of a series that is there; undefined: there is none yet. Absent: nobody asks this dictionary. */
  seriesId?(key: string): number | undefined;
  stack(key: string, row: () => StackRow): number;
  /** No series has a higher id. Absent: nobody asks this dictionary. */
  readonly newestSeries?: number;
}
/** Call stack of profiles, innermost frame first; fields as tables.ts FRAME_FIELDS. */
export interface StackRow {
  readonly frames: readonly StackFrame[];
}
export interface StackFrame {
  readonly function: string;
  readonly system_name: string;
  readonly file: string;
  readonly start_line: bigint;
  readonly line: bigint;
  readonly column_number: bigint;
  readonly inlined: number;
  readonly address: bigint;
  readonly attributes: string;
  readonly mapping: string;
  readonly mapping_start: bigint;
  readonly mapping_limit: bigint;
  readonly mapping_offset: bigint;
  readonly mapping_attributes: string;
}
export interface Attributes {
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** One letter per entry, see tables.ts. */
  readonly types: string;
}
export interface ResourceRow {
  readonly service: string;
  readonly serviceNamespace: string | null;
  readonly serviceInstanceId: string | null;
  readonly serviceVersion: string | null;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
  readonly schemaUrl: string;
  /** Entity references (OTLP development field) as JSON text, '' when none. */
  readonly entityRefs: string;
}
export interface ScopeRow {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
  readonly schemaUrl: string;
}
export type MetricType = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary' | 'unknown' | 'info' | 'stateset';
export interface SeriesRow {
  readonly metric: string;
  readonly type: MetricType;
  readonly unit: string;
  readonly description: string;
  /** 'delta', 'cumulative' or '' (does not apply or not given). Prometheus counters are cumulative. */
  readonly temporality: 'delta' | 'cumulative' | '';
  readonly monotonic: boolean;
  /** 'i' integer points, 'd' double points (OTLP as_int / as_double), '' for histograms. */
  readonly numberType: 'i' | 'd' | '';
  readonly source: 'otlp' | 'prometheus';
  readonly service: string;
  /** Data point attributes, or all Prometheus labels but __name__. */
  readonly attributes: Attributes;
  /** OTLP Metric.metadata. */
  readonly metadata: Attributes;
  readonly resourceId: number;
  readonly scopeId: number;
}
