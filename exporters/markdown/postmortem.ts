import { figureText } from '#contracts/figure-text.ts';
import {
  type Block,
  type Check,
  type Figure,
  type Inline,
  isSafeHref,
  type ListItem,
  type PostmortemFile,
  type Table,
} from '#contracts/postmortem.ts';
import { openPrompts } from '#contracts/postmortem-tree.ts';
import { cleanLines } from '../postmortem/clean-text.ts';
import { type ExportWords, exportWords, instant, MARKS, statementsOf, verdictText } from '../postmortem/words.ts';
import { codeBlock, codeSpan, escapeBlockStart, escapeCell, escapeMarkdown, linkTarget } from './escape-markdown.ts';

export interface ExportOptions {
  /** Address of the console that links to its screens lead to; without one they are plain text. */
  readonly consoleUrl?: string;
}
interface Scope extends ExportOptions {
  readonly words: ExportWords;
  readonly checks: ReadonlyMap<string, Check>;
}

function figureMarkdown(figure: Figure, { checks, words }: Scope): string {
  const check = checks.get(figure.id);
  const says = escapeMarkdown(figureText(figure.value, figure.unit));
  if (!check) return says;
  const now = check.verdict === 'changed' ? `: ${words.nowIs} ${escapeMarkdown(figureText(check.now, figure.unit))}` : '';
  return `${says} [${MARKS[check.verdict]}${figure.id}${now}](#${figure.id.toLowerCase()})`;
}
function inlineMarkdown(nodes: readonly Inline[] | undefined, scope: Scope): string {
  let out = '';
  for (const node of nodes ?? []) {
    if (node.type === 'hard_break') out += '<br>';
    else if (node.type === 'figure') out += figureMarkdown(node.attrs, scope);
    else out += textMarkdown(node, scope);
  }
  return out;
}
function textMarkdown(node: Inline & { type: 'text' }, { consoleUrl }: Scope): string {
  const marks = node.marks ?? [];
  const has = (type: string): boolean => marks.some((mark) => mark.type === type);
  if (has('code')) return codeSpan(node.text);
  // Emphasis does not open before a space nor close after one.
  const [, before = '', core = '', after = ''] = /^(\s*)([\s\S]*?)(\s*)$/.exec(node.text) ?? [];
  if (core === '') return escapeMarkdown(node.text);
  let text = escapeMarkdown(core);
  if (has('em')) text = `*${text}*`;
  if (has('strong')) text = `**${text}**`;
  const link = marks.find((mark) => mark.type === 'link');
  if (link?.type === 'link' && isSafeHref(link.attrs.href)) {
    const { href } = link.attrs;
    const target = href.startsWith('/') ? consoleUrl && consoleUrl + href : href;
    if (target) text = `[${text}](${linkTarget(target)})`;
  }
  return escapeMarkdown(before) + text + escapeMarkdown(after);
}
const indent = (text: string, by: string): string => text.replace(/\n(?!\n|$)/g, `\n${by}`);

function listMarkdown(items: readonly ListItem[], marker: (index: number) => string, scope: Scope): string {
  return items.map((item, i) => `${marker(i)} ${indent(blocksMarkdown(item.content, scope), ' '.repeat(marker(i).length + 1))}`).join('\n');
}
function tableMarkdown(table: Table, scope: Scope): string {
  const rows = table.content.map((row) =>
    (row.content ?? []).map((cell) =>
      cell.content
        .map((p) => escapeCell(inlineMarkdown(p.content, scope)) || (p.attrs.prompt && `*${escapeMarkdown(p.attrs.prompt)}*`))
        .join('<br>'),
    ),
  );
  const width = Math.max(1, ...rows.map((row) => row.length));
  const line = (cells: readonly string[]): string => `| ${Array.from({ length: width }, (_, i) => cells[i] ?? '').join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(Array.from({ length: width }, () => '---')), ...body.map(line)].join('\n');
}
function blockMarkdown(block: Block, scope: Scope): string {
  switch (block.type) {
    case 'paragraph': {
      const text = inlineMarkdown(block.content, scope);
      if (text !== '') return escapeBlockStart(text);
      return block.attrs.prompt === '' ? '' : `*${escapeMarkdown(block.attrs.prompt)} (${scope.words.unanswered})*`;
    }
    case 'heading':
      return `${'#'.repeat(block.attrs.level)} ${inlineMarkdown(block.content, scope) || '…'}`;
    case 'table':
      return tableMarkdown(block, scope);
    case 'bullet_list':
      return listMarkdown(block.content, () => '-', scope);
    case 'ordered_list':
      return listMarkdown(block.content, (i) => `${block.attrs.order + i}.`, scope);
    case 'blockquote':
      return `> ${blocksMarkdown(block.content, scope).replaceAll('\n', '\n> ')}`;
    case 'code_block':
      return codeBlock(cleanLines((block.content ?? []).map(({ text }) => text).join('')));
    case 'horizontal_rule':
      return '---';
    case 'chart': {
      const { id, title, series } = block.attrs;
      const check = scope.checks.get(id);
      const mark = check ? ` [${MARKS[check.verdict]}${id}](#${id.toLowerCase()})` : '';
      const ranges = series.map(({ name, points }) => {
        const values = points.flatMap(([, value]) => (value === null ? [] : [value]));
        const range =
          values.length === 0
            ? ''
            : `: ${figureText(Math.min(...values), block.attrs.unit)} … ${figureText(Math.max(...values), block.attrs.unit)}`;
        return escapeMarkdown(`${name}${range}`);
      });
      return `*${escapeMarkdown(`${scope.words.chart}: ${title}`)}* – ${ranges.join('; ')}${mark}`;
    }
  }
}
const blocksMarkdown = (blocks: readonly Block[], scope: Scope): string =>
  blocks
    .map((block) => blockMarkdown(block, scope))
    .filter((text) => text !== '')
    .join('\n\n');

function appendixMarkdown({ verification, document }: PostmortemFile, words: ExportWords): string {
  const { checks, counts, unbound } = verification;
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const value = (v: Check['now'], check: Check): string => escapeMarkdown(figureText(v, check.what === 'chart' ? '' : check.unit));
  const open = openPrompts(document).length;
  return [
    `## ${words.appendix}`,
    `${words.appendixSays(instant(verification.atMs), verification.schemaVersion)} **${words.counts(counts.equal, counts.changed, counts.unverified)}**`,
    escapeMarkdown(unbound.length > 0 ? words.unbound(unbound) : words.allBound),
    ...(open > 0 ? [words.openQuestions(open)] : []),
    `${words.hash}: \`${verification.documentSha256}\` (${words.hashSays})`,
    [
      row(words.columns),
      row(words.columns.map(() => '---')),
      ...checks.map((check) =>
        row([
          check.id,
          escapeMarkdown(check.what === 'chart' ? `${words.chart}: ${check.label}` : check.label),
          value(check.before, check),
          check.beforeAtMs === null ? words.neverRead : instant(check.beforeAtMs),
          value(check.now, check),
          `${MARKS[check.verdict]} ${verdictText(check, words)}`,
        ]),
      ),
    ].join('\n'),
    `### ${words.statements}`,
    ...statementsOf(checks).flatMap(({ sql, ids }) => [
      ids.map((id) => `<a id="${id.toLowerCase()}"></a>**${id}**`).join(', '),
      codeBlock(cleanLines(sql), 'sql'),
    ]),
  ].join('\n\n');
}

/** The postmortem as GitHub-flavoured Markdown, its verification at the end. */
export function markdownPostmortem(file: PostmortemFile, options: ExportOptions = {}): string {
  const { document, incident, revision, generator } = file;
  const words = exportWords(document.locale);
  const scope: Scope = { ...options, words, checks: new Map(file.verification.checks.map((check) => [check.id, check])) };
  const head = [
    `${words.incident}: ${codeSpan(incident.id)}`,
    `${words.state}: ${words.status[document.status]}`,
    `${words.authors}: ${document.authors === '' ? '–' : escapeMarkdown(document.authors)}`,
    `${words.revision}: ${revision}`,
  ];
  const parts = [
    `# ${escapeMarkdown(document.title)}`,
    head.map((line) => `- ${line}`).join('\n'),
    blocksMarkdown(document.content, scope),
    appendixMarkdown(file, words),
    `${words.madeBy} ${escapeMarkdown(generator)}, ${instant(file.exportedAtMs)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}
