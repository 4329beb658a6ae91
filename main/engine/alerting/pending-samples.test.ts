import { describe, expect, it } from 'vitest';
import { labelsOf } from '#query/promql/labels.ts';
import { floatSeries, type StoredSeries, staleFlags, staleMarkers } from '#query/promql/value.ts';
import type { WrittenSample } from '#query/rules/sample.ts';
import { PendingSamples } from './pending-samples.ts';

const labels = (job: string) => labelsOf(Object.entries({ __name__: 'm', job }));
const sample = (job: string, atMs: number, value: number, isStale = false): WrittenSample => ({
  labels: labels(job),
  atMs,
  value,
  isStale,
});
const matchers = [{ name: '__name__', operator: '=', value: 'm' }] as const;
const stored = (job: string, points: readonly (readonly [number, number])[]): StoredSeries =>
  floatSeries(
    labels(job),
    Float64Array.from(points, ([ms]) => ms),
    Float64Array.from(points, ([, value]) => value),
  );
const shown = (series: readonly StoredSeries[]) =>
  series.map(({ labels: { values }, times, values: found }) => [
    values[1],
    [...times].map((ms, i) => [ms, staleFlags(found)?.[i] === 1 ? 'stale' : found[i]]),
  ]);

describe('samples on their way', () => {
  it('stand with those of the store, which win where both have one', () => {
    const pending = new PendingSamples();
    pending.add([sample('a', 20, 2), sample('a', 30, 3), sample('b', 30, 9)]);
    const series = [
      stored('a', [
        [10, 1],
        [20, 5],
      ]),
      stored('c', [[10, 7]]),
    ];
    expect(shown(pending.merge(series, matchers, 0, 30))).toEqual([
      [
        'a',
        [
          [10, 1],
          [20, 5],
          [30, 3],
        ],
      ],
      ['c', [[10, 7]]],
      ['b', [[30, 9]]],
    ]);
  });
  it('are not seen outside of the window, by other names, or once they are gone', () => {
    const pending = new PendingSamples();
    const batch = [sample('a', 20, 2)];
    pending.add(batch);
    expect(pending.merge([], matchers, 20, 30)).toEqual([]);
    expect(pending.merge([], matchers, 0, 19)).toEqual([]);
    expect(pending.merge([], [{ name: 'job', operator: '!=', value: 'a' }], 0, 30)).toEqual([]);
    pending.remove(batch);
    pending.remove(batch);
    expect(pending.merge([], matchers, 0, 30)).toEqual([]);
    expect(pending.size).toBe(0);
  });
  it('stay while somebody works with what the store was before', async () => {
    const pending = new PendingSamples();
    const batch = [sample('a', 20, 2)];
    pending.add(batch);
    await pending.hold(async () => {
      pending.remove(batch);
      expect(pending.merge([], matchers, 0, 30)).toHaveLength(1);
    });
    expect(pending.merge([], matchers, 0, 30)).toEqual([]);
  });
  it('keep stale markers, their own and those of the store', () => {
    const pending = new PendingSamples();
    const series = stored('a', [
      [10, 1],
      [20, 0],
    ]);
    staleMarkers(series.values, 1);
    pending.add([sample('a', 30, 0, true), sample('a', 5, 4)]);
    expect(shown(pending.merge([series], matchers, 0, 30))).toEqual([
      [
        'a',
        [
          [5, 4],
          [10, 1],
          [20, 'stale'],
          [30, 'stale'],
        ],
      ],
    ]);
  });
});
