/**
 * The journal: what was acknowledged, exactly as received. Written by the collector only, read by the engine.
 * On-disk format: docs/journal-format.md. A record is acknowledged after fdatasync (durability "sync").
 */

/** segment sequence * 2^32 + byte offset in the segment; grows strictly; exact in a double up to 2 M segments. */
export type JournalPosition = number;
export const positionOf = (segment: number, offset: number): JournalPosition => segment * 2 ** 32 + offset;
export const segmentOf = (position: JournalPosition): number => Math.floor(position / 2 ** 32);
export const offsetOf = (position: JournalPosition): number => position % 2 ** 32;

/** Numbers are on disk: never reuse one. write1, write2: Prometheus remote write 1.0 and 2.0. */
export const RecordKind = { traces: 1, metrics: 2, logs: 3, profiles: 4, scrape: 16, write1: 17, write2: 18 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];
export const BodyFormat = { protobuf: 1, json: 2, text: 3 } as const;
export type BodyFormat = (typeof BodyFormat)[keyof typeof BodyFormat];
export const BodyEncoding = { identity: 0, gzip: 1, zstd: 2, snappy: 3 } as const;
export type BodyEncoding = (typeof BodyEncoding)[keyof typeof BodyEncoding];

export interface JournalEntry {
  readonly kind: RecordKind;
  readonly format: BodyFormat;
  readonly encoding: BodyEncoding;
  /** Arrival by the collector's clock; the engine applies acceptTime with it, so a replay decides the same. */
  readonly receivedUnixNano: bigint;
  /** Retention in force at arrival, seconds; 0 = off. Part of acceptTime. */
  readonly retentionSeconds: number;
  /** Items the body holds (spans, log records, data points), as counted by the structural check. */
  readonly items: number;
  /** Stable name of the source, e.g. "otlp-http", "otlp-grpc", "zipkin", "loki", "syslog", "scrape:node". */
  readonly source: string;
  /** JSON text; for a scrape: ScrapeMeta. '' otherwise. */
  readonly meta: string;
  readonly body: Uint8Array;
}
export interface JournalRecord extends JournalEntry {
  readonly position: JournalPosition;
  /** Position of the byte after the record: what "consumed up to" means. */
  readonly next: JournalPosition;
}
/** One scrape attempt. A failed one has an empty body, up = false and an error. */
export interface ScrapeMeta {
  readonly job: string;
  /** Target labels after relabeling, job and instance included. */
  readonly labels: Readonly<Record<string, string>>;
  readonly scrapeUnixMs: number;
  readonly durationSeconds: number;
  readonly up: boolean;
  readonly error: string;
  readonly contentType: string;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** 0 = no limit. More samples after relabeling: the whole scrape counts as failed (up = 0), as Prometheus does. */
  readonly sampleLimit: number;
  /** prometheus.yml metric_relabel_configs, as parsed by collectors/prometheus/config. */
  readonly metricRelabelConfigs: readonly unknown[];
  /** The target is no longer listed: all its series end here. */
  readonly ended?: boolean;
  /** Series with timestamps of their own get stale markers too. */
  readonly trackTimestampsStaleness?: boolean;
  /** Classic buckets are kept beside a native histogram. */
  readonly classicHistograms?: boolean;
  /** Of a histogram that has both forms the classic one is kept. */
  readonly noNativeHistograms?: boolean;
  /** Limits of the job, absent = none: bytes of the body decompressed, labels of a series, bytes of a name and of a value. */
  readonly bodyLimit?: number;
  readonly labelLimit?: number;
  readonly labelNameLimit?: number;
  readonly labelValueLimit?: number;
  /** How an answer of an unknown content type is read, by its name in scrape_protocols. */
  readonly fallbackProtocol?: string;
}
