import type { Delivery, SentMark, SilenceRecord } from './alerting.ts';
import type { ColumnBatch, Dictionary } from './columns.ts';
import type { Bill } from './cost.ts';
import type { ErrorCode } from './errors.ts';
import type { Explanation, ModelCall } from './explanation.ts';
import type { JournalPosition } from './journal.ts';
import type { Incident } from './judgement.ts';
import type { Partition, WrittenPartition } from './parquet-export.ts';
import type { Postmortem, PostmortemDocument, PostmortemSummary, Revision } from './postmortem.ts';
import type { TableName } from './tables.ts';
import type { DiskParts, VolumeFile } from './volume.ts';

/**
 * The door of store/: sole owner of DuckDB. The engine is its only user. Everything asynchronous unless said.
 *
 * Append path: `append` makes the rows hot (visible to every query at once) without touching disk. The store flushes
 * hot rows in row-group-sized batches, or by age, each day file in one transaction with its journal position;
 * `released()` then says up to where the journal is no longer needed.
 * Replay: after a restart the engine reads the journal from `released()` and appends everything again; the store
 * skips per file and table the rows it already holds.
 */
export interface Store {
  readonly dictionary: Dictionary;
  /** Rows of one journal record. Rows of one table of one record must come in the same order on every replay. */
  append(record: AppendedRecord, batches: readonly ColumnBatch[]): void;
  /**
   * For a record that came with a batch id (contracts/forwarding.ts): false when an earlier record of the journal had the
   * same, so this one is a repeat and its rows must not be appended. Asked once per record, in journal order, before append.
   */
  firstOfBatch(batch: string, position: JournalPosition): boolean;
  /** Journal position before which everything is stored durably. */
  released(): JournalPosition;
  onReleased(listener: (position: JournalPosition) => void): void;
  /** Writes all hot rows to their day files (used at stop, by tests and by size pressure). */
  flush(): Promise<void>;
  /**
   * Makes room in memory: writes the whole row groups there are; only where there is none, everything. What is written
   * unaligned costs twice and stays small for good.
   */
  relieve(): Promise<void>;
  /** Makes blocks of all stored samples there are enough of, however new (the store does so by itself with what is two hours old). */
  compact(): Promise<void>;
  /** For a reader that keeps samples: what it keeps is right as long as it asks the watch before it uses any. */
  watchSamples(): SampleWatch;
  /** Rows held in memory, bytes they take, per table. */
  hot(): Readonly<Record<TableName, { readonly rows: number; readonly bytes: number }>>;

  /** Reads on a pool of connections; cancellable; never blocks append. Parameters are $1, $2 ... */
  query(sql: string, params?: readonly QueryValue[], options?: QueryOptions): Promise<QueryResult>;
  /** One user-written SELECT, checked against the allow-list (design.md §9); throws FaultlineError 'sql_refused'. */
  userQuery(sql: string, options?: QueryOptions): Promise<QueryResult>;

  /** Small state that outlives a restart: incidents, settings, marks. */
  saveIncident(incident: Incident): Promise<void>;
  incidents(limit: number): Promise<readonly Incident[]>;
  setState(key: string, json: string): Promise<void>;
  getState(key: string): Promise<string | null>;

  readonly postmortems: PostmortemStore;
  readonly modelCalls: ModelCallStore;
  readonly alerting: AlertingStore;

  /** Takes in a FOCUS bill, CSV as it is or compressed, all of it or nothing; what is wrong with it is in its problems. */
  importBill(file: { readonly path: string; readonly name: string; readonly sha256: string }): Promise<Bill>;
  /** Newest import first. */
  bills(): Promise<readonly Bill[]>;
  /** @throws not_found */
  removeBill(id: string): Promise<void>;

  /** What a Parquet export of [startMs, endMs) of a table will write, day by day. Rows of a day without a file yet: flush first. */
  partitions(table: TableName, startMs: number, endMs: number, signal?: QueryOptions['signal']): Promise<readonly Partition[]>;
  /** Writes one of them to a file, and says what the file holds. On failure the file may be there in part. */
  writePartition(
    partition: Partition,
    startMs: number,
    endMs: number,
    file: string,
    signal?: QueryOptions['signal'],
  ): Promise<WrittenPartition>;

  facts(): Promise<StoreFacts>;
  /** What each day file and the catalog hold of each table, bytes; of [startMs, endMs) only. */
  fileShares(startMs: number, endMs: number, signal?: QueryOptions['signal']): Promise<readonly VolumeFile[]>;
  /** Deletes by age and size now (also runs by itself). Returns what went. */
  enforceRetention(nowMs: number): Promise<readonly PrunedDay[]>;
  close(): Promise<void>;
}
export interface SampleWatch {
  /**
   * Samples of this time or later (milliseconds, no fraction) came since the last call; what is before is what it was. Infinity: none came,
   * -Infinity: a day came or went.
   */
  changedSinceMs(): number;
  end(): void;
}
export interface AppendedRecord {
  readonly position: JournalPosition;
  readonly next: JournalPosition;
  /**
   * Set where rows come of earlier records as well: a replay must begin at `rows` until this record's rows are stored, and at `open` for
   * what later records will write. null: no such.
   */
  readonly needs?: { readonly rows: JournalPosition | null; readonly open: JournalPosition | null } | null;
}
/** Revisions of postmortems, one postmortem an incident. Each save is durable when it resolves. */
export interface PostmortemStore {
  /** The newest revision of each, last saved first. */
  list(): Promise<readonly PostmortemSummary[]>;
  /** The newest revision, or the one asked for; null when there is none. */
  get(incidentId: string, revision?: number): Promise<Postmortem | null>;
  /** Newest first. */
  revisions(incidentId: string): Promise<readonly Revision[]>;
  /**
   * Adds a revision. @param baseRevision the newest one the editor had read; 0 for a first draft
   * @throws FaultlineError conflict when it is not the newest, bad_request when the document is too large
   */
  save(document: PostmortemDocument, baseRevision: number, editor: string): Promise<Revision>;
}
/** Calls of the local model. The newest are kept (MODEL_CALL_LIMITS), all incidents together. */
export interface ModelCallStore {
  save(call: ModelCall): Promise<void>;
  /** Newest first; null: of every incident. */
  list(incidentId: string | null, limit: number): Promise<readonly Explanation[]>;
  /** The newest call with this key that was answered. */
  answered(cacheKey: string): Promise<Explanation | null>;
}
/** Silences and the log of notifications (contracts/alerting.ts). Each call is durable when it resolves. */
export interface AlertingStore {
  silences(): Promise<readonly SilenceRecord[]>;
  /** Adds them, or puts them in the place of those with the same id. */
  saveSilences(silences: readonly SilenceRecord[]): Promise<void>;
  removeSilences(ids: readonly string[]): Promise<void>;
  /** Adds or replaces lines of the log and marks of what was sent, in one transaction. */
  record(news: { readonly deliveries: readonly Delivery[]; readonly sent: readonly SentMark[] }): Promise<void>;
  sent(): Promise<readonly SentMark[]>;
  /** Newest first. */
  deliveries(wanted: WantedDeliveries): Promise<readonly Delivery[]>;
  countDeliveries(): Promise<number>;
  /** Removes lines and marks that are too old, and lines beyond the limit. Returns how many lines went. */
  prune(nowMs: number): Promise<number>;
}
/** Absent: all. */
export interface WantedDeliveries {
  readonly limit: number;
  /** Older than this line, which need not be there any more. */
  readonly before?: { readonly atMs: number; readonly id: string } | undefined;
  readonly receiver?: string | undefined;
  readonly groupKey?: string | undefined;
  readonly outcome?: Delivery['outcome'] | undefined;
  /** Lines that name this alert. */
  readonly fingerprint?: string | undefined;
}
export type QueryValue = string | number | bigint | boolean | null;
export interface QueryOptions {
  readonly timeoutMs?: number;
  /** More rows: the result is cut and `truncated` set. Absent: beyond a million rows the query fails (`answer_too_long`). */
  readonly maxRows?: number;
  /**
   * One SELECT of the series_id whose samples the statement reads, where they are known only by a join: blocks of others are not
   * decoded. The statement must not depend on samples of others.
   */
  readonly samplesOf?: string;
  readonly signal?: { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void): void };
}
/** One chunk's part of a column, copied out of the database. */
export interface ColumnPiece {
  readonly rows: number;
  /** Arrow's bit order; null = all present. */
  readonly valid: Uint8Array | null;
  /** Fixed: the values. Text: the bytes of all rows, one after the other. */
  readonly bytes: Uint8Array;
  /** Text: rows + 1 byte offsets. */
  readonly offsets: Int32Array<ArrayBuffer> | null;
}
/** A result as another thread can be given it: `memory` moves there. */
export interface ResultParts {
  readonly rowCount: number;
  readonly truncated: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly pieces: readonly ColumnPiece[] }[];
}
/** Column-wise. Times are bigint nanoseconds (BigInt64Array); strings JS strings; NULL by the present bitmap. */
export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rowCount: number;
  readonly truncated: boolean;
  /** Typed array for numbers and times, string[] for text; null entries: NaN for doubles, else see `isNull`. */
  column(name: string): ArrayLike<number> | ArrayLike<bigint> | readonly (string | null)[];
  /** Values of a BLOB column that are not NULL, row by row: bytes [from, to), lent for the call. */
  eachBlob(name: string, visit: (row: number, bytes: Uint8Array, from: number, to: number) => void): void;
  /** Whether a value is NULL. */
  isNull(name: string, row: number): boolean;
  /** Rows as plain objects (JSON-safe: bigint as string, times RFC 3339). For small results only. */
  rows(): Record<string, unknown>[];
  /** For another thread: the parts and their memory, to be moved with them. The result is empty afterwards. */
  handOver(): { readonly parts: ResultParts; readonly memory: ArrayBuffer[] };
  /** Arrow IPC stream. `metadata` becomes schema metadata (the screen's "query" and "params"). */
  toArrow(metadata?: Readonly<Record<string, string>>): Uint8Array;
}
export interface PrunedDay {
  readonly day: string;
  readonly reason: 'age' | 'size' | 'corrupt';
  readonly bytes: number;
  readonly atMs: number;
}
/** What compaction of samples did since the start, and what there is. */
export interface CompactionFacts {
  readonly on: boolean;
  /** Samples that are in blocks, and the blocks, of the days attached. */
  readonly inBlocks: { readonly samples: number; readonly blocks: number };
  readonly samples: number;
  readonly blocks: number;
  /** Bytes of the blocks made: times, values and the rest. */
  readonly blockBytes: number;
  readonly slices: number;
  readonly errors: number;
  readonly lastError: string | null;
  /** When a day was last gone through to the end, and what its file held before and after, bytes in use. */
  readonly lastRunMs: number | null;
  readonly lastBytes: { readonly before: number; readonly after: number } | null;
  /** Longest commit, for which the writer may have to wait, and longest time the JavaScript thread was held, milliseconds. */
  readonly longestHoldMs: number;
  readonly longestTurnMs: number;
  /** Longest checkpoint after the slices of a range. Rows to be written wait for it; ingest and queries do not. */
  readonly longestCheckpointMs: number;
}
export interface StoreFacts {
  readonly dataDir: string;
  /** Day files, catalog, bills, and what lies beside them. */
  readonly bytes: number;
  /** The whole data folder, the journal with it. */
  readonly disk: DiskParts;
  /** Copies made before migrations (backups/) and Parquet exports (exports/): their size a minute ago, and how many were removed since the start. */
  readonly beside: { readonly bytes: number; readonly removed: number };
  /** Ids of batches (forwarding consoles, imports, tailed files) forgotten since the start, by why: a repeat of one would be stored again. */
  readonly forgottenBatches: Readonly<Record<'own' | 'share' | 'senders', number>>;
  readonly days: readonly {
    readonly day: string;
    readonly bytes: number;
    readonly rows: Readonly<Record<TableName, number>>;
    readonly state: 'ok' | 'quarantined';
  }[];
  readonly pruned: readonly PrunedDay[];
  readonly compaction: CompactionFacts;
  readonly series: number;
  readonly resources: number;
  readonly minTimeMs: number | null;
  readonly maxTimeMs: number | null;
  readonly readOnly: boolean;
  readonly schemaVersion: number;
  /** What the operator must know: a file set aside, a flush that fails, a day that cannot be read. */
  readonly problems: readonly { readonly code: ErrorCode; readonly message: string }[];
}
