import { describe, expect, it } from 'vitest';
import type { Candidate, Change } from '#contracts/judgement.ts';
import type { MetricObservation, Observation, Placement, ServiceObservation } from '#contracts/observation.ts';
import { namedQueries } from '../../../tests/fixtures/judgement-shop.ts';
import { rankCauses } from '../rank-causes.ts';

const STEP = 10_000;
const BUCKETS = 120;
/** The trouble begins in this bucket. */
const FAULT = 90;
type Health = { readonly selfMs: number; readonly errors: number };
const GOOD: Health = { selfMs: 5, errors: 0.002 };
const SLOW: Health = { selfMs: 600, errors: 0.002 };
const FAILING: Health = { selfMs: 5, errors: 0.45 };
const jitter = (i: number): number => 1 + 0.06 * Math.sin(i * 12.9898);

interface Plan {
  readonly name: string;
  readonly version: string;
  /** Buckets in which it lives, half-open. */
  readonly from: number;
  readonly to: number;
  readonly at: (bucket: number) => Health;
}
const good = (name: string, from = 0, to = BUCKETS, version = '1.0.0'): Plan => ({ name, version, from, to, at: () => GOOD });
const bad = (name: string, health: Health, from = FAULT, version = '1.0.1'): Plan => ({
  name,
  version,
  from,
  to: BUCKETS,
  at: () => health,
});

const blank = (service: string, instance: string | null): ServiceObservation => {
  const values = () => new Float64Array(BUCKETS).fill(Number.NaN);
  return {
    service,
    instance,
    requests: values(),
    errors: values(),
    ownErrors: values(),
    p50Ms: values(),
    p95Ms: values(),
    selfMeanMs: values(),
  };
};
function put(into: ServiceObservation, i: number, requests: number, health: Health): void {
  into.requests[i] = requests;
  into.errors[i] = Math.round(requests * health.errors);
  into.ownErrors[i] = into.errors[i]!;
  into.selfMeanMs[i] = health.selfMs * jitter(i + (into.instance?.length ?? 0));
  into.p50Ms[i] = into.selfMeanMs[i]! * 0.8;
  into.p95Ms[i] = into.selfMeanMs[i]! * 2;
}
/** One service behind an untroubled front; its instances share 60 requests a bucket. */
function world(plans: readonly Plan[], changes: readonly Change[], metrics: readonly MetricObservation[] = []): Observation {
  const whole = blank('cart', null);
  const single = plans.map((plan) => blank('cart', plan.name));
  for (let i = 0; i < BUCKETS; i++) {
    const live = plans.map((plan, at) => ({ plan, one: single[at]! })).filter(({ plan }) => i >= plan.from && i < plan.to);
    const share = Math.round(60 / live.length);
    for (const { plan, one } of live) put(one, i, share, plan.at(i));
    const mean = (of: (health: Health) => number): number => live.reduce((sum, { plan }) => sum + of(plan.at(i)), 0) / live.length;
    put(whole, i, share * live.length, { selfMs: mean((h) => h.selfMs), errors: mean((h) => h.errors) });
    // A mean of errors of single instances must not round away.
    whole.ownErrors[i] = single.reduce((sum, one) => sum + (one.ownErrors[i]! > 0 ? one.ownErrors[i]! : 0), 0);
  }
  const placements = plans.map(
    (plan): Placement => ({
      service: 'cart',
      instance: plan.name,
      host: null,
      version: plan.version,
      firstSeenMs: plan.from * STEP + (plan.from === 0 ? 0 : 1_000),
      lastSeenMs: plan.to * STEP - 1,
    }),
  );
  return {
    startMs: 0,
    stepMs: STEP,
    buckets: BUCKETS,
    services: [whole, ...single],
    edges: [],
    metrics,
    logs: [],
    changes,
    placements,
    facets: [],
  };
}
const deploy = (bucket: number): Change => ({
  atMs: bucket * STEP + 1_000,
  kind: 'deploy',
  service: 'cart',
  instance: null,
  from: '1.0.0',
  to: '1.0.1',
});
const replaced = (bucket: number, from: string, to: string): Change => ({ ...deploy(bucket), kind: 'restart', instance: to, from, to });

/** A pool whose callers wait and which is full, as slow code that holds its connections makes it. */
const waitingPool = (['used', 'pending'] as const).map(
  (state, at): MetricObservation => ({
    metric: state === 'used' ? 'db.client.connection.count' : 'db.client.connection.pending_requests',
    unit: '{connection}',
    type: 'gauge',
    service: 'cart',
    instance: 'cart-a',
    host: null,
    labels: state === 'used' ? 'state=used' : '',
    seriesId: at + 1,
    isRate: false,
    values: Float64Array.from(
      { length: BUCKETS },
      (_, i) => (i < FAULT ? (state === 'used' ? 3 : 0) : state === 'used' ? 20 : 9) + (i % 2) * 0.1,
    ),
  }),
);
function first(observation: Observation): Candidate | undefined {
  const window = { startMs: FAULT * STEP, endMs: BUCKETS * STEP };
  const baseline = { startMs: 0, endMs: FAULT * STEP };
  const symptom = { service: 'cart', kind: 'latency' } as const;
  return rankCauses({ observation, anomalies: [], window, baseline, symptom, top: 3 }, namedQueries).candidates[0];
}
const old = [good('cart-a'), good('cart-bb')];

describe('a deploy on some instances', () => {
  it.each([
    ['slow', SLOW],
    ['failing', FAILING],
  ])('is a bad deploy when the new one is %s beside the old ones, whatever waits for it', (_name, health) => {
    const found = first(world([...old, bad('cart-new', health)], [deploy(FAULT)], waitingPool));
    expect(found).toMatchObject({ service: 'cart', kind: 'bad_deploy', instance: 'cart-new' });
    expect(found?.evidence.map((e) => e.messageKey).slice(0, 2)).toEqual([
      'evidence_change_deploy',
      health === SLOW ? 'evidence_new_self_time' : 'evidence_new_errors',
    ]);
  });
  it('is still convicted fifteen minutes later, when the trouble began with it side by side', () => {
    const late: Plan = { ...bad('cart-new', SLOW, 10), at: (i) => (i < FAULT ? GOOD : SLOW) };
    expect(first(world([...old, late], [deploy(10)]))).toMatchObject({ kind: 'bad_deploy', instance: 'cart-new' });
  });
  it('is not the cause when the old instances are just as slow', () => {
    const sick = (i: number): Health => (i < FAULT ? GOOD : SLOW);
    const all = [...old.map((plan) => ({ ...plan, at: sick })), { ...bad('cart-new', SLOW, FAULT - 6), at: sick }];
    expect(first(world(all, [deploy(FAULT - 6)], waitingPool))?.kind).toBe('pool_exhaustion');
  });
});

describe('a deploy on all instances', () => {
  const rolled = (health: Health, at: number) => [
    good('cart-a', 0, at + 1),
    good('cart-bb', 0, at + 2),
    bad('cart-c', health, at),
    bad('cart-dd', health, at + 1),
  ];
  it('is a bad deploy', () => {
    expect(first(world(rolled(SLOW, FAULT), [deploy(FAULT)], waitingPool))).toMatchObject({ kind: 'bad_deploy', instance: null });
  });
  it('weighs less when its instances did well for ten minutes', () => {
    const well = (i: number): Health => (i < FAULT ? GOOD : SLOW);
    const plans = rolled(SLOW, FAULT - 60).map((plan) => (plan.version === '1.0.1' ? { ...plan, at: well } : plan));
    expect(first(world(plans, [deploy(FAULT - 60)], waitingPool))?.kind).toBe('pool_exhaustion');
  });
  it('tells instances apart that keep their name under the new version', () => {
    const kept = [good('cart-a'), good('cart-bb', 0, FAULT), bad('cart-bb', SLOW, FAULT + 1)];
    const observation = world(kept, [deploy(FAULT)]);
    const [whole, a, before, after] = observation.services;
    for (const key of ['requests', 'errors', 'ownErrors', 'p50Ms', 'p95Ms', 'selfMeanMs'] as const)
      for (let i = FAULT; i < BUCKETS; i++) before![key][i] = after![key][i]!;
    expect(first({ ...observation, services: [whole!, a!, before!] })).toMatchObject({ kind: 'bad_deploy', instance: 'cart-bb' });
  });
});

describe('instances replaced without a new version', () => {
  const plans = (health: Health, before: Health): Plan[] => [
    { ...good('cart-a', 0, FAULT + 1), at: () => before },
    { ...good('cart-bb', 0, FAULT + 2), at: () => before },
    bad('cart-c', health, FAULT, '1.0.0'),
    bad('cart-dd', health, FAULT + 1, '1.0.0'),
  ];
  const changes = [replaced(FAULT, 'cart-a', 'cart-c'), replaced(FAULT + 1, 'cart-bb', 'cart-dd')];
  it('are a bad deploy when the new ones are worse', () => {
    const found = first(world(plans(SLOW, GOOD), changes));
    expect(found).toMatchObject({ kind: 'bad_deploy', instance: null });
    expect(found?.because).toMatch(/no new version/);
  });
  it('tell more than a version that did well for long', () => {
    const found = first(
      world([good('cart-old', 0, 10, '0.9.0'), ...plans(SLOW, GOOD)], [{ ...deploy(0), from: '0.9.0', to: '1.0.0' }, ...changes]),
    );
    expect(found?.because).toMatch(/no new version/);
  });
  it('are none when the old ones were slow (a crash and its cure)', () => {
    const dying = plans(GOOD, GOOD).map((plan) => ({ ...plan, at: (i: number) => (plan.from === 0 && i >= FAULT - 8 ? SLOW : GOOD) }));
    expect(first(world(dying, changes))?.kind).not.toBe('bad_deploy');
  });
});

it('placements that name no known instance, or none at all, change nothing', () => {
  const observation = world([...old, bad('cart-new', SLOW)], [deploy(FAULT)]);
  const stray = { ...observation.placements[0]!, instance: 'ghost', firstSeenMs: Number.NaN, lastSeenMs: Number.POSITIVE_INFINITY };
  expect(first({ ...observation, placements: [stray] })?.kind).toBe('bad_deploy');
  expect(first({ ...observation, placements: [] })?.kind).toBe('bad_deploy');
});
