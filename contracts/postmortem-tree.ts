import { FaultlineError } from './errors.ts';
import {
  type Block,
  type Chart,
  documentSchema,
  type Figure,
  type Inline,
  POSTMORTEM_LIMITS,
  type PostmortemDocument,
} from './postmortem.ts';

/** Walks that every reader of a postmortem needs. Pure. */
export interface Bound {
  /** Each id once, in order of appearance. */
  readonly figures: readonly Figure[];
  readonly charts: readonly Chart[];
}
function inlinesOf(block: Block): readonly (readonly Inline[])[] {
  if (block.type === 'paragraph' || block.type === 'heading') return [block.content ?? []];
  if (block.type === 'table')
    return block.content.flatMap((row) => (row.content ?? []).flatMap((cell) => cell.content.map((p) => p.content ?? [])));
  return [];
}
/** Every block, also those in lists and quotes, in order. */
export function* allBlocks(content: readonly Block[]): Generator<Block> {
  for (const block of content) {
    yield block;
    if (block.type === 'blockquote') yield* allBlocks(block.content);
    if (block.type === 'bullet_list' || block.type === 'ordered_list') for (const item of block.content) yield* allBlocks(item.content);
  }
}
/** @throws FaultlineError bad_request: one id with two meanings, or more figures than the limit */
export function boundOf(document: Pick<PostmortemDocument, 'content'>): Bound {
  const figures = new Map<string, Figure>();
  const charts = new Map<string, Chart>();
  for (const block of allBlocks(document.content)) {
    if (block.type === 'chart') charts.set(block.attrs.id, block.attrs);
    for (const node of inlinesOf(block).flat()) {
      if (node.type !== 'figure') continue;
      const known = figures.get(node.attrs.id);
      if (known && (known.sql !== node.attrs.sql || known.column !== node.attrs.column || known.value !== node.attrs.value))
        throw new FaultlineError('bad_request', `Figure "${node.attrs.id}" stands for two different numbers.`);
      figures.set(node.attrs.id, node.attrs);
    }
  }
  const { figures: most, charts: mostCharts, chartPoints } = POSTMORTEM_LIMITS;
  if (figures.size > most) throw new FaultlineError('bad_request', `The document has ${figures.size} figures; the limit is ${most}.`);
  if (charts.size > mostCharts)
    throw new FaultlineError('bad_request', `The document has ${charts.size} charts; the limit is ${mostCharts}.`);
  for (const { id, series } of charts.values())
    if (series.reduce((sum, { points }) => sum + points.length, 0) > chartPoints)
      throw new FaultlineError('bad_request', `Chart "${id}" has more than ${chartPoints} points.`);
  return { figures: [...figures.values()], charts: [...charts.values()] };
}

/** Nodes and depth of untrusted JSON, without recursion: a deep tree must not exhaust the stack of what reads it. */
function checkShape(value: unknown): void {
  let nodes = 0;
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.value === null || typeof next.value !== 'object') continue;
    const isNode = 'type' in next.value;
    if (isNode && ++nodes > POSTMORTEM_LIMITS.nodes)
      throw new FaultlineError('bad_request', `The document has more than ${POSTMORTEM_LIMITS.nodes} nodes.`);
    // A node and its list of content are two levels of JSON; attributes and marks end soon.
    if (next.depth > 2 * POSTMORTEM_LIMITS.depth + 8)
      throw new FaultlineError('bad_request', `The document is nested deeper than ${POSTMORTEM_LIMITS.depth} levels.`);
    for (const child of Object.values(next.value)) open.push({ value: child, depth: next.depth + 1 });
  }
}
/** Reads a document from untrusted JSON. @throws FaultlineError bad_request naming the place at fault */
export function readDocument(json: unknown): PostmortemDocument {
  checkShape(json);
  const parsed = documentSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new FaultlineError('bad_request', `Document, at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'not understood'}.`);
  }
  boundOf(parsed.data);
  return parsed.data;
}

/** JSON with sorted keys: the same document always has the same text, whoever wrote it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${canonicalJson(v)}`).join(',')}}`;
}

/** Numbers in text that no figure vouches for. Clock times, dates, versions, ids and E-numbers are names, not measurements. */
const NUMBER =
  /(?<![\w.:/@#-])[-+]?\d+(?:[,'\u202f]\d{3})*(?:\.\d+)?(?:\s?(?:%|‰|[kMGT]i?B|ms|s|min|h|d|µs|ns|\/s|×|x)(?!\w))?(?![\w:/@-]|\.\d)/gu;
const UNBOUND_LIMIT = 200;
export function unboundNumbers(document: Pick<PostmortemDocument, 'content'>): string[] {
  const found: string[] = [];
  for (const block of allBlocks(document.content)) {
    if (block.type === 'heading') continue;
    for (const inlines of inlinesOf(block))
      for (const node of inlines) {
        if (node.type !== 'text' || node.marks?.some(({ type }) => type === 'code' || type === 'link')) continue;
        for (const [number] of node.text.matchAll(NUMBER)) if (found.length < UNBOUND_LIMIT) found.push(number.trim());
      }
  }
  return found;
}
/** Empty paragraphs that still ask something. */
export function openPrompts(document: Pick<PostmortemDocument, 'content'>): string[] {
  const open: string[] = [];
  const look = (attrs: { readonly prompt: string }, content: readonly Inline[] | undefined): void => {
    if (attrs.prompt !== '' && (content ?? []).length === 0) open.push(attrs.prompt);
  };
  for (const block of allBlocks(document.content)) {
    if (block.type === 'paragraph') look(block.attrs, block.content);
    if (block.type === 'table')
      for (const row of block.content) for (const cell of row.content ?? []) for (const p of cell.content) look(p.attrs, p.content);
  }
  return open;
}
