import type { AlertmanagerConfig, Integration, Route } from '#query/alerting/config.ts';
import { type Matcher, matcherOf } from '#query/alerting/matcher.ts';
import type { Silence } from '#query/alerting/silence.ts';
import type { ReplayGroup } from '#query/rules/replay/planned-rules.ts';

/** What live evaluation and notification are set to: a replay takes the same. */
export interface LiveAlerting {
  /** The rules that are evaluated now. */
  readonly groups: readonly ReplayGroup[];
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
  readonly config: AlertmanagerConfig;
  readonly silences: readonly Silence[];
}
function withMatchers(live: LiveAlerting, each: (matcher: Matcher) => Matcher): LiveAlerting {
  const { config, silences } = live;
  const all = (matchers: readonly Matcher[]): Matcher[] => matchers.map(each);
  const routeOf = (route: Route): Route => ({ ...route, matchers: all(route.matchers), routes: route.routes.map(routeOf) });
  return {
    ...live,
    config: {
      ...config,
      route: routeOf(config.route),
      inhibitRules: config.inhibitRules.map((rule) => ({ ...rule, source: all(rule.source), target: all(rule.target) })),
    },
    silences: silences.map((silence) => ({ ...silence, matchers: all(silence.matchers) })),
  };
}
/** Of an integration its name and whether it wants to hear the end: a replay delivers nothing, and has no business with secrets. */
const bare = (each: Integration): Integration => {
  const { index, sendResolved, line } = each;
  return { kind: 'foreign', type: each.kind === 'foreign' ? each.type : each.kind, index, sendResolved, line };
};

/** As a message to a thread: functions cannot be carried. */
export function toCarry(live: LiveAlerting): LiveAlerting {
  const { config } = live;
  const receivers = config.receivers.map(({ name, integrations }) => ({ name, integrations: integrations.map(bare) }));
  const plain = { ...live, config: { ...config, receivers } };
  return withMatchers(plain, ({ name, operator, value }) => ({ name, operator, value }) as Matcher);
}
export const carried = (live: LiveAlerting): LiveAlerting =>
  withMatchers(live, ({ name, operator, value }) => matcherOf(name, operator, value));
