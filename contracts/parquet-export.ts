import { z } from 'zod';
import type { TableName } from './tables.ts';

/** Parquet export: Hive partitions TABLE/date=YYYY-MM-DD/service=NAME/part-0.parquet, and manifest.json over all of it. */
export const EXPORT_FORMAT = 1;
/** Tables by the signal they belong to. */
export const EXPORT_TABLES: Readonly<Record<'traces' | 'logs' | 'metrics', readonly TableName[]>> = {
  traces: ['spans'],
  logs: ['logs'],
  metrics: ['samples', 'histograms', 'exemplars'],
};
export const exportRequestSchema = z.strictObject({
  /** Absolute; absent: exports/parquet-TIME of the data folder. It must be empty, or hold the unfinished export this goes on with. */
  dir: z.string().min(1).max(4_000).optional(),
  /** Half-open [startMs, endMs); absent: all there is. */
  startMs: z.number().nonnegative().optional(),
  endMs: z.number().nonnegative().optional(),
  signals: z
    .array(z.enum(['traces', 'logs', 'metrics']))
    .min(1)
    .default(['traces', 'logs', 'metrics']),
});
export type ExportRequest = z.infer<typeof exportRequestSchema>;

/** Whole numbers as text: they outgrow a double. */
const sums = z.record(z.string(), z.string());
export const exportedFileSchema = z.object({
  /** Relative to the folder, with "/". */
  path: z.string(),
  table: z.string(),
  /** UTC day of the event time. */
  date: z.string(),
  /** As stored; the partition's folder name is its escaped and, if need be, shortened form. */
  service: z.string(),
  rows: z.number(),
  bytes: z.number(),
  sha256: z.string(),
  sums,
});
export type ExportedFile = z.infer<typeof exportedFileSchema>;
export const manifestSchema = z.object({
  format: z.literal(EXPORT_FORMAT),
  version: z.string(),
  schemaVersion: z.number(),
  startMs: z.number(),
  endMs: z.number(),
  signals: z.array(z.string()),
  createdMs: z.number(),
  /** Over all files of a table; `sums` says what is summed by its name. */
  tables: z.record(z.string(), z.object({ rows: z.number(), files: z.number(), sums })),
  files: z.array(exportedFileSchema),
});
export type ExportManifest = z.infer<typeof manifestSchema>;

export const exportStatusSchema = z.object({
  state: z.enum(['none', 'running', 'done', 'cancelled', 'failed']),
  dir: z.string(),
  doneFiles: z.number(),
  totalFiles: z.number(),
  rows: z.number(),
  bytes: z.number(),
  /** What it is at: "spans 2026-01-01 checkout". */
  at: z.string(),
  error: z.string(),
  /** Of the errors catalogue; '' when it did not fail. */
  errorCode: z.string(),
  startedMs: z.number(),
  endedMs: z.number().nullable(),
});
export type ExportStatus = z.infer<typeof exportStatusSchema>;

/** One future file. */
export interface Partition {
  readonly table: TableName;
  readonly date: string;
  readonly service: string;
  readonly rows: number;
}
/** What was written, read back from the file. */
export interface WrittenPartition {
  readonly rows: number;
  readonly sums: Readonly<Record<string, string>>;
}
