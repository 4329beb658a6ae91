import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AlertmanagerQueue } from '#main/engine/alerting/notify/alertmanager-queue.ts';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { alertsToSend, RESEND_DELAY_MS } from '#query/rules/alerts-to-send.ts';
import { GroupRun } from '#query/rules/evaluate-group.ts';
import { MemoryStore } from '#query/rules/memory-store.ts';
import { readRules } from '#query/rules/read-rules.ts';

/**
 * The rules of "Alert Generator Compliance Specification 1.0" (github.com/prometheus/compliance, alert_generator), for the situations of its four
 * cases, in simulated time: what an Alertmanager gets, and when. Each at four offsets of the evaluation from the samples; like the published
 * tester, times may be up to an interval late.
 */
const [STEP, INTERVAL] = [15_000, 30_000];
const ZERO = Date.UTC(2026, 10, 21, 12);
const OFFSETS = [0, 1, 14_999, 29_000];
const RESOLVED_MS = 15 * 60_000;

interface Received {
  readonly atMs: number;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}
/** Values, each for so many samples of 15 s. */
const samples = (...runs: readonly (readonly [value: number, count: number])[]): number[] =>
  runs.flatMap(([value, count]) => new Array<number>(count).fill(value));

interface Case {
  readonly rules: string;
  readonly series: Readonly<Record<string, readonly number[]>>;
  readonly steps: number;
}
const rule = (name: string, expr: string, more = ''): string => `  - alert: ${name}\n    expr: ${expr}\n    labels: {team: x}\n${more}`;
const CASES = {
  /** Fires at sample 32, its value is another one from 53 on, resolves at 69; pending again at 89, firing at 113, resolved at 134. */
  life: {
    rules: rule('Life', 'load{of="life"} > 10', `    for: 6m\n    annotations: {says: 'is {{ $value }}'}\n`),
    series: { life: samples([9, 8], [11, 13], [15, 32], [19, 16], [9, 20], [15, 45], [8, 70]) },
    steps: 134 + 70,
  },
  /** Inactive again before it fires, by its value and for want of samples; and one that never is active. */
  pending: {
    rules: rule('Brief', 'load{of=~"brief|ends"} > 10', '    for: 3m\n') + rule('Never', 'load{of="brief"} > 99', '    for: 3m\n'),
    series: { brief: samples([9, 8], [11, 11], [9, 41]), ends: samples([9, 8], [11, 2]) },
    steps: 60,
  },
  /** At once, and after one interval; resolved at 21; what has no `for` fires once more at 93, long after the last word of its end. */
  small: {
    rules: rule('Zero', 'load{of="small"} > 10') + rule('Small', 'load{of="small"} > 13', '    for: 15s\n'),
    series: { small: samples([9, 8], [15, 13], [9, 72], [11, 13], [9, 80]) },
    steps: 106 + 70,
  },
  /** A second alert of the same rule while the first fires, and a rule that reads what the first wrote. */
  order: {
    rules:
      rule('First', 'load{of=~"one|two"} > 10', '    for: 3m\n') +
      rule(
        'Both',
        'sum by (alertname, team) (ALERTS{alertstate="firing",alertname="First"}) == 2',
        `    annotations: {says: 'of {{ $labels.alertname }} {{ .Labels.team }}'}\n`,
      ).replace('team: x', 'team: y'),
    series: { one: samples([1, 8], [11, 65], [9, 21]), two: samples([1, 32], [11, 33], [9, 29]) },
    steps: 90,
  },
} satisfies Record<string, Case>;

let answered: ((alerts: Omit<Received, 'atMs'>[]) => void) | null = null;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.end();
    if (request.url === '/api/v2/alerts' && request.method === 'POST') answered?.(JSON.parse(Buffer.concat(chunks).toString()));
  });
});
let queue: AlertmanagerQueue;
let sent = 0;
beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  queue = new AlertmanagerQueue({
    target: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs: 10_000, http: null },
    ...{ version: 'test', folder: '/', nowMs: () => 0, log: (line) => expect.unreachable(line), onBytes: () => undefined },
  });
});
afterAll(async () => {
  // The last answer may still be on its way.
  await vi.waitUntil(() => queue.view().sent === sent);
  await queue.stop();
  server.close();
});

interface Told {
  readonly received: readonly Received[];
  /** activeAt of what was pending or firing, by name and series, in order. */
  readonly active: ReadonlyMap<string, readonly number[]>;
}
async function play({ rules, series, steps }: Case, offsetMs: number): Promise<Told> {
  const store = new MemoryStore(60_000);
  for (const [of, values] of Object.entries(series))
    values.forEach((value, i) => {
      const labels = labelsOf(Object.entries({ __name__: 'load', of }));
      store.add(labels, ZERO + i * STEP, value);
      // A series that stops is gone at once, as a scrape tells it.
      if (i === values.length - 1) store.add(labels, ZERO + (i + 1) * STEP, 'stale');
    });
  const parsed = readRules(parseYaml(`groups:\n- name: g\n  interval: 30s\n  rules:\n${rules}`), 'rules.yml');
  expect(parsed.problems).toEqual([]);
  const options = { externalLabels: new Map<string, string>(), externalUrl: 'http://here', seconds: () => 0, maxSeries: 100 };
  const run = new GroupRun(parsed.groups[0] as ConstructorParameters<typeof GroupRun>[0], options);
  const received: Received[] = [];
  const active = new Map<string, number[]>();
  const sending = { resendDelayMs: RESEND_DELAY_MS, intervalMs: INTERVAL, externalLabels: new Map<string, string>() };
  for (let atMs = ZERO + offsetMs; atMs < ZERO + steps * STEP; atMs += INTERVAL) {
    store.nowMs = atMs;
    await run.evaluate(atMs, store);
    expect(run.runs.map(({ health }) => health)).toEqual(run.runs.map(() => 'ok'));
    const alerts = run.runs.flatMap(({ book }) => {
      for (const { labels, activeAtMs } of book?.alerts ?? []) {
        const key = `${labels.values[labels.names.indexOf('alertname')]} ${labels.values[labels.names.indexOf('of')] ?? ''}`.trim();
        const known = active.get(key) ?? [];
        if (known.at(-1) !== activeAtMs - ZERO) active.set(key, [...known, activeAtMs - ZERO]);
      }
      return alertsToSend(book?.recent ?? [], atMs, { ...sending, relabel: (labels) => labels, generatorUrl: 'http://here/graph' });
    });
    if (alerts.length === 0) continue;
    const posted = new Promise<Omit<Received, 'atMs'>[]>((resolve) => {
      answered = resolve;
    });
    queue.send(alerts);
    sent += alerts.length;
    for (const each of await posted) received.push({ ...each, atMs: atMs - ZERO });
  }
  return { received, active };
}
/** One firing of one alert by its samples: the first that fires, and the first that is over. */
type Firing = readonly [fires: number, over: number];

/** Everything an Alertmanager was told of one alert is as the specification has it. */
function checkTold(
  all: readonly Received[],
  name: string,
  firings: readonly Firing[],
  endOfTest: number,
  pendingFrom: readonly number[] = [],
): void {
  const own = all.filter(({ labels }) => `${labels['alertname']} ${labels['of'] ?? ''}`.trim() === name);
  const late = (ms: number, sample: number): void => {
    expect(ms).toBeGreaterThanOrEqual(sample * STEP);
    expect(ms).toBeLessThan(sample * STEP + INTERVAL);
  };
  const ms = (time: string): number => Date.parse(time) - ZERO;
  const isOver = ({ atMs, endsAt }: Received): boolean => ms(endsAt) <= atMs;
  let rest = own;
  firings.forEach(([fires, over], n) => {
    const firing = rest.slice(0, rest.findIndex(isOver));
    rest = rest.slice(firing.length);
    const next = rest.findIndex((each) => !isOver(each));
    const resolved = next < 0 ? rest : rest.slice(0, next);
    rest = next < 0 ? [] : rest.slice(next);
    late((firing[0] as Received).atMs, fires);
    late((resolved[0] as Received).atMs, over);
    for (const { atMs, startsAt, endsAt, generatorURL } of firing) {
      expect(ms(startsAt)).toBe((firing[0] as Received).atMs);
      expect(ms(endsAt)).toBe(atMs + 4 * RESEND_DELAY_MS);
      expect(generatorURL).toBe('http://here/graph');
    }
    for (const { startsAt, endsAt } of resolved) {
      expect(ms(startsAt)).toBe((firing[0] as Received).atMs);
      expect(ms(endsAt)).toBe((resolved[0] as Received).atMs);
    }
    // Said again at the first evaluation more than the delay later; at the latest an interval after it.
    for (const told of [firing, resolved])
      told.slice(1).forEach(({ atMs }, i) => {
        const after = atMs - (told[i] as Received).atMs;
        expect(after).toBeGreaterThanOrEqual(RESEND_DELAY_MS);
        expect(after).toBeLessThanOrEqual(RESEND_DELAY_MS + INTERVAL);
      });
    const firstResolved = (resolved[0] as Received).atMs;
    const lastFiring = (firing.at(-1) as Received).atMs;
    expect(firstResolved - lastFiring).toBeLessThanOrEqual(RESEND_DELAY_MS + INTERVAL);
    // Of its end for fifteen minutes, or until it is active again.
    const until = Math.min(firstResolved + RESOLVED_MS, (pendingFrom[n] ?? Number.POSITIVE_INFINITY) * STEP + INTERVAL);
    const last = (resolved.at(-1) as Received).atMs;
    expect(last).toBeLessThanOrEqual(until);
    expect(last).toBeGreaterThan(Math.min(until, endOfTest * STEP) - RESEND_DELAY_MS - 2 * INTERVAL);
  });
  expect(rest).toEqual([]);
}

describe.each(OFFSETS)('alerts evaluated %i ms after the samples', (offsetMs) => {
  const late = (found: readonly number[] | undefined, ...indexes: readonly number[]): void => {
    expect(found).toHaveLength(indexes.length);
    indexes.forEach((index, i) => {
      expect(found?.[i]).toBeGreaterThanOrEqual(index * STEP);
      expect(found?.[i]).toBeLessThan(index * STEP + INTERVAL);
    });
  };
  it('are told of while they fire, with their newest annotations, and of their end until they are active again', async () => {
    const { received, active } = await play(CASES.life, offsetMs);
    late(active.get('Life life'), 8, 89);
    checkTold(
      received,
      'Life life',
      [
        [32, 69],
        [113, 134],
      ],
      CASES.life.steps,
      [89],
    );
    expect(received[0]?.labels).toEqual({ alertname: 'Life', of: 'life', team: 'x' });
    for (const { atMs, annotations } of received) {
      const was = (sample: number): boolean => atMs >= sample * STEP && atMs < sample * STEP + INTERVAL;
      const value = atMs < 53 * STEP ? ['15'] : was(53) ? ['15', '19'] : atMs < 113 * STEP ? ['19'] : ['15'];
      expect(value.map((each) => ({ says: `is ${each}` }))).toContainEqual(annotations);
    }
  });
  it('are not told of while they are pending', async () => {
    const { received, active } = await play(CASES.pending, offsetMs);
    late(active.get('Brief brief'), 8);
    late(active.get('Brief ends'), 8);
    expect([received, active.get('Never brief')]).toEqual([[], undefined]);
  });
  it('fire at once without `for`, an evaluation later with a short one; their end is told for fifteen minutes', async () => {
    const { received, active } = await play(CASES.small, offsetMs);
    late(active.get('Zero small'), 8, 93);
    late(active.get('Small small'), 8);
    checkTold(
      received,
      'Zero small',
      [
        [8, 21],
        [93, 106],
      ],
      CASES.small.steps,
    );
    checkTold(received, 'Small small', [[10, 21]], CASES.small.steps);
    const [zero, small] = ['Zero', 'Small'].map((name) => received.find(({ labels }) => labels['alertname'] === name)?.atMs as number);
    expect((small as number) - (zero as number)).toBe(INTERVAL);
  });
  it('of one rule are told apart, and are there for the rules below it at the same evaluation', async () => {
    const { received, active } = await play(CASES.order, offsetMs);
    late(active.get('First one'), 8);
    late(active.get('First two'), 32);
    checkTold(received, 'First one', [[20, 73]], CASES.order.steps);
    checkTold(received, 'First two', [[44, 65]], CASES.order.steps);
    checkTold(received, 'Both', [[44, 65]], CASES.order.steps);
    const both = received.filter(({ labels }) => labels['alertname'] === 'Both');
    expect(both[0]).toMatchObject({ labels: { alertname: 'Both', team: 'y' }, annotations: { says: 'of First x' } });
    expect(both[0]?.atMs).toBe(received.find(({ labels }) => labels['of'] === 'two')?.atMs);
  });
});
