import { describe, expect, it } from 'vitest';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import type { Labels } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { floatSeries, type StoredSeries, staleMarkers } from '#query/promql/value.ts';
import { GroupRun } from '#query/rules/evaluate-group.ts';
import { MemoryStore } from '#query/rules/memory-store.ts';
import { readRules } from '#query/rules/read-rules.ts';
import { readTests } from '#query/rules/read-tests.ts';
import type { ReplaySource } from '#query/rules/replay/chunk-samples.ts';
import type { ReplayGroup } from '#query/rules/replay/planned-rules.ts';
import { type Episode, type ReplayOptions, replayRules } from '#query/rules/replay/replay.ts';
import type { Rule } from '#query/rules/rule.ts';
import type { WrittenSample } from '#query/rules/sample.ts';
import { parseMetric, parseValues } from '#query/rules/series-values.ts';
import { generateCase } from './generate-rules.ts';

/** A replay gives what evaluating the rules one time after the other gives: generated rules over generated series, and planted firings. */
const SEEDS = Number(process.env['FAULTLINE_REPLAY_SEEDS'] ?? 60);
const FIRST = Number(process.env['FAULTLINE_REPLAY_FIRST'] ?? 1);
const MINUTE = 60_000;
const EVALUATION = { lookbackMs: 300_000, subqueryStepMs: MINUTE };

/** What the live evaluation writes is there at once, and twice is no error. */
class Reference extends MemoryStore {
  override async append(samples: readonly WrittenSample[]): Promise<void> {
    for (const { labels, atMs, value, isStale } of samples) this.add(labels, atMs, isStale ? 'stale' : value);
  }
}
function seriesOf(labels: Labels, values: readonly (number | 'stale' | null)[], intervalMs: number, startMs = 0): StoredSeries {
  const there = values.flatMap((value, i) => (value === null ? [] : [{ value, ms: startMs + i * intervalMs }]));
  const floats = Float64Array.from(there, ({ value }) => (value === 'stale' ? Number.NaN : value));
  there.forEach(({ value }, i) => {
    if (value === 'stale') staleMarkers(floats, i);
  });
  return floatSeries(
    labels,
    Float64Array.from(there, ({ ms }) => ms),
    floats,
  );
}
const sourceOf = (series: readonly StoredSeries[]): ReplaySource => ({
  count: () => series.length,
  read: async (selections) => selections.map(({ matchers }) => series.filter(({ labels }) => labelsTest(matchers)(labels))),
});
function groupsOf(text: string, intervalMs: number, phaseOf: (i: number) => number = () => 0): ReplayGroup[] {
  const { groups, problems } = readRules(parseYaml(text), 'rules.yml');
  expect(problems).toEqual([]);
  return groups.map((group, i) => ({ group, intervalMs, phaseMs: phaseOf(i) }));
}
const optionsOf = (groups: readonly ReplayGroup[], series: readonly StoredSeries[], endMs: number, startMs = 0): ReplayOptions => ({
  ...{ groups, startMs, endMs, evaluation: EVALUATION, externalUrl: '' },
  externalLabels: new Map([['cluster', 'test']]),
  source: sourceOf(series),
  limits: { maxRules: 100, maxEvaluations: 1e6, maxPlaces: 1e7, maxOutputs: 1e6, maxEpisodes: 1e5, maxFirings: 1e5 },
  check: () => undefined,
  onProgress: () => undefined,
  pause: async () => undefined,
});
interface Told {
  readonly rule: string;
  readonly labels: string;
  readonly active: number;
  readonly fired: number | null;
  readonly ended: number | null;
  readonly value: number;
}
const told = (rule: Rule, { labels, activeAtMs, firedAtMs, endedAtMs, value }: Episode): Told => ({
  ...{ rule: rule.name, labels: labels.key, active: activeAtMs / 1000 },
  ...{ fired: firedAtMs === null ? null : firedAtMs / 1000, ended: endedAtMs === null ? null : endedAtMs / 1000, value },
});
const sorted = (all: readonly Told[]): Told[] => [...all].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** One time after the other, from `warmMs` on. */
async function reference(groups: readonly ReplayGroup[], series: readonly StoredSeries[], warmMs: number, endMs: number): Promise<Told[]> {
  const store = new Reference(MINUTE);
  for (const { labels, times, values } of series)
    times.forEach((ms, i) => {
      store.add(labels, ms, new Uint32Array(values.buffer, i * 8, 1)[0] === 2 ? 'stale' : (values[i] as number));
    });
  const options = { externalLabels: new Map([['cluster', 'test']]), externalUrl: '', seconds: () => 0, maxSeries: 1e5 };
  const runs = groups.map(({ group, intervalMs, phaseMs }) => ({
    run: new GroupRun(group, options),
    nextMs: Math.ceil((warmMs - phaseMs) / intervalMs) * intervalMs + phaseMs,
    intervalMs,
  }));
  const found: Told[] = [];
  const open = new Map<string, { rule: Rule; episode: { -readonly [K in keyof Episode]: Episode[K] } }>();
  for (;;) {
    const next = runs.reduce((least, each) => (each.nextMs < least.nextMs ? each : least));
    if (next.nextMs >= endMs) break;
    const atMs = next.nextMs;
    next.nextMs += next.intervalMs;
    store.nowMs = atMs;
    await next.run.evaluate(atMs, store);
    next.run.runs.forEach(({ rule, book }, i) => {
      const prefix = `${next.run.group.name} ${i} `;
      const now = new Set<string>();
      for (const alert of book?.alerts ?? []) {
        const key = prefix + alert.labels.key;
        now.add(key);
        const known = open.get(key) ?? {
          rule,
          episode: {
            labels: alert.labels,
            activeAtMs: alert.activeAtMs,
            firedAtMs: null,
            endedAtMs: null,
            value: Number.NaN,
            sample: null,
          },
        };
        open.set(key, known);
        if (alert.state === 'firing' && known.episode.firedAtMs === null) {
          known.episode.firedAtMs = atMs;
          known.episode.value = alert.value;
        }
      }
      for (const [key, { rule: of, episode }] of open) {
        if (!key.startsWith(prefix) || now.has(key)) continue;
        found.push(told(of, { ...episode, endedAtMs: atMs }));
        open.delete(key);
      }
    });
  }
  return [...found, ...[...open.values()].map(({ rule, episode }) => told(rule, episode))];
}

describe('a replay is what the rules would have done', () => {
  let fired = 0;
  let stepwise = 0;
  let rulesSeen = 0;
  it.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))('seed %i', async (seed) => {
    const { rules, tests } = generateCase(seed);
    const [test] = readTests(parseYaml(tests)).tests;
    const series = (test?.series ?? []).map((each) =>
      seriesOf(parseMetric(each.series), parseValues(each.values) as (number | 'stale' | null)[], MINUTE),
    );
    const intervalMs = [MINUTE, 30_000, 2 * MINUTE][seed % 3] as number;
    const groups = groupsOf(rules, intervalMs, (i) => (seed % 2 === 0 ? 0 : i * 7_000));
    const endMs = 45 * MINUTE;
    const replayed = await replayRules(optionsOf(groups, series, endMs));
    const own = replayed.rules.flatMap(({ rule, episodes }) => episodes.map((each) => told(rule, each)));
    const wanted = await reference(groups, series, replayed.warmMs, endMs);
    expect(sorted(own)).toEqual(sorted(wanted));
    fired += own.filter((each) => each.fired !== null).length;
    stepwise += replayed.rules.filter((each) => each.stepwise !== null).length;
    rulesSeen += replayed.rules.length;
  });
  it('and both ways of evaluating were taken', () => {
    expect(fired).toBeGreaterThan(SEEDS);
    expect(stepwise).toBeGreaterThan(0);
    expect(stepwise).toBeLessThan(rulesSeen * 0.8);
  });
});
