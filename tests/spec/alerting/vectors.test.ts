import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { receivedAlert } from '#query/alerting/alert.ts';
import type { InhibitRule } from '#query/alerting/config.ts';
import { Inhibitor } from '#query/alerting/inhibitor.ts';
import { matcherOf } from '#query/alerting/matcher.ts';
import { readConfig } from '#query/alerting/read-config.ts';
import { RouteTree } from '#query/alerting/routes.ts';
import { type Labels, labelsOf } from '#query/promql/labels.ts';

/** Alertmanager's own cases (vectors.json says of which files and commit; a copy of shared/data/slo/alertmanager_vectors.json). */
type Texts = Readonly<Record<string, string>>;
interface Vectors {
  readonly routeConfig: string;
  readonly routeCases: readonly {
    readonly labels: Texts;
    readonly keys: readonly string[];
    readonly options: readonly {
      readonly receiver: string;
      readonly group_by: 'default' | readonly string[];
      readonly group_by_all: boolean;
      readonly group_wait: string;
      readonly group_interval: string;
      readonly repeat_interval: string;
    }[];
  }[];
  readonly inhibition: {
    readonly rules: readonly { readonly source: Texts; readonly target: Texts; readonly equal: readonly string[] }[];
    readonly activeAlerts: readonly Texts[];
    readonly cases: readonly (readonly [labels: Texts, isInhibited: boolean])[];
  };
  readonly amtool: readonly { readonly cases: readonly (readonly [labels: Texts, receivers: readonly string[]])[] }[];
}
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8')) as Vectors;
const labels = (texts: Texts): Labels => labelsOf(Object.entries(texts));
const MINUTES: Texts = { '30s': '0.5', '1m': '1', '2m': '2', '5m': '5', '1h': '60', '4h': '240' };

/** The receivers it names, without which no file is one. */
function treeOf(route: string): RouteTree {
  const names = [...new Set([...route.matchAll(/receiver: '?([\w-]+)/g)].map(([, name]) => name as string))];
  const text = `route:\n${route.replace(/^/gm, '  ')}\nreceivers:\n${names.map((name) => `- name: ${name}\n`).join('')}`;
  const { config, problems } = readConfig(parseYaml(text));
  expect(problems).toEqual([]);
  return new RouteTree((config as NonNullable<typeof config>).route);
}
describe('routes of dispatch/route_test.go', () => {
  it.each(vectors.routeCases)('$labels', (one) => {
    const found = treeOf(vectors.routeConfig).match(labels(one.labels));
    expect(found.map(({ key }) => key)).toEqual(one.keys);
    expect(
      found.map((route) => ({
        ...{ receiver: route.receiver, isAll: route.groupBy === 'all', groupBy: route.groupBy === 'all' ? [] : [...route.groupBy].sort() },
        minutes: [route.groupWaitMs, route.groupIntervalMs, route.repeatIntervalMs].map((ms) => ms / 60_000),
      })),
    ).toEqual(
      one.options.map(({ receiver, group_by, group_by_all, group_wait, group_interval, repeat_interval }) => ({
        ...{ receiver, isAll: group_by_all, groupBy: group_by === 'default' ? [] : [...group_by].sort() },
        minutes: [group_wait, group_interval, repeat_interval].map((text) => Number(MINUTES[text])),
      })),
    );
  });
});
describe('inhibition of inhibit/inhibit_test.go', () => {
  const matchers = (texts: Texts) => Object.entries(texts).map(([name, value]) => matcherOf(name, '=', value));
  const rules = vectors.inhibition.rules.map(
    ({ source, target, equal }): InhibitRule => ({ name: '', source: matchers(source), target: matchers(target), equal, line: 0 }),
  );
  const inhibitor = new Inhibitor(rules);
  for (const active of vectors.inhibition.activeAlerts)
    inhibitor.put(receivedAlert({ labels: labels(active), annotations: new Map(), startsAtMs: 0, endsAtMs: 1000, generatorUrl: '' }, 0, 0));
  it.each(vectors.inhibition.cases)('%j: %s', (target, isInhibited) => {
    expect(inhibitor.inhibitorOf(labels(target), 1) !== null).toBe(isInhibited);
  });
  it('nothing is inhibited by what is resolved', () => expect(inhibitor.inhibitorOf(labels({ t1: '1', e: '1' }), 1000)).toBeNull());
});
describe('receivers of cli/test_routing_test.go', () => {
  const route =
    "receiver: default\nroutes:\n- match_re: {test: '^[12]$'}\n  receiver: test1\n  continue: true\n- match: {test: '2'}\n  receiver: test2";
  it.each(vectors.amtool.flatMap(({ cases }) => cases))('%j: %j', (one, receivers) => {
    expect(
      treeOf(route)
        .match(labels(one))
        .map(({ receiver }) => receiver),
    ).toEqual(receivers);
  });
});
