import { describe, expect, it } from 'vitest';
import { evidenceChart, searchableWords } from '#contracts/evidence-chart.ts';
import type { Anomaly, Evidence, Incident, TimelineEntry } from '#contracts/judgement.ts';
import { incidentOf, troubledServices } from '../now/change-model.ts';
import { anomalyFigures, incidentSpan, phases, sortIncidents, symptomOf } from './incident-model.ts';
import { tellingEntries, timelineOf } from './incident-timeline.ts';

const anomaly = (signal: string, value: number, baseline: number): Anomaly => ({
  subject: { service: 'cart', signal, labels: '' },
  kind: 'errors',
  onsetMs: 1_000,
  untilMs: 2_000,
  value,
  baseline,
  deviation: 9,
  score: 1,
  query: 'SELECT 1',
});
const evidence = (messageKey: string, params: Evidence['params'], more: Partial<Evidence> = {}): Evidence => ({
  id: 'E1',
  signal: 'trace',
  says: 'says',
  messageKey,
  params,
  query: 'SELECT 1',
  value: 1,
  baseline: 0,
  unit: '1',
  onset: null,
  ...more,
});
const incident = (more: Partial<Incident> = {}): Incident => ({
  id: 'i',
  title: 't',
  status: 'open',
  severity: 'major',
  openedMs: 700_000,
  onsetMs: 600_000,
  resolvedMs: null,
  acknowledgedMs: null,
  services: ['cart'],
  symptom: { service: 'cart', kind: 'errors' },
  anomalies: [anomaly('red.error_ratio', 0.5, 0.01)],
  rca: null,
  timeline: [],
  ...more,
});
it('open before resolved, then worst, then newest', () => {
  const list = [
    incident({ id: 'old', status: 'resolved', severity: 'critical' }),
    incident({ id: 'minor', severity: 'minor' }),
    incident({ id: 'early', openedMs: 1 }),
    incident({ id: 'late' }),
  ];
  expect(sortIncidents(list).map((i) => i.id)).toEqual(['late', 'early', 'minor', 'old']);
});
describe('incidentSpan', () => {
  it('shows the calm before an open one and ends now', () =>
    expect(incidentSpan(incident({ onsetMs: 10_000_000 }), 10_100_000)).toEqual({ startMs: 9_400_000, endMs: 10_100_000 }));
  it('shows what came after a resolved one, never the future', () => {
    const span = incidentSpan(incident({ onsetMs: 10_000_000, resolvedMs: 12_000_000, status: 'resolved' }), 99_000_000);
    expect(span.endMs).toBe(12_300_000);
    expect(incidentSpan(incident({ resolvedMs: 700_000 }), 710_000).endMs).toBe(710_000);
  });
});
it.each([
  ['red.error_ratio', 0.5, 0.01, '1 %', '50 %'],
  ['red.p95_ms', 1_200, 38, '38 ms', '1.2 s'],
  ['red.requests', 5, 50, '100 %', '10 %'],
  ['red.requests', 5, 0, '100 %', '–'],
])('figures of %s', (signal, value, baseline, from, to) => expect(anomalyFigures(anomaly(signal, value, baseline))).toEqual({ from, to }));
it('without its anomaly the headline has nothing to say', () => expect(symptomOf(incident({ anomalies: [] }))).toBeUndefined());
it('phases are null while they have not come', () =>
  expect(phases(incident())).toEqual({ detectMs: 100_000, acknowledgeMs: null, resolveMs: null }));

describe('evidenceChart', () => {
  it.each([
    ['evidence_self_time', { service: 'cart (cart-2)' }, { from: 'red', service: 'cart', peer: null, show: 'latency' }],
    ['evidence_edge_errors', { service: 'cart', peer: 'redis' }, { from: 'red', service: 'cart', peer: 'redis', show: 'errors' }],
    ['evidence_requests', { service: 'cart' }, { from: 'red', service: 'cart', peer: null, show: 'requests' }],
    ['evidence_metric', { place: 'cart (cart-2)', metric: 'heap' }, { from: 'metric', metric: 'heap', service: 'cart', unit: '1' }],
    [
      'evidence_log_new',
      { service: 'cart', pattern: 'order <*> failed: timeout' },
      { from: 'log', service: 'cart', words: 'failed: timeout' },
    ],
    ['evidence_change_deploy', { service: 'cart' }, { from: 'red', service: 'cart', peer: null, show: 'errors' }],
    ['evidence_of_tomorrow', {}, null],
  ])('%s', (key, params, chart) => expect(evidenceChart(evidence(key, params as Evidence['params']))).toEqual(chart));
  it('a pattern of variables only has nothing to search for', () => expect(searchableWords('<*> <num>')).toBe(''));
});

describe('timeline', () => {
  const entry = (kind: TimelineEntry['kind'], atMs: number, says = `${kind} ${atMs}`): TimelineEntry => ({
    atMs,
    kind,
    service: null,
    says,
    messageKey: '',
    params: {},
  });
  const deploy = evidence('evidence_change_deploy', {}, { signal: 'change', says: 'deploy', onset: '1970-01-01T00:09:00Z' });
  const candidate = {
    rank: 1,
    service: 'cart',
    instance: null,
    kind: 'bad_deploy',
    score: 0.7,
    because: '',
    role: 'cause',
    evidence: [deploy, deploy],
  } as const;
  const rca = { verdict: 'likely', window: { start: '', end: '' }, candidates: [candidate], impacted: ['web'], narrative: '' } as const;
  const seen = incident({ rca, timeline: [entry('opened', 700_000)] });
  it('changes that are evidence stand at their time, once', () =>
    expect(timelineOf(seen).map((e) => e.says)).toEqual(['deploy', 'opened 700000']));
  it('a change that the timeline tells is not told again as evidence', () => {
    const told = { ...entry('change', 539_500, 'cart: deployed 1 → 2'), service: 'cart' };
    const both = { ...seen, timeline: [told, entry('opened', 700_000)] };
    expect(timelineOf(both).map((e) => e.says)).toEqual(['cart: deployed 1 → 2', 'opened 700000']);
    expect(timelineOf({ ...both, timeline: [{ ...told, service: 'pricing' }] }).map((e) => e.says)).toContain('deploy');
  });
  it('folds old noise and the many, never what people did', () => {
    const many = Array.from({ length: 30 }, (_, i) => entry('anomaly', i * 60_000));
    const told = tellingEntries([...many, entry('note', 5)], 600_000);
    expect(told.filter((e) => e.kind === 'anomaly').map((e) => e.atMs)).toEqual([480_000, 540_000, 600_000, 660_000, 720_000, 780_000]);
    expect(told.some((e) => e.kind === 'note')).toBe(true);
  });
  const step = (from: string, to: string, kind = 'deploy') => ({
    messageKey: `timeline_change_${kind}`,
    params: { service: 'cart', from, to },
  });
  it.each([
    [540_000, 'cart', 'i'],
    [541_999, 'cart', 'i'],
    [542_001, 'cart', null],
    [540_000, 'web', null],
  ])('a change at %i of %s is tied to %s', (atMs, service, id) => expect(incidentOf({ atMs, service, ...step('', '') }, [seen])).toBe(id));
  it.each([
    ['deploy', '1', '2', 536_000, 'i'],
    ['deploy', '1', '2', 300_000, null],
    ['deploy', '2', '1', 536_000, null],
    ['flag', '1', '2', 536_000, null],
  ])('a %s %s → %s whose time is known better by now (%i) is tied to %s', (kind, from, to, atMs, id) => {
    const told = { ...entry('change', 539_500), service: 'cart', ...step('1', '2', kind) };
    expect(incidentOf({ atMs, service: 'cart', ...step(from, to, kind) }, [incident({ timeline: [told] })])).toBe(id);
  });
  it('names who is in trouble; a resolved incident names nobody', () => {
    expect(troubledServices([seen])).toEqual(new Set(['cart', 'web']));
    expect(troubledServices([{ ...seen, status: 'resolved' }])).toEqual(new Set());
  });
});
