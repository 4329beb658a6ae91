import { routeTestBodySchema, routeTestSchema, routingSchema } from '#contracts/alert-routing.ts';
import type { Route as AlertRoute } from '#query/alerting/config.ts';
import { groupLabelsOf } from '#query/alerting/dispatcher.ts';
import { matchesAll, printMatcher } from '#query/alerting/matcher.ts';
import { printInterval } from '#query/alerting/print-interval.ts';
import { silenceState } from '#query/alerting/silence.ts';
import { isWithinAny } from '#query/alerting/time-interval.ts';
import { entriesOf, labelsOf } from '#query/promql/labels.ts';
import { type Route, route } from './route.ts';

/** All routes, each before those in it: the places the overview lists them at. */
function* placed(node: AlertRoute, above: readonly AlertRoute[] = []): Iterable<{ node: AlertRoute; above: readonly AlertRoute[] }> {
  yield { node, above };
  for (const child of node.routes) yield* placed(child, [...above, node]);
}

export const alertRoutingRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/alerting/routing',
    summary: 'Inhibition rules and time intervals of the Alertmanager configuration in force.',
    answer: routingSchema,
    async handle({ engine: { parts } }) {
      const { inhibitRules, timeIntervals } = parts.notifier.config.current;
      return {
        inhibitRules: inhibitRules.map(({ source, target, equal }) => ({
          source: source.map(printMatcher),
          target: target.map(printMatcher),
          equal: [...equal],
        })),
        timeIntervals: [...timeIntervals.values()].map((interval) => ({
          name: interval.name,
          says: interval.intervals.map(printInterval),
          isNow: isWithinAny(interval, parts.nowMs()),
        })),
      };
    },
  }),
  route({
    method: 'post',
    path: '/console/alerting/routing/test',
    summary: 'Which way an alert of these labels would go now: routes that take it, groups it would be in, silences that hold for it.',
    body: routeTestBodySchema,
    answer: routeTestSchema,
    async handle({ engine: { parts }, body }) {
      const { config, dispatcher, silences } = parts.notifier;
      const labels = labelsOf(Object.entries(body.labels));
      const taking = new Set(dispatcher.routesOf(labels));
      const all = [...placed(config.current.route)];
      const passing = new Set(all.filter(({ node }) => taking.has(node)).flatMap(({ above }) => above));
      const placesOf = (wanted: ReadonlySet<AlertRoute>): number[] => all.flatMap(({ node }, at) => (wanted.has(node) ? [at] : []));
      const nowMs = parts.nowMs();
      return {
        taken: placesOf(taking),
        passed: placesOf(passing),
        ends: [...taking].map((way) => ({
          receiver: way.receiver,
          groupLabels: Object.fromEntries(entriesOf(groupLabelsOf(way, labels))),
        })),
        silencedBy: silences.list().filter((each) => silenceState(each, nowMs) === 'active' && matchesAll(each.matchers, labels)).length,
      };
    },
  }),
];
