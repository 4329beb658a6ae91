import { describe, expect, it } from 'vitest';
import type { Anomaly, Incident, SignalKind } from '#contracts/judgement.ts';
import type { EdgeObservation, Observation } from '#contracts/observation.ts';
import { createCorrelator } from './correlate.ts';

const STEP = 10_000;
const NONE = new Float64Array(0);
const edge = (from: string, to: string): EdgeObservation => ({
  from,
  to,
  kind: 'service',
  requests: NONE,
  errors: NONE,
  clientMeanMs: NONE,
  clientP95Ms: NONE,
  serverMeanMs: NONE,
});
const BUCKETS = 600;
const HEARD = new Float64Array(BUCKETS).fill(5);
const service = (name: string) => ({
  service: name,
  instance: null,
  requests: HEARD,
  errors: NONE,
  ownErrors: NONE,
  p50Ms: NONE,
  p95Ms: NONE,
  selfMeanMs: NONE,
});
const world: Observation = {
  startMs: 0,
  stepMs: STEP,
  buckets: BUCKETS,
  services: ['web', 'cart', 'island'].map(service),
  edges: [edge('web', 'cart')],
  metrics: [],
  logs: [],
  changes: [],
  placements: [],
  facets: [],
};
const anomaly = (name: string, kind: SignalKind, signal: string, onsetMs: number, more: Partial<Anomaly> = {}): Anomaly => ({
  subject: { service: name, signal, labels: '' },
  kind,
  onsetMs,
  untilMs: onsetMs + STEP,
  value: 0.31,
  baseline: 0.002,
  deviation: 20,
  score: 0.9,
  query: 'q',
  ...more,
});
const webErrors = anomaly('web', 'errors', 'red.error_ratio', 60_000);
const cartErrors = anomaly('cart', 'errors', 'red.error_ratio', 50_000);
const memory = anomaly('cart', 'memory_growth', 'process.memory.usage', 0);

/** Runs the steps [until ms, anomalies in force]; returns the latest state of each incident. */
function play(parts: readonly (readonly [number, readonly Anomaly[]])[]): Incident[] {
  const correlator = createCorrelator();
  const latest = new Map<string, Incident>();
  let now = 60_000;
  for (const [until, anomalies] of parts)
    for (; now <= until; now += STEP) for (const i of correlator.step(now, anomalies, world)) latest.set(i.id, i);
  return [...latest.values()];
}
const events = (incident: Incident | undefined): string[] =>
  (incident?.timeline ?? []).filter((e) => e.kind !== 'anomaly').map((e) => e.kind);

describe('createCorrelator', () => {
  it('opens one incident for a cascade, titled by what users meet', () => {
    const incidents = play([[120_000, [webErrors, cartErrors, memory]]]);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({
      title: expect.stringMatching(/^web: errors 0.2 % → 31 % at 00:0\d, since 00:01$/),
      severity: 'critical',
      status: 'open',
      services: ['cart', 'web'],
      symptom: { service: 'web', kind: 'errors' },
      rca: null,
    });
  });
  it.each([
    ['a metric alone', [memory]],
    [
      'a call alone',
      [
        anomaly('web', 'errors', 'edge.error_ratio', 60_000, {
          subject: { service: 'web', peer: 'cart', signal: 'edge.error_ratio', labels: '' },
        }),
      ],
    ],
    [
      'one instance alone',
      [
        anomaly('web', 'errors', 'red.error_ratio', 60_000, {
          subject: { service: 'web', instance: 'a', signal: 'red.error_ratio', labels: '' },
        }),
      ],
    ],
    ['logs alone', [anomaly('web', 'log_errors', 'log', 60_000)]],
    ['a surge alone', [anomaly('web', 'traffic_surge', 'red.requests', 60_000)]],
  ])('%s opens nothing', (_name, anomalies) => expect(play([[600_000, anomalies]])).toEqual([]));
  it('trouble inside opens only when it lasts', () => {
    expect(play([[140_000, [cartErrors]]])).toHaveLength(0);
    expect(play([[240_000, [cartErrors]]])).toHaveLength(1);
  });
  it('unconnected trouble is another incident', () => {
    const island = anomaly('island', 'errors', 'red.error_ratio', 60_000);
    expect(
      play([[120_000, [webErrors, island]]])
        .map((i) => i.symptom.service)
        .sort(),
    ).toEqual(['island', 'web']);
  });
  it('resolves after the quiet time, not before', () => {
    expect(
      play([
        [120_000, [webErrors]],
        [240_000, []],
      ])[0]?.status,
    ).toBe('open');
    const [incident] = play([
      [120_000, [webErrors]],
      [400_000, []],
    ]);
    expect(incident).toMatchObject({ status: 'resolved', resolvedMs: 300_000 });
  });
  describe('silence of the telemetry', () => {
    /** Trouble for two minutes, then nothing is heard until `heardMs`. */
    function status(heardMs: number, untilMs: number): string | undefined {
      const requests = HEARD.map((value, i) => (i * STEP >= 120_000 && i * STEP < heardMs ? Number.NaN : value));
      const silent = { ...world, services: world.services.map((s) => ({ ...s, requests })) };
      const correlator = createCorrelator();
      let last: Incident | undefined;
      for (let now = 60_000; now <= untilMs; now += STEP)
        for (const i of correlator.step(now, now <= 120_000 ? [webErrors] : [], silent)) last = i;
      return last?.status;
    }
    it('is no recovery', () => expect(status(Number.POSITIVE_INFINITY, 1_200_000)).toBe('open'));
    it('is not waited for for ever', () => expect(status(Number.POSITIVE_INFINITY, 2_400_000)).toBe('resolved'));
    it('over, the quiet time runs on', () => {
      expect(status(900_000, 950_000)).toBe('open');
      expect(status(900_000, 1_200_000)).toBe('resolved');
    });
  });
  it('reopens within the grace time under its old id, opens anew after it', () => {
    const [again, ...rest] = play([
      [120_000, [webErrors]],
      [400_000, []],
      [500_000, [anomaly('web', 'errors', 'red.error_ratio', 410_000)]],
    ]);
    expect(rest).toEqual([]);
    expect(again).toMatchObject({ status: 'open', resolvedMs: null });
    expect(events(again)).toEqual(['opened', 'resolved', 'reopened']);
    expect(
      play([
        [120_000, [webErrors]],
        [1_200_000, []],
        [1_300_000, [anomaly('web', 'errors', 'red.error_ratio', 1_210_000)]],
      ]),
    ).toHaveLength(2);
  });
  it('gives the same ids and timeline when played again', () => {
    const parts = [
      [120_000, [webErrors, cartErrors]],
      [400_000, []],
    ] as const;
    expect(play(parts)).toEqual(play(parts));
  });
  it('its timeline only grows', () => {
    const correlator = createCorrelator();
    let before: Incident['timeline'] = [];
    for (let now = 60_000; now < 600_000; now += STEP) {
      const anomalies = now < 100_000 ? [webErrors] : now < 200_000 ? [webErrors, cartErrors, memory] : [];
      for (const { timeline } of correlator.step(now, anomalies, world)) {
        expect(timeline.slice(0, before.length)).toEqual(before);
        before = timeline;
      }
    }
    expect(before.length).toBeGreaterThan(3);
  });
});
