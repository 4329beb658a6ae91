import { describe, expect, it } from 'vitest';
import type { ObservationPart } from '#store/read/read-observation.ts';
import { ObservationRing } from './observation-ring.ts';

const STEP = 10_000;
const none = Number.NaN;
function part(startMs: number, requests: readonly number[], more: Partial<ObservationPart> = {}): ObservationPart {
  const array = (): Float64Array => Float64Array.from(requests);
  const service = {
    service: 'a',
    instance: null,
    requests: array(),
    errors: array(),
    ownErrors: array(),
    p50Ms: array(),
    p95Ms: array(),
    selfMeanMs: array(),
  };
  return {
    startMs,
    stepMs: STEP,
    buckets: requests.length,
    services: [service],
    edges: [],
    metrics: [],
    logs: [],
    changes: [],
    placements: [],
    facets: [],
    starts: [],
    alive: new Map(),
    leftOut: 0,
    ...more,
  };
}
const requestsOf = (ring: ObservationRing): number[] => [...(ring.view().services[0]?.requests ?? [])];
function ringAt(endMs: number, buckets = 5, maxRows?: number): ObservationRing {
  const ring = new ObservationRing(STEP, buckets, maxRows);
  ring.reset(endMs);
  return ring;
}

describe('ObservationRing', () => {
  it('puts a part where its time says', () => {
    const ring = ringAt(100_000);
    ring.merge(part(70_000, [1, 2]));
    expect(requestsOf(ring)).toEqual([none, none, 1, 2, none]);
  });
  it('keeps what a log record says was deployed, told once, beside what new versions tell', () => {
    const ring = ringAt(100_000);
    const deploy = { atMs: 90_000, kind: 'deploy', service: 'a', instance: null, from: '', to: 'release 7 finished' } as const;
    const derived = { ...deploy, from: '1', to: '2' };
    const config = { ...deploy, kind: 'config', to: 'pool 10' } as const;
    ring.merge(part(70_000, [1, 2], { changes: [deploy, derived, config] }));
    ring.merge(part(80_000, [1, 2], { changes: [deploy, config] }));
    expect(ring.view().changes).toEqual([deploy, config]);
  });
  it('moves along and forgets', () => {
    const ring = ringAt(100_000);
    ring.merge(part(50_000, [1, 2, 3, 4, 5]));
    ring.advance(120_000);
    expect(requestsOf(ring)).toEqual([3, 4, 5, none, none]);
    expect(ring.startMs).toBe(70_000);
  });
  it('gives the same whether read in one part or cell by cell', () => {
    const whole = ringAt(100_000);
    whole.merge(part(50_000, [1, 2, 3, 4, 5]));
    const stepwise = ringAt(60_000);
    for (let i = 0; i < 5; i++) {
      stepwise.advance(60_000 + i * STEP);
      stepwise.merge(part(50_000 + i * STEP, [i + 1]));
    }
    expect(stepwise.view()).toEqual(whole.view());
  });
  it('lets late rows replace a cell, and silence leave it', () => {
    const ring = ringAt(100_000);
    ring.merge(part(80_000, [1, 2]));
    ring.merge(part(80_000, [7, none]));
    expect(requestsOf(ring)).toEqual([none, none, none, 7, 2]);
  });
  it('counts zero where a service is heard by other signals only', () => {
    const ring = ringAt(100_000);
    ring.merge(part(50_000, [4]));
    ring.merge(part(80_000, [none, none], { services: [], alive: new Map([['a', Uint8Array.from([0, 1])]]) }));
    expect(requestsOf(ring)).toEqual([4, none, none, 0, 0]);
  });
  it('drops a row nothing is left of', () => {
    const ring = ringAt(100_000);
    ring.merge(part(50_000, [1]));
    ring.advance(110_000);
    expect(ring.view().services).toEqual([]);
  });
  it('survives a leap beyond its length', () => {
    const ring = ringAt(100_000);
    ring.merge(part(50_000, [1, 2, 3, 4, 5]));
    ring.advance(100_000_000);
    ring.merge(part(100_000_000 - STEP, [9]));
    expect(requestsOf(ring)).toEqual([none, none, none, none, 9]);
  });
  it('refuses rows beyond its limit and counts them', () => {
    const ring = ringAt(100_000, 5, 1);
    ring.merge(part(50_000, [1]));
    const other = part(50_000, [2]);
    ring.merge({ ...other, services: [{ ...(other.services[0] as (typeof other.services)[0]), service: 'b' }] });
    expect(ring.view().services.map((s) => s.service)).toEqual(['a']);
    expect(ring.refused).toBe(1);
  });
  it('finds a deployment across parts', () => {
    const ring = ringAt(600_000, 60);
    const seen = (version: string, from: number, to: number) => ({
      service: 'a',
      instance: 'i',
      host: null,
      version,
      firstSeenMs: from,
      lastSeenMs: to,
    });
    ring.merge(part(10_000, [1], { placements: [seen('1', 10_000, 19_000)] }));
    ring.merge(part(300_000, [1], { placements: [seen('2', 305_000, 309_000)] }));
    ring.merge(part(310_000, [1], { placements: [seen('2', 310_000, 319_000)] }));
    expect(ring.view().changes).toEqual([{ atMs: 305_000, kind: 'deploy', service: 'a', instance: null, from: '1', to: '2' }]);
  });
});
