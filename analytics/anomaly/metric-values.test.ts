import { expect, it } from 'vitest';
import type { MetricObservation, Observation } from '#contracts/observation.ts';
import { MetricValues } from './metric-values.ts';

const observation = (lists: readonly (readonly number[])[], buckets: number): Observation => ({
  startMs: 0,
  stepMs: 10_000,
  buckets,
  services: [],
  edges: [],
  metrics: lists.map((values) => ({ values: Float64Array.from(values) }) as unknown as MetricObservation),
  logs: [],
  changes: [],
  placements: [],
  facets: [],
});

it('gives one bucket of every series, in any order of asking, from whatever observation is asked about', () => {
  const buckets = 100;
  const [one, two] = [3, 7].map((series) =>
    observation(
      Array.from({ length: series }, (_, s) => Array.from({ length: buckets }, (_, b) => 1_000 * series + 100 * s + b)),
      buckets,
    ),
  ) as [Observation, Observation];
  const values = new MetricValues();
  const asked: [Observation, number][] = [...Array.from({ length: buckets }, (_, b): [Observation, number] => [one, b])];
  asked.push([one, 4], [two, 5], [two, 6], [one, 99], [two, 98], [two, 99]);
  for (const [of, bucket] of asked) expect([...values.at(of, bucket)]).toEqual(of.metrics.map((m) => m.values[bucket]));
});
it('is NaN where a series is shorter, and nothing where there are no series', () => {
  const values = new MetricValues();
  expect([...values.at(observation([[1, 2, 3], [4]], 3), 2)]).toEqual([3, Number.NaN]);
  expect([...values.at(observation([], 3), 0)]).toEqual([]);
});
