import { expect, it } from 'vitest';
import { correlateAlerts } from './correlate-alerts.ts';
import { type Firing, findNoise } from './find-noise.ts';

const MINUTE = 60_000;
const window = { startMs: 0, endMs: 2_000 * MINUTE };
const firing = (name: string, from: number, to: number | null, labels: Record<string, string> = {}): Firing => ({
  ...{ name, labels: { alertname: name, ...labels }, key: JSON.stringify([name, labels]) },
  ...{ fromMs: from * MINUTE, toMs: to === null ? null : to * MINUTE },
});
const never = (): boolean => false;
const always = (): boolean => true;

it('an alert that comes back at once flaps; one that comes back the next day does not', () => {
  const flaps = [0, 5, 10, 15, 20, 25].map((at) => firing('Flaps', at, at + 3, { service: 'cart' }));
  const calm = [0, 300, 600, 900, 1_200, 1_500].map((at) => firing('Calm', at, at + 3, { service: 'pay' }));
  expect(findNoise([...flaps, ...calm], always, window)).toMatchObject([
    { kind: 'flapping', alerts: ['Flaps'], firings: 6, middleMs: 2 * MINUTE, example: { service: 'cart' } },
  ]);
});
it('what nobody ever acted on is named, and one action is enough', () => {
  const all = [0, 300, 600].map((at) => firing('Ignored', at, at + 30));
  expect(findNoise(all, never, window)).toMatchObject([{ kind: 'never_acted', alerts: ['Ignored'], firings: 3, middleMs: 30 * MINUTE }]);
  expect(findNoise(all, ({ fromMs }) => fromMs === 300 * MINUTE, window)).toEqual([]);
});
it('duplicates have the same times and labels, alerts that are always together only the times', () => {
  const at = [0, 300, 700];
  const down = at.map((from) => firing('Down', from, from + 20, { instance: 'a', job: 'x' }));
  const twin = at.map((from) => firing('Twin', from + 1, from + 20, { instance: 'a' }));
  const slow = at.map((from) => firing('Slow', from + 1, from + 200, { service: 'web' }));
  const found = findNoise([...down, ...twin, ...slow], always, window);
  expect(found.find(({ alerts }) => alerts.join() === 'Down,Twin')).toMatchObject({ kind: 'duplicate', share: 1, equal: ['instance'] });
  expect(found.filter(({ alerts }) => alerts.includes('Slow')).map(({ kind }) => kind)).toEqual(['together', 'together']);
  expect(findNoise([...down, ...twin.slice(0, 1)], always, window)).toEqual([]);
});
it('alerts of services that call each other are a group, and each stays itself', () => {
  const all = [
    firing('Errors', 0, 30, { service: 'cart' }),
    firing('Latency', 3, 40, { service: 'web' }),
    firing('DiskFull', 4, 9, { service: 'batch' }),
    firing('Errors', 1_000, 1_030, { service: 'cart' }),
    firing('ErrorsHigh', 1_001, null, { zone: 'errors cart' }),
  ];
  const groups = correlateAlerts(all, [['web', 'cart']], window);
  expect(groups).toMatchObject([
    { firings: [all[0], all[1]], because: ['time', 'calls'], services: ['cart', 'web'] },
    { firings: [all[3], all[4]], because: ['time', 'text'], services: ['cart'] },
  ]);
  expect(correlateAlerts(all.slice(0, 3), [], window)).toEqual([]);
});
