import { describe, expect, it } from 'vitest';
import { FaultlineError } from '#contracts/errors.ts';
import type { Candidate, Incident, RcaResult, TimelineEntry } from '#contracts/judgement.ts';
import { IncidentBook } from './incident-book.ts';

const entry = (atMs: number, kind: TimelineEntry['kind'], says: string): TimelineEntry => ({
  atMs,
  kind,
  service: null,
  says,
  messageKey: kind,
  params: {},
});
const incident = (more: Partial<Incident> = {}): Incident => ({
  id: 'i-1',
  title: 'checkout: errors',
  status: 'open',
  severity: 'major',
  openedMs: 1_000,
  onsetMs: 900,
  resolvedMs: null,
  acknowledgedMs: null,
  services: ['checkout'],
  symptom: { service: 'checkout', kind: 'errors' },
  anomalies: [],
  rca: null,
  timeline: [entry(1_000, 'opened', 'opened')],
  ...more,
});
const cause = (service: string): Candidate => ({
  rank: 1,
  service,
  instance: null,
  kind: 'bad_deploy',
  score: 0.9,
  because: `${service} was deployed`,
  role: 'cause',
  evidence: [],
});
const rca = (service: string): RcaResult => ({
  verdict: 'likely',
  window: { start: '', end: '' },
  candidates: [cause(service)],
  impacted: [],
  narrative: '',
});

function book(saved: Map<string, Incident> = new Map()) {
  const store = {
    saveIncident: async (i: Incident) => void saved.set(i.id, i),
    incidents: async () => [...saved.values()],
  };
  return { saved, book: new IncidentBook({ store, nowMs: () => 5_000, log: () => undefined }) };
}

describe('IncidentBook', () => {
  it('keeps what people and the ranker added when the correlator speaks again', async () => {
    const { book: b } = book();
    await b.take(incident());
    await b.acknowledge('i-1');
    await b.note('i-1', 'looking');
    await b.rank('i-1', rca('payments'), 4_000);
    const after = await b.take(
      incident({ severity: 'critical', timeline: [entry(1_000, 'opened', 'opened'), entry(2_000, 'anomaly', 'worse')] }),
    );
    expect(after.severity).toBe('critical');
    expect(after.acknowledgedMs).toBe(5_000);
    expect(after.rca?.candidates[0]?.service).toBe('payments');
    expect(after.timeline.map((e) => e.kind)).toEqual(['opened', 'anomaly', 'cause', 'acknowledged', 'note']);
  });
  it('never takes a line off a timeline', async () => {
    const { book: b } = book();
    await b.take(incident({ timeline: [entry(1_000, 'opened', 'opened'), entry(2_000, 'anomaly', 'worse')] }));
    const after = await b.take(incident({ timeline: [] }));
    expect(after.timeline).toHaveLength(2);
  });
  it('says a new leading cause once', async () => {
    const { book: b } = book();
    await b.take(incident());
    for (const service of ['payments', 'payments', 'checkout']) await b.rank('i-1', rca(service), 4_000);
    expect(
      b
        .get('i-1')
        .timeline.filter((e) => e.kind === 'cause')
        .map((e) => e.service),
    ).toEqual(['payments', 'checkout']);
  });
  it('stays closed once the operator closed it', async () => {
    const { book: b } = book();
    await b.take(incident());
    await b.resolve('i-1');
    await b.take(incident({ severity: 'critical' }));
    expect(b.get('i-1').status).toBe('resolved');
    expect(b.open()).toEqual([]);
  });
  it('is told a change before its end that became known after the operator closed it, and nothing else', async () => {
    const { book: b } = book();
    await b.take(incident());
    await b.resolve('i-1');
    const late = [entry(800, 'change', 'deployed'), entry(4_000, 'anomaly', 'errors'), entry(5_001, 'change', 'deployed again')];
    for (let times = 0; times < 2; times++) await b.take(incident({ timeline: [entry(1_000, 'opened', 'opened'), ...late] }));
    expect(b.get('i-1').status).toBe('resolved');
    expect(b.get('i-1').timeline.map((e) => e.says)).toEqual(['deployed', 'opened', 'Resolved by the operator.']);
  });
  it('is there again after a restart', async () => {
    const { saved, book: b } = book();
    await b.take(incident());
    await b.note('i-1', 'kept');
    const again = book(saved).book;
    await again.load();
    expect(again.get('i-1').timeline.at(-1)?.says).toBe('kept');
  });
  it('shows an incident the store cannot save', async () => {
    const lines: string[] = [];
    const store = { saveIncident: () => Promise.reject(new Error('disk full')), incidents: async () => [] };
    const b = new IncidentBook({ store, nowMs: () => 0, log: (line) => lines.push(line) });
    await b.take(incident());
    expect(b.open()).toHaveLength(1);
    expect(lines.join()).toContain('disk full');
  });
  it('says not found as an error', () => {
    expect(() => book().book.get('nope')).toThrow(FaultlineError);
  });
});
