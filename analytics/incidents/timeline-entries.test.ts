import { describe, expect, it } from 'vitest';
import type { Anomaly, Change } from '#contracts/judgement.ts';
import type { Observation } from '#contracts/observation.ts';
import { createCorrelator } from './correlate.ts';
import { anomalyEntry, changeEntry } from './timeline-entries.ts';

const STEP = 10_000;
const anomaly = (subject: Partial<Anomaly['subject']>, more: Partial<Anomaly> = {}): Anomaly => ({
  subject: { service: 'cart', signal: 'red.error_ratio', labels: '', ...subject },
  kind: 'errors',
  onsetMs: 60_000,
  untilMs: 70_000,
  value: 0.31,
  baseline: 0.002,
  deviation: 20,
  score: 0.9,
  query: 'q',
  ...more,
});
const change = (more: Partial<Change> = {}): Change => ({
  atMs: 55_000,
  kind: 'deploy',
  service: 'cart',
  instance: null,
  from: '1.0.0',
  to: '1.0.1',
  ...more,
});

describe('anomalyEntry', () => {
  it.each<[string, Anomaly, string]>([
    ['errors', anomaly({}), 'cart: errors 0.2 % → 31 %'],
    ['latency', anomaly({ signal: 'red.p95_ms' }, { kind: 'latency', value: 1200, baseline: 38 }), 'cart: p95 38 ms → 1.2 s'],
    ['traffic', anomaly({ signal: 'red.requests' }, { kind: 'traffic_drop', value: 1e-19, baseline: 70 }), 'cart: traffic 7 /s → 0 /s'],
    [
      'a new log line',
      anomaly({ signal: 'log', labels: 'pattern=no <*> left' }, { kind: 'log_new_pattern', value: 3, baseline: 0 }),
      'cart: new log line "no <*> left"',
    ],
    [
      'more of a log line',
      anomaly({ signal: 'log', labels: 'pattern=oops' }, { kind: 'log_errors', value: 40, baseline: 0.02 }),
      'cart: log "oops" 7.2 /h → 4 /s',
    ],
  ])('tells %s as a person would', (_name, found, says) => expect(anomalyEntry(found, STEP)?.says).toBe(says));
  it.each<[string, Anomaly]>([
    ['one instance', anomaly({ instance: 'cart-1' })],
    [
      'traffic of one instance',
      anomaly({ instance: 'cart-1', signal: 'red.requests' }, { kind: 'traffic_surge', value: 4, baseline: 2e-20 }),
    ],
    ['a call', anomaly({ peer: 'pricing', signal: 'edge.error_ratio' })],
    ['a metric', anomaly({ signal: 'http.server.active_requests' }, { kind: 'metric_shift' })],
    ['the metric of one instance', anomaly({ instance: 'cart-1', signal: 'process.memory.usage' }, { kind: 'memory_growth' })],
  ])('leaves out %s', (_name, found) => expect(anomalyEntry(found, STEP)).toBeNull());
  it('cuts a log line of any length', () =>
    expect(anomalyEntry(anomaly({ signal: 'log', labels: `pattern=${'x'.repeat(9000)}` }), STEP)?.says.length).toBeLessThan(200));
});

it.each<[string, Change, string]>([
  ['a deploy', change(), 'cart: deployed 1.0.0 → 1.0.1'],
  ['a replaced instance', change({ kind: 'restart', instance: 'b', from: 'a', to: 'b' }), 'cart: instance a replaced by b'],
  [
    'a restart in place',
    change({ kind: 'restart', instance: 'a', from: '2026-03-10T09:00:00Z', to: '2026-03-10T09:24:00Z' }),
    'cart: a restarted',
  ],
  ['a new instance', change({ kind: 'scale', instance: 'c', from: '', to: 'c' }), 'cart: new instance c'],
  ['a flag', change({ kind: 'flag', from: 'off', to: 'on' }), 'cart: flag off → on'],
  // A log record tells what came, not what was.
  ['a configuration told by a log record', change({ kind: 'config', from: '', to: 'pool=5' }), 'cart: config – → pool=5'],
  ['a deploy told by a log record', change({ from: '' }), 'cart: deployed – → 1.0.1'],
])('tells %s', (_name, happened, says) => {
  const told = changeEntry(happened);
  expect(told).toMatchObject({ kind: 'change', service: 'cart', says, messageKey: `timeline_change_${happened.kind}` });
  expect(told.params).toMatchObject({ service: 'cart', from: happened.from || '–', to: happened.to });
});

describe('changes of an incident', () => {
  const none = new Float64Array(0);
  const service = (name: string) => ({
    service: name,
    instance: null,
    requests: none,
    errors: none,
    ownErrors: none,
    p50Ms: none,
    p95Ms: none,
    selfMeanMs: none,
  });
  const world = (changes: readonly Change[]): Observation => ({
    startMs: 0,
    stepMs: STEP,
    buckets: 1,
    services: ['cart', 'pricing', 'island'].map(service),
    edges: [
      {
        from: 'cart',
        to: 'pricing',
        kind: 'service',
        requests: none,
        errors: none,
        clientMeanMs: none,
        clientP95Ms: none,
        serverMeanMs: none,
      },
    ],
    metrics: [],
    logs: [],
    changes,
    placements: [],
    facets: [],
  });
  const symptom = anomaly({}, { onsetMs: 1_000_000 });
  const at = 1_000_000;
  /** The timeline after steps with the changes known at each. */
  function told(...known: (readonly Change[])[]) {
    const correlator = createCorrelator();
    let timeline: readonly { kind: string; says: string; atMs: number }[] = [];
    for (const [i, changes] of known.entries())
      for (const incident of correlator.step(at + (i + 1) * STEP, [symptom], world(changes))) timeline = incident.timeline;
    return { changes: timeline.filter((e) => e.kind === 'change').map((e) => e.says), untold: correlator.untoldChanges };
  }
  it('are those shortly before and during it, of services that hang together with it', () => {
    const { changes } = told([
      change({ atMs: at - 700_000, to: 'long ago' }),
      change({ atMs: at - 60_000 }),
      change({ atMs: at - 5_000, service: 'pricing', from: '3', to: '4' }),
      change({ atMs: at - 5_000, service: 'island' }),
      change({ atMs: at + 500_000, to: 'not yet' }),
    ]);
    expect(changes).toEqual(['cart: deployed 1.0.0 → 1.0.1', 'pricing: deployed 3 → 4']);
  });
  it('are told once, also when their time becomes better known, and when they come late', () => {
    const first = change({ atMs: at - 1_000 });
    const late = change({ kind: 'restart', instance: 'b', from: 'a', to: 'b', atMs: at + 8_000 });
    expect(told([first], [{ ...first, atMs: at - 3_000 }], [first, late]).changes).toEqual([
      'cart: deployed 1.0.0 → 1.0.1',
      'cart: instance a replaced by b',
    ]);
  });
  it('are bounded and counted when a sender makes up instances', () => {
    const many = Array.from({ length: 500 }, (_, i) => change({ kind: 'scale', instance: `i${i}`, from: '', to: `i${i}`, atMs: at - i }));
    const { changes, untold } = told(many, many);
    expect(changes).toHaveLength(60);
    expect(untold).toBe(440);
  });
  it('leave room: log lines without end are bounded and counted', () => {
    const correlator = createCorrelator();
    const lines = Array.from({ length: 450 }, (_, i) =>
      anomaly({ signal: 'log', labels: `pattern=made up ${i}` }, { kind: 'log_new_pattern', onsetMs: at }),
    );
    const [incident] = correlator.step(at + STEP, [symptom, ...lines], world([change({ atMs: at })]));
    expect(incident?.timeline.filter((e) => e.kind === 'log' || e.kind === 'anomaly')).toHaveLength(200);
    expect(incident?.timeline.filter((e) => e.kind === 'change')).toHaveLength(1);
    expect(correlator.untoldLines).toBe(251);
  });
});
