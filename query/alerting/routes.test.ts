import { expect, it } from 'vitest';
import { labelsOf } from '#query/promql/labels.ts';
import { DEFAULT_CONFIG, type Route } from './config.ts';
import { matcherOf } from './matcher.ts';
import { RouteTree, regrouped } from './routes.ts';

const route = (receiver: string, matchers: Route['matchers'], routes: readonly Route[] = []): Route => ({
  ...{ ...DEFAULT_CONFIG.route, receiver, matchers, routes, groupBy: ['alertname'], key: receiver },
});
const root = route(
  'nobody',
  [],
  [route('carts', [matcherOf('service', '=', 'cart')]), route('mails', [matcherOf('service', '=', 'mail')])],
);
const ways = (from: Route, alertname: string, service: string): unknown[] =>
  new RouteTree(from)
    .match(labelsOf(Object.entries({ alertname, service })))
    .map(({ receiver, groupBy, groupWaitMs }) => [receiver, groupBy, groupWaitMs]);

it('alerts that are grouped otherwise go where they went, and no others do', () => {
  const taken = new Set(new RouteTree(root).match(labelsOf(Object.entries({ alertname: 'Down', service: 'cart' }))));
  const changed = regrouped(root, taken, [matcherOf('alertname', '=~', 'Down|Slow')], ['service']);
  expect(ways(changed, 'Down', 'cart')).toEqual([['carts', ['service'], DEFAULT_CONFIG.route.groupWaitMs]]);
  for (const [name, service] of [
    ['Full', 'cart'],
    ['Down', 'mail'],
    ['Down', 'other'],
  ] as const)
    expect(ways(changed, name, service)).toEqual(ways(root, name, service));
});
