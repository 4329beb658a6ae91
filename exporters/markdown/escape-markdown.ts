import { cleanText } from '../postmortem/clean-text.ts';

/**
 * Any text as Markdown that reads as that text in CommonMark and GFM: no emphasis, link, autolink, image, table cell,
 * HTML, math, footnote or mention comes of it. Entities, not backslashes, for & < >: they also hold in what pastes it into HTML.
 */
export function escapeMarkdown(text: string): string {
  return cleanText(text)
    .replace(/[\\`*_[\]|~$^]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/\b(www|ftp)\./gi, '$1\\.')
    .replace(/@/g, '\\@')
    .replace(/(mailto|xmpp):/gi, '$1\\:')
    .replace(/#(?=\w)/g, '\\#');
}
/** The same at the start of a block, where some characters begin a heading, a list, a rule or code. */
export const escapeBlockStart = (markdown: string): string =>
  markdown
    .replace(/^\s+/, '')
    .replace(/^([#+=:-])/, '\\$1')
    .replace(/^(\d{1,9})([.)])/, '$1\\$2');

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
/** Bars in code spans are the only ones escapeMarkdown leaves; in a table they would part cells, outside of one a backslash would show. */
export const escapeCell = (markdown: string): string => markdown.replace(/(?<!\\)\|/g, '\\|');
/** A code span; its fence is longer than any run of backticks inside. */
export function codeSpan(text: string): string {
  const clean = cleanText(text);
  const fence = '`'.repeat(longestRun(clean) + 1);
  const pad = clean.startsWith('`') || clean.endsWith('`') || clean.trim() === '' ? ' ' : '';
  return `${fence}${pad}${clean}${pad}${fence}`;
}
export function codeBlock(text: string, language = ''): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}
/** An address between <>: nothing in it ends the link. */
export const linkTarget = (href: string): string => `<${encodeURI(decode(href)).replace(/[<>\s|\\]/g, encodeURIComponent)}>`;
function decode(href: string): string {
  try {
    return decodeURI(href);
  } catch {
    return href;
  }
}
