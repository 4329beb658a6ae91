import { z } from 'zod';
import { type ImportResult, importResultSchema } from './console-api.ts';
import { ROLES } from './file-formats.ts';

/**
 * Files somebody drops or names: formats, what is sent about them, and how columns are read. The console keeps what was imported by
 * content: POST /console/imports/begin says whether it is here, /progress and /end keep how far it came. A page sends pieces of a file
 * to /console/uploads, then starts, pauses and cancels.
 */
const columnNames = z.array(z.string().max(1_000)).max(1_000);
export const tableMappingSchema = z.object({
  kind: z.enum(['logs', 'metrics', 'spans']),
  roles: z.partialRecord(z.enum(ROLES), columnNames),
});

/** Column of each role; `value` may hold several columns, each a metric of its own name. */
export type TableMapping = z.infer<typeof tableMappingSchema>;

/** Why no format was told. */
export const UNKNOWN_WHYS = ['', 'empty', 'block_part', 'ambiguous', 'other_json', 'none_known', 'compression'] as const;
/** What the first bytes of a file say of it. */
export const recognitionSchema = z.object({
  /** null: several are possible, or none. */
  format: z.string().nullable(),
  /** Likeliest first. */
  candidates: z.array(z.string()),
  compression: z.enum(['none', 'gzip', 'zstd']),
  /** A sentence where there is no format: what it could be, or what it is not. */
  says: z.string(),
  /** The same as a word of a closed list; '' where there is a format. */
  why: z.enum(UNKNOWN_WHYS),
});
export type Recognition = z.infer<typeof recognitionSchema>;

export const tablePreviewSchema = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.enum(['time', 'number', 'boolean', 'text', 'empty']) })),
  rows: z.array(z.array(z.string().nullable())),
  mapping: tableMappingSchema,
  /** Sentences: why the mapping cannot be used as it is. */
  problems: z.array(z.string()),
});
export type TablePreview = z.infer<typeof tablePreviewSchema>;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
export const beginImportSchema = z.object({
  name: z.string().min(1).max(1_000),
  bytes: z.number().int().min(0),
  /** SHA-256 of the content, decompressed. */
  sha256: hash,
  format: z.string().max(40),
  mapping: tableMappingSchema.nullish(),
  /** Import once more what is here already. */
  again: z.boolean().optional(),
});
export type BeginImport = z.infer<typeof beginImportSchema>;
export const importTicketSchema = z.object({
  id: z.string(),
  /** Sender of the batch ids: the same after a crash, so that repeats are left out. */
  sender: z.string(),
  /** Arrival of everything in it, Unix nanoseconds, also after a crash. */
  arrivalUnixNano: z.string(),
  /** Requests acknowledged before a crash: they need not be sent again. */
  doneRequests: z.number(),
  /** When the same content was imported before; nothing is to be sent then. */
  before: z.object({ finishedMs: z.number(), name: z.string(), result: importResultSchema }).nullable(),
});
export type ImportTicket = z.infer<typeof importTicketSchema>;
export const importProgressSchema = z.object({ id: z.string().max(100), doneRequests: z.number().int().min(0) });
export const endImportSchema = z.object({ id: z.string().max(100), result: importResultSchema });

/** A file a page sent, and what becomes of it. */
export const fileJobSchema = z.object({
  id: z.string(),
  name: z.string(),
  bytes: z.number(),
  receivedBytes: z.number(),
  state: z.enum(['receiving', 'ready', 'waiting', 'running', 'paused', 'done', 'failed', 'cancelled']),
  recognition: recognitionSchema.nullable(),
  format: z.string().nullable(),
  readBytes: z.number(),
  items: z.number(),
  refusedCount: z.number(),
  bytesPerSecond: z.number(),
  itemsPerSecond: z.number(),
  error: z.string(),
  result: importResultSchema.nullable(),
});
export type FileJob = z.infer<typeof fileJobSchema>;
export const fileJobsSchema = z.object({ jobs: z.array(fileJobSchema) });
export const startJobSchema = z.object({
  format: z.string().max(40).nullish(),
  mapping: tableMappingSchema.nullish(),
  again: z.boolean().optional(),
});
export type StartJob = z.infer<typeof startJobSchema>;
export type { ImportResult };
/** How far an import is. */
export interface ImportMeter {
  readonly readBytes: number;
  readonly items: number;
  readonly refusedCount: number;
  readonly doneRequests: number;
}
