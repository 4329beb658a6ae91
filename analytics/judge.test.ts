import { describe, expect, it } from 'vitest';
import type { RcaResult } from '#contracts/judgement.ts';
import type { Observation } from '#contracts/observation.ts';
import { makeShop, namedQueries, type Shop, type ShopPlan } from '../tests/fixtures/judgement-shop.ts';
import { seededRng } from '../tests/fixtures/seeded-rng.ts';
import { judgeWindow, replay } from './judge.ts';

const FAULTS = ['bad_deploy', 'slow_dependency', 'pool_exhaustion', 'memory_leak', 'error_burst', 'noisy_neighbour'] as const;
const SEEDS = 12;
const endOf = (o: Observation): number => o.startMs + o.buckets * o.stepMs;
const judge = (shop: Shop, observation = shop.observation, judgement = replay(observation, namedQueries)): RcaResult => {
  const window = { startMs: shop.faultMs - 60_000, endMs: endOf(observation) };
  return judgeWindow(observation, { window, service: null, top: 5 }, namedQueries, judgement);
};

describe.each(FAULTS)('%s', (fault) => {
  it('is named first in at least 11 of 12 worlds, as what it is, and is one incident', () => {
    let [first, kind, opened, split] = [0, 0, 0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const shop = makeShop({ seed: 9000 + seed, fault });
      const judgement = replay(shop.observation, namedQueries);
      const { incidents } = judgement;
      opened += incidents.length > 0 ? 1 : 0;
      split += incidents.length > 1 ? 1 : 0;
      const top = judge(shop, shop.observation, judgement).candidates[0];
      if (top?.service === shop.culprit) first++;
      if (top?.service === shop.culprit && top?.kind === fault) kind++;
    }
    expect(first).toBeGreaterThanOrEqual(11);
    expect(kind).toBeGreaterThanOrEqual(11);
    expect(opened).toBeGreaterThanOrEqual(11);
    expect(split).toBeLessThanOrEqual(1);
  });
});

describe('a calm hour', () => {
  it.each<[string, Partial<ShopPlan>]>([
    ['at 10 s', {}],
    ['at 5 s', { stepMs: 5_000 }],
    ['at 60 s', { stepMs: 60_000, minutes: 180 }],
    ['thin', { rate: 4 }],
  ])('opens nothing and confirms nothing, %s', (_name, plan) => {
    for (let seed = 1; seed <= 5; seed++) {
      const shop = makeShop({ seed: 5_000 + seed, fault: 'none', minutes: 60, ...plan });
      const judgement = replay(shop.observation, namedQueries);
      expect(judgement.incidents.map((i) => i.title)).toEqual([]);
      const result = judge({ ...shop, faultMs: endOf(shop.observation) - 900_000 }, shop.observation, judgement);
      expect(result.verdict).toBe('inconclusive');
    }
  });
});

describe('laws', () => {
  const shuffled = <T>(items: readonly T[], rng: () => number): T[] =>
    items
      .map((item) => ({ item, key: rng() }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);

  it.each(FAULTS)('the order of services, edges and series does not change the ranking: %s', (fault) => {
    const shop = makeShop({ seed: 77, fault });
    const rng = seededRng(1);
    const o = shop.observation;
    const mixed = {
      ...o,
      services: shuffled(o.services, rng),
      edges: shuffled(o.edges, rng),
      metrics: shuffled(o.metrics, rng),
      facets: shuffled(o.facets, rng),
      placements: shuffled(o.placements, rng),
    };
    const brief = (r: RcaResult) => r.candidates.map((c) => [c.service, c.kind, c.role, Math.round(c.score * 1000)]);
    const [ofMixed, ofShop] = [judge(shop, mixed), judge(shop)];
    expect(brief(ofMixed)).toEqual(brief(ofShop));
    expect(ofMixed.impacted).toEqual(ofShop.impacted);
  });

  it.each(FAULTS)('ten times the traffic has the same cause: %s', (fault) => {
    const shop = makeShop({ seed: 78, fault });
    const o = shop.observation;
    const times = (values: Float64Array): Float64Array => values.map((v) => 10 * v);
    const services = o.services.map((s) => ({ ...s, requests: times(s.requests), errors: times(s.errors), ownErrors: times(s.ownErrors) }));
    const edges = o.edges.map((e) => ({ ...e, requests: times(e.requests), errors: times(e.errors) }));
    expect(judge(shop, { ...o, services, edges }).candidates[0]?.service).toBe(judge(shop).candidates[0]?.service);
  });

  it.each(FAULTS)('every candidate has evidence with its own number and query: %s', (fault) => {
    const result = judge(makeShop({ seed: 79, fault }));
    const rows = result.candidates.flatMap((c) => c.evidence);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((row) => row.id)).toEqual(rows.map((_, i) => `E${i + 1}`));
    for (const row of rows) {
      expect(row.query).not.toBe('');
      expect(row.says).not.toMatch(/NaN|undefined|Infinity/);
    }
    expect(result.narrative).toContain('[E1]');
    expect(result.candidates[0]?.role).toBe('cause');
  });

  it('a service without metrics, logs, changes and placements is still found', () => {
    const shop = makeShop({ seed: 80, fault: 'bad_deploy' });
    const bare = { ...shop.observation, metrics: [], logs: [], changes: [], placements: [], facets: [] };
    expect(judge(shop, bare).candidates[0]?.service).toBe(shop.culprit);
  });

  it('an empty observation has no cause and says so', () => {
    const empty: Observation = {
      startMs: 0,
      stepMs: 10_000,
      buckets: 0,
      services: [],
      edges: [],
      metrics: [],
      logs: [],
      changes: [],
      placements: [],
      facets: [],
    };
    const result = judgeWindow(empty, { window: { startMs: 0, endMs: 60_000 }, service: 'nobody', top: 3 }, namedQueries);
    expect(result).toMatchObject({ verdict: 'inconclusive', candidates: [], impacted: [] });
  });
});
