import { describe, expect, it } from 'vitest';
import type { Placement } from '#contracts/observation.ts';
import { deriveChanges } from './derive-changes.ts';

const MINUTE = 60_000;
const place = (instance: string, version: string | null, from: number, to: number): Placement => ({
  service: 'checkout',
  instance,
  host: 'h1',
  version,
  firstSeenMs: from * MINUTE,
  lastSeenMs: to * MINUTE,
});
const said = (places: Placement[]) =>
  deriveChanges(places, [], 0).map(({ atMs, kind, instance, from, to }) => [atMs / MINUTE, kind, instance, from, to]);

describe('deriveChanges', () => {
  it('sees nothing in instances that were always there', () => {
    expect(said([place('a', '1', 0, 30), place('b', '1', 0, 30)])).toEqual([]);
  });
  it('calls a version not seen before a deployment, and the instances it brings a part of it', () => {
    expect(said([place('a', '1', 0, 10), place('b', '2', 10.2, 30)])).toEqual([[10.2, 'deploy', null, '1', '2']]);
  });
  it('sees a deployment under the same instance name', () => {
    expect(said([place('a', '1', 0, 10), place('a', '2', 10, 30)])).toEqual([[10, 'deploy', null, '1', '2']]);
  });
  it('calls a roll-back a deployment, once, whatever number of instances it takes', () => {
    const rolled = [place('a', '1', 0, 10), place('b', '1', 0, 10), place('c', '2', 10, 20), place('d', '2', 10, 20.5)];
    expect(said([...rolled, place('e', '1', 20, 30), place('f', '1', 20.4, 30)])).toEqual([
      [10, 'deploy', null, '1', '2'],
      [20, 'deploy', null, '2', '1'],
    ]);
  });
  it('does not take two versions that run side by side for roll-backs', () => {
    const steady = [place('a', '1', 0, 60), place('b', '2', 0, 60)];
    expect(said([...steady, place('c', '1', 20, 60), place('d', '2', 30, 60)]).filter(([, kind]) => kind === 'deploy')).toEqual([]);
    const jobs = [place('a', '1', 0, 60), place('j1', '2', 1, 3), place('b', '1', 10, 60), place('j2', '2', 21, 23)];
    expect(said(jobs).filter(([, kind]) => kind === 'deploy')).toEqual([[1, 'deploy', null, '1', '2']]);
  });
  it('calls an instance that takes the place of another a restart', () => {
    expect(said([place('a', '1', 0, 10), place('b', '1', 10.5, 30)])).toEqual([[10.5, 'restart', 'b', 'a', 'b']]);
  });
  it('calls one more instance a scale-out', () => {
    expect(said([place('a', '1', 0, 30), place('b', '1', 10, 30)])).toEqual([[10, 'scale', 'b', '', 'b']]);
  });
  it('does not call the first instance of a service news', () => {
    expect(said([place('a', '1', 10, 30)])).toEqual([]);
  });
  it('sees a process start move forward, and not its rounding', () => {
    const start = (startedMs: number) => ({ service: 'checkout', instance: 'a', startedMs, seenMs: startedMs });
    const changes = deriveChanges([place('a', '1', 0, 30)], [start(60_000), start(60_900), start(900_000)], 30_000);
    expect(changes.map((c) => [c.kind, c.atMs, c.instance])).toEqual([['restart', 900_000, 'a']]);
  });
  it('does not depend on the order of what it is given', () => {
    const places = [place('a', '1', 0, 10), place('b', '2', 10.2, 30), place('c', '2', 20, 30)];
    expect(deriveChanges([...places].reverse(), [], 0)).toEqual(deriveChanges(places, [], 0));
  });
});
