import { describe, expect, it } from 'vitest';
import type { Candidate, Evidence, Incident } from '#contracts/judgement.ts';
import type { Figure } from '#contracts/postmortem.ts';
import { allBlocks, boundOf, openPrompts, readDocument, unboundNumbers } from '#contracts/postmortem-tree.ts';
import { bindSentence, type DraftFacts, draftEntries, draftPostmortem } from './draft-postmortem.ts';

let made = 0;
const figure = (label: string, value: number, unit = ''): Figure => ({
  id: `n${++made}`,
  label,
  sql: `SELECT ${value} AS value`,
  column: 'value',
  value,
  unit,
  relativeTolerance: 1e-6,
  absoluteTolerance: 0,
  readAtMs: 1,
  evidence: '',
});
const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  id: 'E1',
  signal: 'trace',
  says: 'cart: errors 0.2 % → 31 %, born here: no call beneath them failed.',
  messageKey: 'evidence_own_errors',
  params: { service: 'cart', from: '0.2 %', to: '31 %' },
  query: 'SELECT 1 AS value',
  value: 0.31,
  baseline: 0.002,
  unit: '1',
  onset: null,
  ...more,
});
const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  rank: 1,
  service: 'cart',
  instance: null,
  kind: 'bad_deploy',
  score: 0.8,
  because: 'because of 3 things',
  role: 'cause',
  evidence: [evidence()],
  ...more,
});
const T = Date.UTC(2026, 10, 21, 9, 14, 7);
const entry = (
  kind: Incident['timeline'][number]['kind'],
  atMs: number,
  says: string,
  messageKey = 'x',
  params = {},
): Incident['timeline'][number] => ({
  atMs,
  kind,
  service: 'cart',
  says,
  messageKey,
  params,
});
const incident = (more: Partial<Incident> = {}): Incident => ({
  id: 'i1',
  title: 'web: errors 0.1 % → 20 % since 09:14',
  status: 'resolved',
  severity: 'critical',
  openedMs: T + 60_000,
  onsetMs: T,
  resolvedMs: T + 960_000,
  acknowledgedMs: T + 120_000,
  services: ['web', 'cart'],
  symptom: { service: 'web', kind: 'errors' },
  anomalies: [],
  rca: { verdict: 'likely', window: { start: '', end: '' }, candidates: [candidate()], impacted: ['web'], narrative: '' },
  timeline: [
    entry('change', T - 40_000, 'cart: deployed 1.2.0 → 1.3.0', 'timeline_change_deploy', { service: 'cart', from: '1.2.0', to: '1.3.0' }),
    entry('anomaly', T, 'cart: errors 0.2 % → 31 %', 'anomaly_errors', { from: '0.2 %', to: '31 %' }),
    entry('opened', T + 60_000, 'web: errors 0.1 % → 20 % since 09:14', 'incident_opened'),
    entry('cause', T + 70_000, 'because of 3 things', 'timeline_cause', { service: 'cart', verdict: 'likely' }),
  ],
  ...more,
});
const facts = (of: Incident, locale: 'en' | 'zh' = 'en'): DraftFacts => ({
  incident: of,
  locale,
  authors: '',
  impact: [
    {
      service: 'web',
      requests: figure('requests', 5446),
      errors: figure('errors', 1929),
      errorRatio: figure('ratio', 0.354, '1'),
      errorRatioBefore: figure('before', 0.003, '1'),
      p95: figure('p95', 864, 'ms'),
      p95Before: figure('p95 before', 314, 'ms'),
    },
  ],
  spans: {
    detect: figure('detect', 60_000, 'ms'),
    acknowledge: figure('ack', 60_000, 'ms'),
    duration: of.resolvedMs === null ? null : figure('duration', 960_000, 'ms'),
    services: figure('services', 2),
  },
  evidence: new Map([['1/E1', { value: figure('v', 0.31, '1'), baseline: figure('b', 0.002, '1') }]]),
  entries: new Map([[1, { value: figure('v', 0.31, '1'), baseline: figure('b', 0.002, '1') }]]),
  charts: new Map(),
  also: [],
  sayKind: (kind) => kind.replace('_', ' '),
  sayEvidence: (row) => row.says,
});
const textOf = (document: ReturnType<typeof draftPostmortem>): string => JSON.stringify(document.content).replace(/"sql":"[^"]*"/g, '');

describe.each(['en', 'zh'] as const)('a draft in %s', (locale) => {
  const document = draftPostmortem(facts(incident(), locale));
  it('is a document, holds no number but figures, and asks what only people know', () => {
    expect(readDocument(JSON.parse(JSON.stringify(document)))).toEqual(document);
    expect(unboundNumbers(document)).toEqual([]);
    expect(boundOf(document).figures.length).toBeGreaterThan(10);
    expect(openPrompts(document).length).toBe(16);
  });
  it('has the sections in their order', () => {
    expect([...allBlocks(document.content)].filter((b) => b.type === 'heading' && b.attrs.level === 2).length).toBe(10);
  });
});
it('a Chinese draft holds no word of a closed list in English', () => {
  expect(textOf(draftPostmortem(facts(incident(), 'zh')))).toContain('首要原因：cart（可能）。');
});
it('an open incident is said to be open, and has no duration', () => {
  const text = textOf(draftPostmortem(facts(incident({ status: 'open', resolvedMs: null, acknowledgedMs: null }))));
  expect(text).toContain('not over when this was drafted');
  expect(text).not.toContain('"duration"');
});
it('without a ranking it names no cause', () => {
  const document = draftPostmortem(facts(incident({ rca: null })));
  expect(textOf(document)).toContain('No cause stands out');
  expect(document.title).toBe('Errors in web, 2026-11-21');
});
it('an inconclusive ranking is called so', () => {
  const of = incident();
  const document = draftPostmortem(facts({ ...of, rca: { ...of.rca!, verdict: 'inconclusive' } }));
  expect(textOf(document)).toContain('No cause is proven; the strongest suspect is cart (bad deploy).');
  expect(document.title).toBe('Errors in web, 2026-11-21');
});
it('telemetry stays text', () => {
  const name = '<script>[x](javascript:alert(1))</script>';
  const document = draftPostmortem(
    facts(incident({ rca: { ...incident().rca!, candidates: [candidate({ service: name })], impacted: [name] } })),
  );
  expect(readDocument(document)).toEqual(document);
  expect(textOf(document)).toContain(name);
});

const [value, baseline] = [figure('v', 0.31, '1'), figure('b', 0.002, '1')];
it.each([
  [
    'in the place of both numbers',
    'cart: errors 0.2 % → 31 %, born here.',
    { from: '0.2 %', to: '31 %' },
    { value, baseline },
    ['cart: errors ', baseline, ' → ', value, ', born here.'],
  ],
  [
    'in the place of one',
    'cart logs 12 /s of it.',
    { from: '0 /s', to: '12 /s' },
    { value, baseline: null },
    ['cart logs ', value, ' of it.'],
  ],
  ['behind what has no number', 'cart is slow.', {}, { value, baseline }, ['cart is slow', ': ', baseline, ' → ', value]],
  ['not at all where nothing could be read', 'cart is slow.', {}, { value: null, baseline: null }, ['cart is slow.']],
])('figures stand %s', (_, says, params, pair, pieces) => expect(bindSentence(says, params, pair)).toEqual(pieces));
it('of a hundred deviations the first few are told, of everything else all', () => {
  const many = Array.from({ length: 100 }, (_, i) => entry('anomaly', T + i, `a${i}`));
  const told = draftEntries(
    incident({ timeline: [entry('anomaly', T - 600_000, 'noise'), ...many, entry('note', T, 'n'), entry('resolved', T, 'r')] }),
  );
  expect(told).toEqual([1, 2, 3, 4, 5, 6, 101, 102]);
});
