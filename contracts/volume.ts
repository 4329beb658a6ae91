import { z } from 'zod';

/**
 * Who fills the disk. Shapes of the API, all under /console:
 *
 * GET /console/volume?start&end                            -> volumeAnswer: files, and what each signal holds in the window
 * GET /console/volume/rows?start&end&by&metric&label&service -> volumeTable: one breakdown of it
 *
 * Counts are exact over the window. Bytes are measured per file and table (compressed blocks) and laid on rows by their number:
 * every row of a table costs the same share of the file. `estimated` says where even counts come from a part of the rows.
 */
export const VOLUME_BY = ['metric', 'label', 'value', 'metric-service', 'trace-service', 'span', 'log-service', 'pattern'] as const;
export type VolumeBy = (typeof VOLUME_BY)[number];
export const VOLUME_SIGNALS = ['metrics', 'traces', 'logs', 'profiles'] as const;
export type VolumeSignal = (typeof VOLUME_SIGNALS)[number];

/** What lies in the data folder, every file of it in one part: day files, dictionaries and small state, copies made before a migration, ... */
export const DISK_PARTS = ['days', 'catalog', 'bills', 'journal', 'backups', 'exports', 'quarantine', 'temporary', 'other'] as const;
export type DiskPart = (typeof DISK_PARTS)[number];
export const diskPartsSchema = z.record(z.enum(DISK_PARTS), z.number());
export type DiskParts = Readonly<z.infer<typeof diskPartsSchema>>;

export const volumeTableBytesSchema = z.object({
  table: z.string(),
  rows: z.number(),
  bytes: z.number(),
});
export const volumeFileSchema = z.object({
  /** "telemetry-2026-11-21", "catalog". */
  file: z.string(),
  day: z.string().nullable(),
  /** On disk, with its write-ahead log. */
  bytes: z.number(),
  tables: z.array(volumeTableBytesSchema),
  /** Room that rows to come will use. */
  freeBytes: z.number(),
  /** Of neither: what says where tables lie. */
  otherBytes: z.number(),
  /** Part of `bytes` in the write-ahead log or unmeasured: laid on tables by usual row sizes, not by blocks. */
  guessedBytes: z.number(),
});
export type VolumeFile = z.infer<typeof volumeFileSchema>;

export const volumeSignalSchema = z.object({
  signal: z.enum(VOLUME_SIGNALS),
  rows: z.number(),
  bytes: z.number(),
  /** Rows of the window of the same length before it. */
  rowsBefore: z.number(),
});
export const volumeAnswerSchema = z.object({
  start: z.number(),
  end: z.number(),
  files: z.array(volumeFileSchema),
  signals: z.array(volumeSignalSchema),
  /** Tables with rows in memory only: their bytes are by USUAL_ROW_BYTES. */
  notInFiles: z.array(z.string()),
  series: z.object({
    /** With a point in the window. */
    active: z.number(),
    /** Of those, without one in the window before. */
    born: z.number(),
    /** With a point in the window before only. */
    gone: z.number(),
    /** In the dictionary, ever. */
    known: z.number(),
    limit: z.number(),
  }),
  /** Bytes of the window by its length: what a day costs at this rate. */
  bytesPerDay: z.number(),
  /** The whole data folder. */
  disk: diskPartsSchema,
  /** What counts towards maxSizeBytes: day files, catalog, bills, backups and exports. */
  storeBytes: z.number(),
  maxSizeBytes: z.number(),
  query: z.string(),
});
export type VolumeAnswer = z.infer<typeof volumeAnswerSchema>;

export const volumeRowSchema = z.object({
  name: z.string(),
  /** Type of a metric, severity class of a pattern; '' else. */
  sub: z.string(),
  /** Rows of the window: samples, spans, log records. */
  rows: z.number(),
  bytes: z.number(),
  /** Series with a row in the window; null where it does not apply, so below. */
  series: z.number().nullable(),
  born: z.number().nullable(),
  gone: z.number().nullable(),
  /** Distinct values of a label. */
  values: z.number().nullable(),
  /** Series there would be without this label; null also where there are too many to count. */
  left: z.number().nullable(),
  errors: z.number().nullable(),
});
export type VolumeRow = z.infer<typeof volumeRowSchema>;
export const volumeTableSchema = z.object({
  by: z.enum(VOLUME_BY),
  /** Most bytes first; the largest MAX_VOLUME_ROWS. */
  rows: z.array(volumeRowSchema),
  /** Groups there are in all, and their sums. */
  groups: z.number(),
  totalRows: z.number(),
  totalBytes: z.number(),
  totalSeries: z.number().nullable(),
  /** Set when not every row was read: counts are those of the part, scaled. */
  estimated: z.object({ read: z.number(), of: z.number() }).nullable(),
  query: z.string(),
});
export type VolumeTable = z.infer<typeof volumeTableSchema>;
export const MAX_VOLUME_ROWS = 200;
/** Bytes a row usually takes on disk (docs/benchmarks.md): for rows that are in no block yet. */
export const USUAL_ROW_BYTES: Readonly<Record<string, number>> = {
  spans: 60,
  logs: 50,
  samples: 5,
  histograms: 40,
  exemplars: 40,
  profiles: 150,
  profile_samples: 30,
  series: 40,
  stacks: 1_500,
};
