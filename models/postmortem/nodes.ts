import type { Block, Cell, Chart, Inline, ListItem, Mark, Table } from '#contracts/postmortem.ts';
import type { Piece } from './words.ts';

/** Nodes of a document. A text node holds what it is given, whatever it looks like: there is no markup to escape. */
const textOf = (text: string, marks?: Mark[]): Inline[] => (text === '' ? [] : [{ type: 'text', text, ...(marks ? { marks } : {}) }]);
export const inline = (pieces: readonly Piece[]): Inline[] => {
  const nodes: Inline[] = [];
  for (const piece of pieces) {
    const last = nodes.at(-1);
    if (typeof piece !== 'string') nodes.push({ type: 'figure', attrs: piece });
    else if (last?.type === 'text' && !last.marks) last.text += piece;
    else nodes.push(...textOf(piece));
  }
  return nodes;
};
export const strong = (text: string): Inline[] => textOf(text, [{ type: 'strong' }]);
export const link = (text: string, href: string): Inline[] => textOf(text, [{ type: 'link', attrs: { href } }]);
export const paragraphOf = (content: Inline[], prompt = ''): Block & { type: 'paragraph' } => ({
  type: 'paragraph',
  attrs: { prompt },
  ...(content.length > 0 ? { content } : {}),
});
export const paragraph = (...pieces: readonly Piece[]): Block => paragraphOf(inline(pieces));
export const prompt = (question: string): Block => paragraphOf([], question);
export const heading = (level: number, text: string): Block => ({ type: 'heading', attrs: { level }, content: textOf(text) });
export const chart = (attrs: Chart): Block => ({ type: 'chart', attrs });
export const codeBlock = (text: string): Block => ({ type: 'code_block', content: [{ type: 'text', text }] });
const item = (block: Block): ListItem => ({ type: 'list_item', content: [block] });
export const bullets = (blocks: readonly Block[]): Block[] =>
  blocks.length === 0 ? [] : [{ type: 'bullet_list', content: blocks.map(item) }];
const cell = (type: Cell['type'], content: Inline[], question = ''): Cell => ({
  type,
  attrs: { colspan: 1, rowspan: 1, colwidth: null },
  content: [paragraphOf(content, question)],
});
/** @param rows cells of inline nodes, or a prompt as text */
export const table = (columns: readonly string[], rows: readonly (readonly (Inline[] | string)[])[]): Table => ({
  type: 'table',
  content: [
    { type: 'table_row', content: columns.map((name) => cell('table_header', textOf(name))) },
    ...rows.map((row) => ({
      type: 'table_row' as const,
      content: row.map((one) => (typeof one === 'string' ? cell('table_cell', [], one) : cell('table_cell', one))),
    })),
  ],
});
