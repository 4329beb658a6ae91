import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { labelsOf } from '#query/promql/labels.ts';
import { EvaluationError } from '#query/promql/value.ts';
import { Expander } from '#query/rules/expand-templates.ts';
import { TEMPLATE_HEAD } from '#query/rules/read-rules.ts';
import { TemplateError } from '#query/rules/template-ast.ts';
import { TEMPLATE_FUNCTIONS } from '#query/rules/template-functions.ts';
import { parseTemplate } from '#query/rules/template-parser.ts';
import { askTemplates, hasPromtool, type TemplateResult } from './promtool.ts';
import { TEMPLATES } from './template-corpus.ts';

/** What Prometheus 2.42 made of the corpus (written by askTemplates); where promtool is installed it is asked again. */
const stored = JSON.parse(readFileSync(join(import.meta.dirname, 'templates.json'), 'utf8')) as TemplateResult[];
/** Ours differs, and why. */
const KNOWN: Readonly<Record<string, string>> = {
  '{{ .Foo }}': "Prometheus 3's type of .Value is interface {}, that of 2.42 float64",
  '{{ (query "m" | first).Nope }}': 'Go names the place it was at before; ours names the field',
};
const sample = (instance: string, job: string, value: number) => ({
  labels: labelsOf([
    ['__name__', 'm'],
    ['instance', instance],
    ['job', job],
  ]),
  value,
});
const M = [sample('c', 'web', 0.25), sample('a:9100', 'api', 3), sample('b:9100', 'api', 1234.5)];
async function query(text: string) {
  if (text === 'm ==') throw new EvaluationError('1:5: parse error: unexpected end of input');
  const single = { 'count(m)': 3, 'sum(m)': 1237.75 }[text];
  if (single !== undefined) return [{ labels: labelsOf([]), value: single }];
  return text === 'm' ? M : text === 'm > 1000' ? M.slice(2) : [];
}
/** As an alerting rule has it. */
async function expand(text: string): Promise<TemplateResult> {
  if (!text.includes('{{')) return { text, gives: text };
  try {
    const templates = new Map([[text, parseTemplate('__alert_T', TEMPLATE_HEAD + text, TEMPLATE_FUNCTIONS)]]);
    const expander = new Expander({ externalLabels: new Map(), externalUrl: '', atMs: 0, query });
    return { text, gives: (await expander.expand(new Map([['v', text]]), templates, M[2] as (typeof M)[0])).get('v') as string };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return { text, refused: error.message };
  }
}
describe("templates give what Prometheus' give", () => {
  it('the table is of this corpus', () => expect(stored.map(({ text }) => text)).toEqual(TEMPLATES));
  it.each(stored.filter(({ text }) => !KNOWN[text]))('$text', async (wanted) => expect(await expand(wanted.text)).toEqual(wanted));
  it.each(Object.keys(KNOWN))('a known difference is still one: %s', async (text) =>
    expect(await expand(text)).not.toEqual(stored.find((each) => each.text === text)),
  );
});
describe('templates end', () => {
  it.each([
    [
      'a text that grows',
      '{{ range query "m" }}{{ range query "m" }}{{ printf "%09000d" 1 }}{{ end }}{{ end }}'.repeat(20),
      'longer than 1000000',
    ],
    ['one that calls itself', '{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}', 'exceeded maximum template depth'],
    [
      'queries without end',
      `{{ define "q" }}{{ query . }}{{ end }}${Array.from({ length: 101 }, (_, i) => `{{ query "m${i}" }}`).join('')}`,
      'more than 100 queries',
    ],
  ])('%s', async (_, text, says) => expect((await expand(text)).gives).toContain(says));
  it('nesting', async () => expect((await expand(`${'{{ if true }}'.repeat(200)}`)).refused).toContain('nested more than 100 deep'));
  it('brackets', async () => expect((await expand(`{{ ${'('.repeat(5000)} }}`)).refused).toContain('nested more than 100 deep'));
});
describe.skipIf(!hasPromtool)('promtool says the same today (skipped without promtool)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-templates-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  it('of the whole corpus', () => expect(askTemplates(TEMPLATES, folder)).toEqual(stored));
});
