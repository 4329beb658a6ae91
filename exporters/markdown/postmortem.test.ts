import { describe, expect, it } from 'vitest';
import { HOSTILE, postmortemFile } from '../../tests/fixtures/postmortem-file.ts';
import { codeBlock, codeSpan, escapeMarkdown } from './escape-markdown.ts';
import { markdownPostmortem } from './postmortem.ts';

const withoutCode = (markdown: string): string =>
  markdown.replace(/^(`{3,})[\s\S]*?^\1$/gm, '').replace(/(?<![`\\])(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, '');

describe('hostile telemetry in the Markdown file', () => {
  it.each(HOSTILE)('%j stays text', (hostile) => {
    const markdown = markdownPostmortem(postmortemFile(hostile));
    const live = withoutCode(markdown);
    // No HTML of theirs (ours is <br> and the <...> around an address), no link or image of theirs, no autolink.
    expect(
      live
        .replaceAll('<br>', '')
        .replace(/<a id="[\w-]+"><\/a>/g, '')
        .replace(/\]\(<[^<>\s]*>\)/g, ''),
    ).not.toMatch(/<|(?<!\\)!\[/);
    expect([...live.matchAll(/(?<!\\)\]\(([^)]*)\)?/g)].every(([, target]) => /^(#|<https:\/\/example\.org)/.test(target!))).toBe(true);
    expect(live.replace(/\]\(<[^<>\s]*>\)/g, '')).not.toMatch(/https?:\/\/|www\.evil|\w@evil/);
    // As many tables, headings and rules as a calm text makes.
    const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
    const calm = withoutCode(markdownPostmortem(postmortemFile('calm')));
    for (const pattern of [/^#{1,6} /gm, /^\| --- /gm, /^(?:---|\*\*\*)$/gm, /^\|/gm, /^> /gm, /^\d+[.)] /gm, /^- /gm])
      expect(count(live, pattern), String(pattern)).toBe(count(calm, pattern));
    // Cells are kept apart by us alone.
    const cells = (text: string): number[] =>
      text
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .map((line) => count(line, /(?<!\\)\|/g));
    expect(cells(live)).toEqual(cells(calm));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
    expect(markdown).not.toMatch(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  });
});
it.each([
  ['a_b*c', 'a\\_b\\*c'],
  ['<b> & "c"', '&lt;b&gt; &amp; "c"'],
  ['/v1/items | 12 %', '/v1/items \\| 12 %'],
  ['cart-2 took 1.5 s', 'cart-2 took 1.5 s'],
])('escapeMarkdown(%j)', (text, escaped) => expect(escapeMarkdown(text)).toBe(escaped));
it('a fence is longer than what it holds', () => {
  expect(codeSpan('a`b``c')).toBe('```a`b``c```');
  expect(codeSpan('`')).toBe('`` ` ``');
  expect(codeBlock('x\n````\ny', 'sql')).toBe('`````sql\nx\n````\ny\n`````');
});
it('a bar in code is a bar, and parts no cells', () => {
  const file = postmortemFile('calm');
  const code = { type: 'text', text: 'a|b', marks: [{ type: 'code' }] } as const;
  const paragraph = { type: 'paragraph', attrs: { prompt: '' }, content: [{ type: 'text', text: 'c|d ' }, code] } as const;
  const cell = { type: 'table_cell', attrs: { colspan: 1, rowspan: 1, colwidth: null }, content: [paragraph] } as const;
  const content = [paragraph, { type: 'table', content: [{ type: 'table_row', content: [cell] }] }] as never;
  const markdown = markdownPostmortem({ ...file, document: { ...file.document, content } });
  expect(markdown).toContain('\n\nc\\|d `a|b`\n\n| c\\|d `a\\|b` |\n');
});
it('a figure links to its line of the verification and says when it changed', () => {
  const markdown = markdownPostmortem(postmortemFile('calm'));
  expect(markdown).toContain('31 % [⚠n1: now 12 %](#n1)');
  expect(markdown).toContain('<a id="n1"></a>**n1**, <a id="n2"></a>**n2**, <a id="c1"></a>**c1**\n\n```sql\nSELECT count(*)');
  expect(markdown).toContain('| n1 | calm | 31 % | 2023-11-14T22:13:20Z | 12 % | ⚠ CHANGED |');
});
