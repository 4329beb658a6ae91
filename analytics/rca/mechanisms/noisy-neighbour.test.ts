import { expect, it } from 'vitest';
import type { Candidate, CauseKind } from '#contracts/judgement.ts';
import type { MetricObservation, Observation, Placement, ServiceObservation } from '#contracts/observation.ts';
import { namedQueries } from '../../../tests/fixtures/judgement-shop.ts';
import { rankCauses } from '../rank-causes.ts';

const STEP = 10_000;
const BUCKETS = 120;
const FAULT = 90;
const series = (before: number, after: number): Float64Array =>
  Float64Array.from({ length: BUCKETS }, (_, i) => (i < FAULT ? before : after) * (1 + 0.03 * Math.sin(i * 12.9898)));

/** A slow service beside a batch job on one host: its processor use, and perhaps the host's own. */
function world(batch: readonly [number, number], host: readonly [number, number] | null): Observation {
  const cart: ServiceObservation = {
    service: 'cart',
    instance: null,
    requests: series(60, 60),
    errors: new Float64Array(BUCKETS),
    ownErrors: new Float64Array(BUCKETS),
    p50Ms: series(5, 300),
    p95Ms: series(12, 700),
    selfMeanMs: series(6, 350),
  };
  const metric = (name: string, service: string, values: Float64Array, seriesId: number): MetricObservation => ({
    metric: name,
    unit: '{cpu}',
    type: 'gauge',
    service,
    instance: `${service}-1`,
    host: 'node-1',
    labels: '',
    seriesId,
    isRate: false,
    values,
  });
  const metrics = [metric('container.cpu.usage', 'batch', series(...batch), 1), metric('container.cpu.usage', 'cart', series(0.2, 0.2), 2)];
  if (host !== null) metrics.push({ ...metric('system.cpu.utilization', 'agent', series(...host), 3), labels: 'state=user' });
  const place = (service: string): Placement => ({
    service,
    instance: `${service}-1`,
    host: 'node-1',
    version: '1',
    firstSeenMs: 0,
    lastSeenMs: BUCKETS * STEP,
  });
  const placements = ['cart', 'batch'].map(place);
  return {
    startMs: 0,
    stepMs: STEP,
    buckets: BUCKETS,
    services: [cart],
    edges: [],
    metrics,
    logs: [],
    changes: [],
    placements,
    facets: [],
  };
}

function firstOf(observation: Observation): Candidate | undefined {
  const window = { startMs: FAULT * STEP, endMs: BUCKETS * STEP };
  const baseline = { startMs: 0, endMs: FAULT * STEP };
  const symptom = { service: 'cart', kind: 'latency' } as const;
  return rankCauses({ observation, anomalies: [], window, baseline, symptom, top: 3 }, namedQueries).candidates[0];
}

it('a batch job that only does what it does now and then', () => {
  const observation = world([0.02, 0.13], [0.3, 0.32]);
  const spiky = observation.metrics.map((m) =>
    m.service === 'batch' ? { ...m, values: m.values.map((v, i) => (i % 12 === 5 ? 0.9 : v)) } : m,
  );
  expect(firstOf({ ...observation, metrics: spiky })).toMatchObject({ kind: 'unknown', service: 'cart' });
});
it.each<[string, readonly [number, number], readonly [number, number] | null, CauseKind]>([
  ['takes six cores', [0.1, 6], null, 'noisy_neighbour'],
  ['takes three more of eight cores, which the host feels', [4, 7], [0.5, 0.95], 'noisy_neighbour'],
  ['flutters', [0.08, 0.13], null, 'unknown'],
  ['flutters while the host idles on', [0.08, 0.13], [0.3, 0.3], 'unknown'],
])('a batch job that %s', (_name, batch, host, kind) => {
  const first = firstOf(world(batch, host));
  expect(first).toMatchObject({ kind, service: kind === 'unknown' ? 'cart' : 'batch' });
});
