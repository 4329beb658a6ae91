import { describe, expect, it } from 'vitest';
import { HOSTILE, postmortemFile } from '../../tests/fixtures/postmortem-file.ts';
import { htmlPostmortem } from './postmortem.ts';

/** Tags of the file and their attributes, as an HTML tokenizer sees them once text is escaped. */
function tagsOf(html: string): Map<string, Set<string>> {
  const tags = new Map<string, Set<string>>();
  for (const [, name = '', rest = ''] of html
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .matchAll(/<([a-zA-Z!][\w!]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/g)) {
    const attributes = tags.get(name) ?? new Set<string>();
    for (const [, attribute = ''] of rest.matchAll(/([\w:-]+)="[^"]*"/g)) attributes.add(attribute);
    tags.set(name, attributes);
  }
  return tags;
}
const plain = tagsOf(htmlPostmortem(postmortemFile('calm')));

describe('hostile telemetry in the HTML file', () => {
  it.each(HOSTILE)('%j makes no tag and no attribute that a calm text does not make', (hostile) => {
    const html = htmlPostmortem(postmortemFile(hostile));
    expect([...tagsOf(html)].map(([name, attributes]) => [name, [...attributes].sort()]).sort()).toEqual(
      [...plain].map(([name, attributes]) => [name, [...attributes].sort()]).sort(),
    );
    expect(html.match(/<[a-z]/gi)?.length).toBe(htmlPostmortem(postmortemFile('calm')).match(/<[a-z]/gi)?.length);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
    expect(html).not.toMatch(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(html.isWellFormed()).toBe(true);
  });
  it('every address is inside the file, of the console or one the author wrote', () => {
    const html = htmlPostmortem(postmortemFile('https://evil.example'), { consoleUrl: 'http://127.0.0.1:4400' });
    const targets = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, target]) => target);
    expect(new Set(targets)).toEqual(new Set(['#n1', '#n2', '#c1', 'https://example.org/a_(b)?c=&lt;d&gt;']));
  });
  it('a document that slipped by the schema still makes no script link', () => {
    const link = { type: 'text', text: 'x', marks: [{ type: 'link', attrs: { href: 'javascript:alert(1)' } }] } as const;
    const file = postmortemFile('calm', [{ type: 'paragraph', attrs: { prompt: '' }, content: [structuredClone(link) as never] }]);
    expect(htmlPostmortem(file)).not.toContain('javascript:');
  });
});
it('a link to a screen leads to the console, or is plain text without one', () => {
  const mark = { type: 'link' as const, attrs: { href: '/explore/logs?from=1' } };
  const file = postmortemFile('calm', [
    { type: 'paragraph', attrs: { prompt: '' }, content: [{ type: 'text', text: 'logs', marks: [mark] }] },
  ]);
  expect(htmlPostmortem(file, { consoleUrl: 'http://127.0.0.1:4400' })).toContain('href="http://127.0.0.1:4400/explore/logs?from=1"');
  expect(htmlPostmortem(file)).toContain('<p>logs</p>');
});
it('shows what a number was, what it is now, and why another cannot be checked', () => {
  const html = htmlPostmortem(postmortemFile('calm'));
  expect(html).toContain('<span class="fig changed"><a href="#n1"');
  expect(html).toContain('31 %</a><sup>⚠</sup> <span class="now">(now 12 %)</span>');
  expect(html).toContain('NOT CHECKED: its data was removed since');
  expect(html).toContain('0 equal, 1 changed, 2 could not be checked.');
  expect(htmlPostmortem(postmortemFile('calm', [], 'zh'))).toContain('无法核对: 数据此后已被清除');
});
it('a gap in a chart stays a gap', () => {
  const [path = ''] = /<path class="line s1" d="[^"]*"/.exec(htmlPostmortem(postmortemFile('calm'))) ?? [];
  expect(path.match(/M/g)?.length).toBe(2);
});
