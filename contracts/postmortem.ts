import { z } from 'zod';

/**
 * A postmortem: blocks of text, tables, prompts and frozen charts, in which every measured number is a figure bound to
 * the statement that gives it again. The tree is what the editor holds (ProseMirror's JSON) and what the exporters
 * read: telemetry in it is text in a node, never markup, whatever it contains.
 *
 * GET  /console/postmortems                          -> {postmortems: postmortemSummary[]}
 * POST /console/postmortems/:incident/draft {locale} -> postmortem (409 conflict when there is one)
 * GET  /console/postmortems/:incident[?revision]     -> postmortem
 * GET  /console/postmortems/:incident/revisions      -> {revisions: revision[]}
 * POST /console/postmortems/:incident/revisions {baseRevision, document} -> revision (409 conflict: somebody saved since)
 * POST /console/postmortems/:incident/verify {document?} -> verification of that document, else of the last revision
 * GET  /console/postmortems/:incident/export?format  -> file; header X-Unverified: figures that are not equal
 * POST /console/postmortems/figures {sql, column?}   -> figureReading
 */
export const POSTMORTEM_LIMITS = {
  /** UTF-8 bytes of the document as JSON. */
  documentBytes: 768 * 1024,
  figures: 200,
  charts: 12,
  chartPoints: 2_000,
  nodes: 20_000,
  depth: 16,
  /** Revisions kept; beyond them the oldest but the first draft go. */
  revisions: 200,
  /** One figure's statement, and all of one verification, milliseconds. */
  figureMs: 10_000,
  verifyMs: 120_000,
} as const;

const text = (max: number) => z.string().max(max);
const figureValue = z.union([z.number(), text(1_000), z.null()]);
export type FigureValue = z.infer<typeof figureValue>;

/** A number bound to the statement that gives it. The same id in two places is the same figure. */
export const figureSchema = z.strictObject({
  id: z.string().regex(/^[a-zA-Z0-9-]{1,40}$/),
  label: text(500),
  /** One SELECT over the documented views; the first row counts. */
  sql: z.string().min(1).max(30_000),
  column: text(200),
  value: figureValue,
  /** UCUM; '1' is a ratio, shown as percent. */
  unit: text(40),
  /** Equal within max(absolute, relative * |value|). Default: as floating-point sums may differ by their order. */
  relativeTolerance: z.number().min(0).max(1),
  absoluteTolerance: z.number().min(0),
  /** null: it could not be read; `value` is what the incident's evidence said. */
  readAtMs: z.number().nullable(),
  /** Evidence row it came from, '' otherwise. */
  evidence: text(20),
});
export type Figure = z.infer<typeof figureSchema>;
export const DEFAULT_RELATIVE_TOLERANCE = 1e-6;

/** A chart as it was when it was read. The statement gives rows (time, series, value). */
export const chartSchema = z.strictObject({
  id: z.string().regex(/^[a-zA-Z0-9-]{1,40}$/),
  title: text(500),
  sql: z.string().min(1).max(30_000),
  unit: text(40),
  startMs: z.number(),
  endMs: z.number(),
  readAtMs: z.number(),
  markers: z.array(z.strictObject({ atMs: z.number(), label: text(200) })).max(20),
  /** points: [Unix milliseconds, value] in time order; null is a gap. */
  series: z.array(z.strictObject({ name: text(300), points: z.array(z.tuple([z.number(), z.number().nullable()])) })).max(8),
});
export type Chart = z.infer<typeof chartSchema>;

/** Addresses a link may have: the web, mail, or a screen of this console. */
export function isSafeHref(href: string): boolean {
  if ([...href].some((c) => c <= ' ' || c === '\u007f' || c === '\\')) return false;
  return /^https?:\/\/[^/]/i.test(href) || /^mailto:[^/]/i.test(href) || /^\/(?!\/)/.test(href);
}
const markSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['strong', 'em', 'code']) }),
  z.strictObject({
    type: z.literal('link'),
    attrs: z.strictObject({ href: z.string().max(4_000).refine(isSafeHref, 'a link goes to http, https, mailto or a screen (/...)') }),
  }),
]);
const textNode = z.strictObject({
  type: z.literal('text'),
  text: z.string().min(1).max(50_000),
  marks: z.array(markSchema).max(4).optional(),
});
const inlineSchema = z.discriminatedUnion('type', [
  textNode,
  z.strictObject({ type: z.literal('hard_break'), marks: z.array(markSchema).max(4).optional() }),
  z.strictObject({ type: z.literal('figure'), attrs: figureSchema, marks: z.array(markSchema).max(4).optional() }),
]);
export type Mark = z.infer<typeof markSchema>;
export type TextNode = z.infer<typeof textNode>;
export type Inline = z.infer<typeof inlineSchema>;
const inlines = z.array(inlineSchema).optional();

/** `prompt`: what the author is asked while the paragraph is empty. */
const paragraphSchema = z.strictObject({ type: z.literal('paragraph'), attrs: z.strictObject({ prompt: text(500) }), content: inlines });
const headingSchema = z.strictObject({
  type: z.literal('heading'),
  attrs: z.strictObject({ level: z.number().int().min(1).max(4) }),
  content: inlines,
});
const cellSchema = z.strictObject({
  type: z.enum(['table_cell', 'table_header']),
  attrs: z.strictObject({
    colspan: z.number().int().min(1).max(20),
    rowspan: z.number().int().min(1).max(200),
    colwidth: z.null(),
  }),
  content: z.array(paragraphSchema).min(1).max(50),
});
const tableSchema = z.strictObject({
  type: z.literal('table'),
  content: z
    .array(z.strictObject({ type: z.literal('table_row'), content: z.array(cellSchema).max(20).optional() }))
    .min(1)
    .max(1_000),
});
export type Cell = z.infer<typeof cellSchema>;
export type Table = z.infer<typeof tableSchema>;
export interface ListItem {
  type: 'list_item';
  content: Block[];
}
export type Block =
  | z.infer<typeof paragraphSchema>
  | z.infer<typeof headingSchema>
  | Table
  | { type: 'bullet_list'; content: ListItem[] }
  | { type: 'ordered_list'; attrs: { order: number }; content: ListItem[] }
  | { type: 'blockquote'; content: Block[] }
  | { type: 'code_block'; content?: TextNode[] | undefined }
  | { type: 'horizontal_rule' }
  | { type: 'chart'; attrs: Chart };
const blocks = z.lazy(() => z.array(blockSchema).min(1).max(5_000));
const itemSchema: z.ZodType<ListItem> = z.lazy(() => z.strictObject({ type: z.literal('list_item'), content: blocks }));
const items = z.lazy(() => z.array(itemSchema).min(1).max(1_000));
const blockSchema: z.ZodType<Block> = z.lazy(() =>
  z.discriminatedUnion('type', [
    paragraphSchema,
    headingSchema,
    tableSchema,
    z.strictObject({ type: z.literal('bullet_list'), content: items }),
    z.strictObject({
      type: z.literal('ordered_list'),
      attrs: z.strictObject({ order: z.number().int().min(0).max(10_000) }),
      content: items,
    }),
    z.strictObject({ type: z.literal('blockquote'), content: blocks }),
    z.strictObject({ type: z.literal('code_block'), content: z.array(textNode).optional() }),
    z.strictObject({ type: z.literal('horizontal_rule') }),
    z.strictObject({ type: z.literal('chart'), attrs: chartSchema }),
  ]),
);

export const POSTMORTEM_STATUSES = ['draft', 'in_review', 'reviewed', 'closed'] as const;
export type PostmortemStatus = (typeof POSTMORTEM_STATUSES)[number];
export const documentSchema = z
  .strictObject({
    version: z.literal(1),
    incidentId: z.string().min(1).max(200),
    locale: z.enum(['en', 'zh']),
    title: z.string().trim().min(1).max(300),
    status: z.enum(POSTMORTEM_STATUSES),
    authors: text(500),
    content: blocks,
  })
  .describe('Postmortem document, version 1');
export type PostmortemDocument = z.infer<typeof documentSchema>;

export const revisionSchema = z.object({
  incidentId: z.string(),
  /** 1 is the draft; each save adds one. */
  revision: z.number().int(),
  savedMs: z.number(),
  /** Which window saved it, so that a person is told of his own other window. '' for the draft. */
  editor: z.string(),
  bytes: z.number(),
});
export type Revision = z.infer<typeof revisionSchema>;
export const postmortemSchema = revisionSchema.extend({ document: documentSchema });
export type Postmortem = z.infer<typeof postmortemSchema>;
export const postmortemSummarySchema = revisionSchema.extend({
  title: z.string(),
  status: z.enum(POSTMORTEM_STATUSES),
  authors: z.string(),
});
export type PostmortemSummary = z.infer<typeof postmortemSummarySchema>;

/** Why a figure cannot be checked. */
export const UNVERIFIED_REASONS = ['pruned', 'corrupt', 'no_value', 'never_read', 'refused', 'failed', 'timeout'] as const;
export type UnverifiedReason = (typeof UNVERIFIED_REASONS)[number];
export const checkSchema = z.object({
  id: z.string(),
  what: z.enum(['figure', 'chart']),
  label: z.string(),
  sql: z.string(),
  column: z.string(),
  unit: z.string(),
  before: figureValue,
  beforeAtMs: z.number().nullable(),
  now: figureValue,
  verdict: z.enum(['equal', 'changed', 'unverified']),
  /** '' unless unverified. */
  reason: z.enum([...UNVERIFIED_REASONS, '']),
  /** One English sentence; '' when equal. */
  says: z.string(),
});
export type Check = z.infer<typeof checkSchema>;
export const verificationSchema = z.object({
  atMs: z.number(),
  /** Layout of the data folder the statements ran on. */
  schemaVersion: z.number(),
  /** SHA-256 of the document's canonical JSON (keys sorted), lower-case hex. */
  documentSha256: z.string(),
  counts: z.object({ equal: z.number(), changed: z.number(), unverified: z.number() }),
  checks: z.array(checkSchema),
  /** Numbers typed by hand: nothing vouches for them. In order, at most 200. */
  unbound: z.array(z.string()),
});
export type Verification = z.infer<typeof verificationSchema>;

export const figureReadingSchema = z.object({
  /** Columns of the answer one can choose from. */
  columns: z.array(z.string()),
  column: z.string(),
  value: figureValue,
  readAtMs: z.number(),
});
export type FigureReading = z.infer<typeof figureReadingSchema>;

/** What `faultline postmortem --format json` gives; documented in docs/postmortem-format.md. */
export const postmortemFileSchema = z.object({
  format: z.literal('faultline.postmortem'),
  version: z.literal(1),
  generator: z.string(),
  exportedAtMs: z.number(),
  incident: z.looseObject({ id: z.string(), title: z.string() }).describe('contracts/judgement.ts Incident'),
  revision: z.number().int(),
  document: documentSchema,
  verification: verificationSchema,
});
export type PostmortemFile = z.infer<typeof postmortemFileSchema>;
