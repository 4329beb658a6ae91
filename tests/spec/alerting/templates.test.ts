import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { webhookPayload } from '#main/engine/alerting/notify/webhook-payload.ts';
import { BUILT_IN, NotificationTemplates } from '#query/alerting/templates/templates.ts';
import { TemplateError } from '#query/rules/template-ast.ts';
import { hasAmtool, renderTemplates, type TemplateAnswer } from './amtool.ts';
import { FAILURES, HTMLS, MESSAGE, TEXTS } from './template-corpus.ts';

/** What amtool 0.25 made of the corpus; `FAULTLINE_ASK=1` asks it again and writes the table. */
const FILE = join(import.meta.dirname, 'templates.json');
interface Answers {
  readonly texts: readonly TemplateAnswer[];
  readonly htmls: readonly TemplateAnswer[];
  readonly failures: readonly TemplateAnswer[];
}
const folder = mkdtempSync(join(tmpdir(), 'faultline-templates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
if (hasAmtool && process.env['FAULTLINE_ASK'] === '1') {
  const data = JSON.parse(webhookPayload(MESSAGE, 0)) as object;
  const plain = { ...data, receiver: MESSAGE.receiver };
  const answers: Answers = {
    texts: renderTemplates(TEXTS, 'text', plain, folder),
    htmls: renderTemplates(HTMLS, 'html', plain, folder),
    failures: renderTemplates(FAILURES, 'text', plain, folder),
  };
  writeFileSync(FILE, `${JSON.stringify(answers, null, 1)}\n`);
}
const stored = JSON.parse(readFileSync(FILE, 'utf8')) as Answers;
/** Ours differs, and why. */
const KNOWN: Readonly<Record<string, string>> = {
  '{{ (index .Alerts 0).StartsAt.Nope }}': 'Go names the place it was at before; ours names the field',
  '{{ (index .Alerts 0).StartsAt.Format }}': 'as above',
  '{{ reReplaceAll "(" "" "x" }}': "what is wrong with the pattern is said as Prometheus' templates say it",
};

const rendered = (text: string, how: 'text' | 'html'): TemplateAnswer => {
  try {
    return { gives: BUILT_IN[how](text, MESSAGE, 0) };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return { gives: '', fails: error.message };
  }
};
const pairs = (texts: readonly string[], answers: readonly TemplateAnswer[]) =>
  texts.flatMap((text, i) => (KNOWN[text] === undefined ? [{ text, wanted: answers[i] as TemplateAnswer }] : []));

describe("notification templates give what Alertmanager's give", () => {
  it.each(pairs(TEXTS, stored.texts))('$text', ({ text, wanted }) => expect(rendered(text, 'text')).toEqual(wanted));
  it.each(pairs(HTMLS, stored.htmls))('as HTML: $text', ({ text, wanted }) => expect(rendered(text, 'html')).toEqual(wanted));
  it.each(Object.keys(KNOWN))('a known difference is still one: %s', (text) =>
    expect(rendered(text, 'text')).not.toEqual(stored.failures[FAILURES.indexOf(text)]),
  );
  it.each(pairs(FAILURES, stored.failures))('$text fails in its words', ({ text, wanted }) =>
    expect(rendered(text, 'text')).toEqual(wanted),
  );
});
describe('templates of files', () => {
  const own = new NotificationTemplates([
    {
      name: 'a.tmpl',
      text: '{{ define "__subject" }}{{ template "team" . }}: {{ .Status }}{{ end }}\n{{ define "team" }}{{ .Receiver }}{{ end }}',
    },
    { name: 'b.tmpl', text: '{{ define "broken" }}\n{{ .Nope }}{{ end }}' },
  ]);
  it('go before those that are built in, which use them', () => {
    expect(own.text('{{ template "email.default.subject" . }}', MESSAGE, 0)).toBe('ops/team: firing');
    expect(own.html('{{ template "email.default.html" . }}', MESSAGE, 0)).toContain('<title>ops/team: firing</title>');
  });
  it('are named with their lines, when they are read and when they run', () => {
    expect(() => new NotificationTemplates([{ name: 'c.tmpl', text: 'a\n{{ nope }}' }])).toThrow(
      'template: c.tmpl:2: function "nope" not defined',
    );
    expect(() => own.text('{{ template "broken" . }}', MESSAGE, 0)).toThrow('template: b.tmpl:2:3: executing "broken" at <.Nope>');
  });
  it('nothing of an alert ends what it stands in', () => {
    const html = own.html('{{ template "email.default.html" . }}', MESSAGE, 0);
    expect(html).toContain('It&#39;s &#34;5%&#34; &lt;over&gt; &amp; &#43;1');
    expect(html).not.toMatch(/<over>|href="javascript/);
  });
  it('times in another zone, and what Alertmanager 0.25 did not have', () => {
    const text = (template: string): string => BUILT_IN.text(template, MESSAGE, Date.UTC(2026, 0, 5, 8));
    expect(text('{{ (index .Alerts 0).StartsAt | tz "Europe/Paris" | date "15:04 MST" }}')).toBe('08:04 CET');
    expect(text('{{ since (index .Alerts 0).StartsAt }} {{ (since (index .Alerts 0).StartsAt) | humanizeDuration }}')).toBe(
      '55m50.88s 55m 50s',
    );
    expect(text('{{ .GroupLabels }} {{ toJson .GroupLabels }} {{ trimSpace " a " }} {{ (dict "a" 1).a }}')).toBe(
      'alertname=HighErr, cluster=a {"alertname":"HighErr","cluster":"a"} a 1',
    );
    expect(() => text('{{ tz "Nowhere/City" (index .Alerts 0).StartsAt }}')).toThrow('unknown time zone Nowhere/City');
  });
});
