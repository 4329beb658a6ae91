import { describe, expect, it } from 'vitest';
import type { Anomaly } from '#contracts/judgement.ts';
import type { MetricObservation, Observation, ServiceObservation } from '#contracts/observation.ts';
import { makeShop, namedQueries } from '../../tests/fixtures/judgement-shop.ts';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { createDetector } from './detect.ts';

const BUCKETS = 120;
const FAULT = 80;
type Shape = (bucket: number, rng: () => number) => Partial<Record<'requests' | 'errors' | 'ownErrors' | 'p95Ms' | 'selfMeanMs', number>>;

function oneService(shape: Shape, seed = 1): Observation {
  const rng = seededRng(seed);
  const blank = (): Float64Array => new Float64Array(BUCKETS).fill(Number.NaN);
  const service: ServiceObservation = {
    service: 'web',
    instance: null,
    requests: blank(),
    errors: blank(),
    ownErrors: blank(),
    p50Ms: blank(),
    p95Ms: blank(),
    selfMeanMs: blank(),
  };
  for (let i = 0; i < BUCKETS; i++) {
    const cell = {
      requests: 50 + Math.round(10 * rng()),
      errors: 0,
      ownErrors: 0,
      p95Ms: 100 * Math.exp(0.2 * (rng() - 0.5)),
      selfMeanMs: 20,
      ...shape(i, rng),
    };
    for (const [key, value] of Object.entries(cell)) service[key as keyof typeof cell][i] = value;
  }
  return {
    startMs: 0,
    stepMs: 10_000,
    buckets: BUCKETS,
    services: [service],
    edges: [],
    metrics: [],
    logs: [],
    changes: [],
    placements: [],
    facets: [],
  };
}
function run(observation: Observation): { last: readonly Anomaly[]; all: Anomaly[] } {
  const detector = createDetector();
  const all: Anomaly[] = [];
  let last: readonly Anomaly[] = [];
  for (let i = 0; i < observation.buckets; i++) {
    last = detector.push(observation, i, namedQueries);
    all.push(...last);
  }
  return { last, all };
}
const kinds = (anomalies: readonly Anomaly[]): string[] => [...new Set(anomalies.map((a) => `${a.kind}:${a.subject.signal}`))].sort();

describe('createDetector', () => {
  it.each<[string, Shape, string[]]>([
    ['calm', () => ({}), []],
    ['one error of three requests, now and then', (i) => ({ requests: 3, errors: i % 17 === 0 ? 1 : 0 }), []],
    ['one bucket full of errors', (i) => ({ errors: i === FAULT ? 40 : 0 }), []],
    ['two buckets full of errors', (i) => ({ errors: i === FAULT || i === FAULT + 1 ? 40 : 0 }), []],
    ['a latency blip now and then', (i) => (i % 20 === 0 ? { p95Ms: 900 } : {}), []],
    ['traffic that doubles over the hour', (i) => ({ requests: Math.round(50 * (1 + i / BUCKETS)) }), []],
    ['nothing observed from some time on', (i) => (i > FAULT ? { requests: Number.NaN, errors: Number.NaN, p95Ms: Number.NaN } : {}), []],
    ['a third of the requests fail', (i) => (i >= FAULT ? { errors: 16 } : {}), ['errors:red.error_ratio']],
    ['thin traffic, a third fails', (i, rng) => ({ requests: 3, errors: i >= FAULT && rng() < 0.9 ? 1 : 0 }), ['errors:red.error_ratio']],
    ['p95 doubles', (i) => (i >= FAULT ? { p95Ms: 210 } : {}), ['latency:red.p95_ms']],
    ['own time triples', (i) => (i >= FAULT ? { selfMeanMs: 60 } : {}), ['latency:red.self_ms']],
    ['traffic collapses', (i) => (i >= FAULT ? { requests: 8 } : {}), ['traffic_drop:red.requests']],
    ['traffic triples', (i) => (i >= FAULT ? { requests: 170 } : {}), ['traffic_surge:red.requests']],
  ])('%s', (_name, shape, expected) => {
    const { last, all } = run(oneService(shape));
    expect(kinds(last)).toEqual(expected);
    if (expected.length === 0) expect(kinds(all)).toEqual([]);
  });

  it('names onset, value and baseline of a step', () => {
    const { last } = run(oneService((i) => (i >= FAULT ? { errors: 16 } : {})));
    const [anomaly] = last;
    expect(anomaly).toMatchObject({ kind: 'errors', baseline: 0, query: 'service error_ratio web *' });
    expect(anomaly?.onsetMs).toBe(FAULT * 10_000);
    expect(anomaly?.value).toBeGreaterThan(0.25);
    expect(anomaly?.untilMs).toBe(BUCKETS * 10_000);
  });

  it('ends an anomaly when the trouble ends', () => {
    const { all, last } = run(oneService((i) => (i >= 60 && i < 80 ? { errors: 20, p95Ms: 400 } : {})));
    expect(kinds(all)).toEqual(['errors:red.error_ratio', 'latency:red.p95_ms']);
    expect(last).toEqual([]);
  });

  it('judges nothing before the warm-up, and gives the same answer twice', () => {
    expect(run(oneService((i) => (i < 8 ? { errors: 50, p95Ms: 5_000 } : {}))).all).toEqual([]);
    const { observation } = makeShop({ seed: 5, fault: 'slow_dependency' });
    expect(run(observation).all).toEqual(run(observation).all);
  });

  it('holds no more subjects than allowed and counts the rest', () => {
    const { observation } = makeShop({ seed: 5, fault: 'none', minutes: 2 });
    const detector = createDetector({ maxSubjects: 10 });
    detector.push(observation, 0, namedQueries);
    expect(detector.subjects).toBe(10);
    expect(detector.refusedSubjects).toBeGreaterThan(0);
  });

  it('knows a metric series again wherever it stands in the list, and two under one number apart', () => {
    const rng = seededRng(9);
    const series = Array.from({ length: 6 }, (_, s): MetricObservation => {
      const shifts = s % 2 === 1;
      const values = Float64Array.from({ length: BUCKETS }, (_, i) => 100 + 5 * rng() + (shifts && i >= FAULT ? 300 : 0));
      const name = `work.level.${s}`;
      return {
        metric: name,
        unit: '1',
        type: 'gauge',
        service: 'web',
        instance: null,
        host: null,
        labels: '',
        seriesId: s >> 1,
        isRate: false,
        values,
      };
    });
    /** A list that is another one each few buckets: turned, shortened by series that do not shift, longer again. */
    const listAt = (bucket: number): MetricObservation[] => {
      const turned = series.map((_, i) => series[(i + (bucket >> 3)) % series.length] as MetricObservation);
      return bucket % 10 < 5 ? turned : turned.filter((one) => one !== series[0] && one !== series[2]);
    };
    const blank = { ...oneService(() => ({})), services: [] };
    const moving = createDetector();
    const steady = createDetector();
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const found = moving.push({ ...blank, metrics: listAt(bucket) }, bucket, namedQueries);
      expect(found).toEqual(steady.push({ ...blank, metrics: series }, bucket, namedQueries));
      if (bucket === BUCKETS - 1)
        expect(found.map((a) => a.subject.signal).sort()).toEqual(['work.level.1', 'work.level.3', 'work.level.5']);
    }
    expect(moving.subjects).toBe(6);
  });

  /** A processor's use by jobs that come and go; `raised` more of it from FAULT on. */
  const jobs = (seed: number, [pause, work]: readonly [number, number], raised = 0): Observation => {
    const rng = seededRng(seed);
    const busy = new Uint8Array(BUCKETS * 10);
    for (let second = 0; second < busy.length; ) {
      const startSecond = second + Math.ceil(pause * (0.4 + 1.2 * rng()));
      second = startSecond + Math.ceil(work * (0.4 + 1.2 * rng()));
      busy.fill(1, startSecond, second);
    }
    const values = Float64Array.from(
      { length: BUCKETS },
      (_, i) => 0.02 + 0.005 * rng() + 0.9 * busy[i * 10 + 7]! + (i >= FAULT ? raised : 0),
    );
    const of = { metric: 'container.cpu.usage', unit: '{cpu}', type: 'gauge', service: 'reports', instance: null, host: null } as const;
    return {
      ...oneService(() => ({})),
      services: [],
      metrics: [{ ...of, labels: '', seriesId: 1, isRate: false, values }],
    };
  };
  it.each([
    [50, 35],
    [150, 65],
    [210, 90],
  ] as const)('jobs that pause %i s and work %i s are no trouble, however calm they began; three cores more are', (...lengths) => {
    for (let seed = 1; seed <= 20; seed++) expect(kinds(run(jobs(seed, lengths)).all), `seed ${seed}`).toEqual([]);
    for (let seed = 1; seed <= 5; seed++)
      expect(kinds(run(jobs(seed, lengths, 3)).last), `seed ${seed}`).toEqual(['cpu:container.cpu.usage']);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -5, 1e308])('survives %d everywhere', (value) => {
    const hostile: Shape = (i) =>
      i % 3 === 0 ? { requests: value, errors: value, ownErrors: value, p95Ms: value, selfMeanMs: value } : {};
    for (const anomaly of run(oneService(hostile)).all) expect(Number.isFinite(anomaly.score)).toBe(true);
  });
});
