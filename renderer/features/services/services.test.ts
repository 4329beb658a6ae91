import { describe, expect, it } from 'vitest';
import { edgeWidth, healthOf, middleOf, neighbourhood, roundedPath, type ServiceNode, sortNodes } from './map-model.ts';
import { readRed } from './red-model.ts';

const node = (service: string, more: Partial<ServiceNode> = {}): ServiceNode => ({
  service,
  kind: 'service',
  requests: 100,
  ratePerSecond: 1,
  errorRatio: 0,
  p50Ms: 1,
  p95Ms: 2,
  version: null,
  instances: 1,
  openIncident: null,
  ...more,
});
const edge = (from: string, to: string) => ({ from, to, requests: 1, ratePerSecond: 1, errorRatio: 0, p95Ms: 1 });

describe('health', () => {
  it.each([
    [{ requests: 0, errorRatio: 0 }, 'quiet'],
    [{ errorRatio: 0.009 }, 'good'],
    [{ errorRatio: 0.01 }, 'poor'],
    [{ errorRatio: 0.05 }, 'bad'],
  ])('%j is %s', (more, health) => expect(healthOf(node('a', more))).toBe(health));
  it('worst first, those that send nothing themselves last', () =>
    expect(
      sortNodes([
        node('ok'),
        node('db', { kind: 'database', errorRatio: 1 }),
        node('bad', { errorRatio: 0.2 }),
        node('open', { openIncident: 'i' }),
      ]).map((n) => n.service),
    ).toEqual(['open', 'bad', 'ok', 'db']));
});
describe('neighbourhood', () => {
  const map = { nodes: ['a', 'b', 'c', 'd'].map((name) => node(name)), edges: [edge('a', 'b'), edge('b', 'c'), edge('c', 'd')] };
  it.each([
    ['b', 1, ['a', 'b', 'c']],
    ['a', 1, ['a', 'b']],
    ['a', 9, ['a', 'b', 'c', 'd']],
    ['nobody', 1, []],
  ])('of %s within %i', (focus, steps, names) => expect(neighbourhood(map, focus, steps).nodes.map((n) => n.service)).toEqual(names));
  it('keeps only the calls on the way', () => {
    const triangle = { nodes: map.nodes, edges: [edge('a', 'b'), edge('a', 'c'), edge('b', 'c'), edge('c', 'd')] };
    expect(neighbourhood(triangle, 'a', 1).edges).toEqual([edge('a', 'b'), edge('a', 'c')]);
  });
});
it('an edge grows with its rate, within bounds', () => {
  expect(edgeWidth(0)).toBe(1);
  expect(edgeWidth(-1)).toBe(1);
  expect(edgeWidth(1e12)).toBe(6);
});
it('a path turns its corners round and has its middle on it', () => {
  const corner = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
    { x: 100, y: 100 },
  ];
  expect(roundedPath(corner)).toBe('M0 0L92 0Q100 0 100 8L100 100');
  expect(middleOf(corner)).toEqual({ x: 100, y: 0 });
  expect(middleOf([])).toEqual({ x: 0, y: 0 });
  expect(roundedPath([])).toBe('');
});
it('no request means no duration and no ratio, but a rate of zero', () => {
  const columns: Record<string, number[]> = {
    time: [0, 10_000],
    requests: [20, 0],
    errors: [5, 0],
    p50_ms: [1, 0],
    p95_ms: [2, 0],
    p99_ms: [3, Number.NaN],
  };
  const table = {
    times: (name: string) => Float64Array.from(columns[name]!),
    numbers: (name: string) => Float64Array.from(columns[name]!),
  };
  const red = readRed(table, 10_000);
  expect(red.rate).toEqual([2, 0]);
  expect(red.errorRatio).toEqual([0.25, null]);
  expect(red.p95Ms).toEqual([2, null]);
  const cut = readRed(table, 10_000, columns.time[1]! + 5_000);
  expect([cut.times, cut.rate, cut.p95Ms]).toEqual([[columns.time[0]], [2], [2]]);
});
