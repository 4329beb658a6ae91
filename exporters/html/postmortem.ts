import { createHash } from 'node:crypto';
import { figureText } from '#contracts/figure-text.ts';
import { type Block, type Check, type Figure, type Inline, isSafeHref, type PostmortemFile, type Table } from '#contracts/postmortem.ts';
import { openPrompts } from '#contracts/postmortem-tree.ts';
import type { ExportOptions } from '../markdown/postmortem.ts';
import { cleanLines } from '../postmortem/clean-text.ts';
import { type ExportWords, exportWords, instant, MARKS, statementsOf, verdictText } from '../postmortem/words.ts';
import { chartLegend, drawChart } from './draw-chart.ts';
import { escapeHtml } from './escape-html.ts';
import { STYLE } from './style.ts';

interface Scope extends ExportOptions {
  readonly words: ExportWords;
  readonly checks: ReadonlyMap<string, Check>;
}
const lines = (text: string): string => cleanLines(text).split('\n').map(escapeHtml).join('\n');

function figureHtml(figure: Figure, { checks, words }: Scope): string {
  const says = escapeHtml(figureText(figure.value, figure.unit));
  const check = checks.get(figure.id);
  if (!check) return `<span class="fig">${says}</span>`;
  const now =
    check.verdict === 'changed' ? ` <span class="now">(${words.nowIs} ${escapeHtml(figureText(check.now, figure.unit))})</span>` : '';
  const title = escapeHtml(`${figure.label} – ${verdictText(check, words)}`);
  return `<span class="fig ${check.verdict}"><a href="#${figure.id}" title="${title}">${says}</a><sup>${MARKS[check.verdict]}</sup>${now}</span>`;
}
function textHtml(node: Inline & { type: 'text' }, { consoleUrl }: Scope): string {
  let html = escapeHtml(node.text);
  for (const mark of node.marks ?? []) {
    if (mark.type === 'link') {
      const { href } = mark.attrs;
      const target = href.startsWith('/') ? consoleUrl && consoleUrl + href : href;
      if (target && isSafeHref(target)) html = `<a href="${escapeHtml(target)}" rel="noopener noreferrer">${html}</a>`;
    } else html = `<${mark.type}>${html}</${mark.type}>`;
  }
  return html;
}
const inlineHtml = (nodes: readonly Inline[] | undefined, scope: Scope): string =>
  (nodes ?? [])
    .map((node) => (node.type === 'hard_break' ? '<br>' : node.type === 'figure' ? figureHtml(node.attrs, scope) : textHtml(node, scope)))
    .join('');
const paragraphHtml = (block: Block & { type: 'paragraph' }, scope: Scope, inTable: boolean): string => {
  if (block.content && block.content.length > 0) return `<p>${inlineHtml(block.content, scope)}</p>`;
  if (block.attrs.prompt === '') return '';
  const note = inTable ? '' : ` (${scope.words.unanswered})`;
  return `<p class="ask">${escapeHtml(block.attrs.prompt)}${note}</p>`;
};
function tableHtml(table: Table, scope: Scope): string {
  const rows = table.content.map((row) => {
    const cells = (row.content ?? []).map((cell) => {
      const name = cell.type === 'table_header' ? 'th' : 'td';
      const { colspan, rowspan } = cell.attrs;
      const spans = `${colspan > 1 ? ` colspan="${colspan}"` : ''}${rowspan > 1 ? ` rowspan="${rowspan}"` : ''}`;
      return `<${name}${spans}>${cell.content.map((p) => paragraphHtml(p, scope, true)).join('')}</${name}>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table>${rows.join('\n')}</table></div>`;
}
function blockHtml(block: Block, scope: Scope): string {
  switch (block.type) {
    case 'paragraph':
      return paragraphHtml(block, scope, false);
    case 'heading':
      return `<h${block.attrs.level}>${inlineHtml(block.content, scope)}</h${block.attrs.level}>`;
    case 'table':
      return tableHtml(block, scope);
    case 'bullet_list':
      return `<ul>${block.content.map((item) => `<li>${blocksHtml(item.content, scope)}</li>`).join('')}</ul>`;
    case 'ordered_list':
      return `<ol start="${block.attrs.order}">${block.content.map((item) => `<li>${blocksHtml(item.content, scope)}</li>`).join('')}</ol>`;
    case 'blockquote':
      return `<blockquote>${blocksHtml(block.content, scope)}</blockquote>`;
    case 'code_block':
      return `<pre>${lines((block.content ?? []).map(({ text }) => text).join(''))}</pre>`;
    case 'horizontal_rule':
      return '<hr>';
    case 'chart': {
      const check = scope.checks.get(block.attrs.id);
      const mark = check
        ? ` <span class="fig ${check.verdict}"><a href="#${block.attrs.id}">${escapeHtml(verdictText(check, scope.words))}</a><sup>${MARKS[check.verdict]}</sup></span>`
        : '';
      return `<figure>${drawChart(block.attrs)}<figcaption>${escapeHtml(block.attrs.title)} (UTC)${mark}${chartLegend(block.attrs)}</figcaption></figure>`;
    }
  }
}
const blocksHtml = (blocks: readonly Block[], scope: Scope): string => blocks.map((block) => blockHtml(block, scope)).join('\n');

function appendixHtml({ verification, document }: PostmortemFile, words: ExportWords): string {
  const { checks, counts, unbound } = verification;
  const value = (v: Check['now'], check: Check): string => escapeHtml(figureText(v, check.what === 'chart' ? '' : check.unit));
  const rows = checks.map(
    (check) =>
      `<tr id="${check.id}"><td>${check.id}</td><td>${escapeHtml(check.what === 'chart' ? `${words.chart}: ${check.label}` : check.label)}</td><td>${value(check.before, check)}</td><td>${
        check.beforeAtMs === null ? words.neverRead : instant(check.beforeAtMs)
      }</td><td>${value(check.now, check)}</td><td class="v-${check.verdict}">${MARKS[check.verdict]} ${escapeHtml(verdictText(check, words))}${
        check.verdict === 'unverified' && check.says !== '' ? `<br>${escapeHtml(check.says)}` : ''
      }</td></tr>`,
  );
  const open = openPrompts(document).length;
  return `<h2>${words.appendix}</h2>
<p>${words.appendixSays(instant(verification.atMs), verification.schemaVersion)} <span class="sum">${words.counts(counts.equal, counts.changed, counts.unverified)}</span></p>
<p>${escapeHtml(unbound.length > 0 ? words.unbound(unbound) : words.allBound)}${open > 0 ? ` ${words.openQuestions(open)}` : ''}</p>
<p class="hash">${words.hash}: <code>${verification.documentSha256}</code> (${escapeHtml(words.hashSays)})</p>
<div class="scroll"><table><tr>${words.columns.map((name) => `<th>${name}</th>`).join('')}</tr>
${rows.join('\n')}</table></div>
<h3>${words.statements}</h3>
${statementsOf(checks)
  .map(({ sql, ids }) => `<h4>${ids.map((id) => `<a href="#${id}">${id}</a>`).join(', ')}</h4>\n<pre>${lines(sql)}</pre>`)
  .join('\n')}`;
}

/** One file that opens from disk and prints: no script, and a policy that lets it load nothing. */
export function htmlPostmortem(file: PostmortemFile, options: ExportOptions = {}): string {
  const { document, incident, revision, generator } = file;
  const words = exportWords(document.locale);
  const scope: Scope = { ...options, words, checks: new Map(file.verification.checks.map((check) => [check.id, check])) };
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const term = (name: string, value: string): string => `<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return `<!doctype html>
<html lang="${document.locale === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(document.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(document.title)}</h1>
<dl>${[
    term(words.incident, `<code>${escapeHtml(incident.id)}</code>`),
    term(words.state, words.status[document.status]),
    term(words.authors, document.authors === '' ? '–' : escapeHtml(document.authors)),
    term(words.revision, String(revision)),
  ].join('')}</dl>
${blocksHtml(document.content, scope)}
${appendixHtml(file, words)}
<footer>${words.madeBy} ${escapeHtml(generator)}, ${instant(file.exportedAtMs)}</footer>
</body>
</html>
`;
}
