import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident } from '#contracts/judgement.ts';
import type { ReplayAnswer, ReplayBody } from '#contracts/replay.ts';
import { readAlertmanagerConfig } from '#main/alerting/load-config.ts';
import { SeriesBook } from '#main/engine/promql/series-book.ts';
import { DEFAULT_CONFIG } from '#query/alerting/config.ts';
import { matcherOf } from '#query/alerting/matcher.ts';
import type { Silence } from '#query/alerting/silence.ts';
import { phaseOf } from '#query/rules/group-phase.ts';
import { TestStore } from '#store/test-store.ts';
import { StoreFeed } from '../../../tests/app/feed-store.ts';
import { type ReplayMeans, replayAsked } from './replay-asked.ts';
import { ReplayLab } from './replay-lab.ts';

/** Rules over what is stored, with firings that were planted: each must be found, at its time. */
const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 20, 8);
const MINUTES = 240;
/** [instance, from, to) minutes at which it is broken. */
const PLANTED = [
  ['a', 30, 50],
  ['b', 33, 36],
  ['b', 100, 140],
  ['c', 200, 215],
] as const;
const at = (minute: number): number => START + minute * MINUTE;
const incident = (title: string, from: number, opened: number, to: number): Incident =>
  ({
    id: title,
    title,
    onsetMs: at(from),
    openedMs: at(opened),
    resolvedMs: at(to),
    acknowledgedMs: null,
    services: [] as string[],
  }) as unknown as Incident;

const test = new TestStore();
let means: ReplayMeans;
beforeAll(async () => {
  const store = await test.open();
  const feed = new StoreFeed(store);
  for (let minute = 0; minute < MINUTES; minute++) {
    const broken = (instance: string): boolean => PLANTED.some(([own, from, to]) => own === instance && minute >= from && minute < to);
    feed.scrape(at(minute), ['a', 'b', 'c'].map((each) => `errors{instance="${each}"} ${broken(each) ? 9 : 1}\n`).join(''));
  }
  await store.flush();
  const series = new SeriesBook(store);
  await series.refresh();
  const live = {
    groups: [],
    intervalMs: MINUTE,
    queryOffsetMs: 0,
    externalLabels: new Map(),
    externalUrl: 'http://x',
    config: DEFAULT_CONFIG,
  };
  means = {
    ...{
      store,
      series,
      adoptedFile: 'adopted-rules.yml',
      live: { ...live, silences: [] },
      phaseOf: () => 0,
      signal: new AbortController().signal,
    },
    ...{ onCheck: () => undefined, onProgress: () => undefined, endsMs: Number.POSITIVE_INFINITY },
    incidents: [incident('outage', 28, 38, 55), incident('leak', 150, 152, 170)],
  };
});
afterAll(() => test.end());

const rules = (more = '', expr = 'errors > 5'): string => `
groups:
- name: g
  rules:
  - alert: Errors
    expr: ${expr}
    for: 5m
    labels: {severity: page, on: '{{ $labels.instance }}'}
    annotations: {summary: '{{ $labels.instance }} has {{ $value }}'}
${more}`;
const replay = (body: Partial<ReplayBody>, silences: readonly Silence[] = []): Promise<ReplayAnswer> =>
  replayAsked({ start: at(0), end: at(MINUTES), rules: rules(), ...body }, { ...means, live: { ...means.live, silences } });

const ROUTES = `
route: {receiver: ops, group_by: [instance]}
receivers:
- name: ops
  webhook_configs: [{url: 'http://127.0.0.1:1/secret'}]
`;
describe('replay lab', () => {
  it('finds every planted firing at its time, and what would have been sent', async () => {
    const { episodes, rules: told, pages, judged, receivers } = await replay({});
    expect(episodes.map(({ labels, activeMs, firedMs, endedMs }) => [labels['instance'], activeMs, firedMs, endedMs])).toEqual([
      ['a', at(30), at(35), at(50)],
      ['b', at(100), at(105), at(140)],
      ['c', at(200), at(205), at(215)],
    ]);
    expect(episodes[0]).toMatchObject({
      labels: { alertname: 'Errors', instance: 'a', severity: 'page', on: 'a' },
      annotations: { summary: 'a has 9' },
      value: 9,
    });
    // Three minutes were too short.
    expect(told[0]).toMatchObject({
      firings: 3,
      neverFired: 1,
      failures: 0,
      stepwise: '',
      threshold: 5,
      comparison: '>',
      compared: 'errors',
    });
    // A group waits for 30 s, and says at its next turn that it is over.
    expect(pages.map(({ atMs, reason, firing }) => [atMs, reason, firing])).toEqual([
      [at(35.5), 'first', 1],
      [at(50.5), 'resolved', 0],
      [at(105.5), 'first', 1],
      [at(140.5), 'resolved', 0],
      [at(205.5), 'first', 1],
      [at(215.5), 'resolved', 0],
    ]);
    expect(receivers).toEqual([{ receiver: 'desktop', pages: 3 }]);
    expect(judged).toMatchObject({ pages: 3, falsePages: 2, caught: 1, missed: 1 });
    expect(judged.each).toMatchObject([
      { trouble: { id: 'outage' }, verdict: 'caught', pageMs: at(35.5), delayMs: 7.5 * MINUTE, earlierMs: 2.5 * MINUTE },
      { trouble: { id: 'leak' }, verdict: 'missed', pageMs: null },
    ]);
  });
  it('knows at its beginning what was going on before', async () => {
    const { episodes, pages } = await replay({ start: at(110), end: at(150) });
    expect(episodes).toMatchObject([{ labels: { instance: 'b' }, endedMs: at(140) }]);
    expect(episodes[0]?.firedMs).toBeLessThan(at(110));
    expect(pages.map(({ reason }) => reason)).toEqual(['resolved']);
  });
  it('recording rules feed the alerts after them, and silences keep them back', async () => {
    const text = `groups:\n- name: r\n  interval: 30s\n  rules:\n  - record: errors:max\n    expr: max by (instance) (errors)\n${rules('', 'errors:max > 5').replace('\ngroups:\n', '')}`;
    const silences = [
      {
        ...{ id: 's1', matchers: [matcherOf('instance', '=', 'b')], startsAtMs: at(90), endsAtMs: at(150) },
        ...{ updatedAtMs: 0, createdBy: '', comment: '' },
      },
    ];
    const { episodes, heldBack, judged } = await replay({ rules: text }, silences);
    expect(episodes.map(({ firedMs }) => firedMs)).toEqual([at(35), at(105), at(205)]);
    expect(heldBack).toEqual([{ by: 'silence', id: 's1', alerts: 1 }]);
    expect(judged.pages).toBe(2);
  });
  it('a sweep gives what each variant gives by itself', async () => {
    const thresholds = [0.5, 5, 9];
    const forSeconds = [0, 120, 900];
    const keepSeconds = [0, 3_600];
    const { sweep } = await replay({ sweep: { thresholds, forSeconds, keepSeconds } });
    expect(sweep?.variants).toHaveLength(18);
    for (const {
      threshold,
      forSeconds: seconds,
      keepSeconds: kept,
      firings,
      firingMs,
      pages,
      caught,
      falsePages,
      firing,
    } of sweep?.variants ?? []) {
      const one = await replay({
        rules: rules('', `errors > ${threshold}`).replace('for: 5m', `for: ${seconds}s\n    keep_firing_for: ${kept}s`),
      });
      const total = one.rules[0];
      expect([firings, firingMs, pages, caught, falsePages]).toEqual([
        ...[total?.firings, total?.firingMs, one.judged.pages, one.judged.caught, one.judged.falsePages],
      ]);
      expect(firing.length > 0).toBe(one.episodeCount > 0);
    }
    const { sweep: two } = await replay({ sweep: { thresholds, forSeconds } });
    const best = two?.variants.filter(({ isFront }) => isFront).map((each) => [each.threshold, each.forSeconds]);
    expect(best).toContainEqual([5, 900]);
    expect(best).not.toContainEqual([9, 0]);
  });
  it('a threshold inside of an expression is varied as well, and a rule that reads itself', async () => {
    const inner = await replay({ rules: rules('', 'errors > 5 and errors < 100'), sweep: { thresholds: [5, 50] } });
    expect(inner.sweep?.variants.map(({ firings }) => firings)).toEqual([3, 0]);
    const own = await replay({ rules: rules('', 'errors > 5 unless ALERTS{alertstate="pending"}'), sweep: { forSeconds: [0, 60] } });
    expect(own.rules[0]?.stepwise).toContain('reads what it gave itself');
    expect(own.sweep?.variants.map(({ firings }) => firings > 0)).toEqual([true, true]);
  });
  it('says what is wrong with a question, and which limit it is over', async () => {
    const code = (body: Partial<ReplayBody>) => replay(body).catch(({ code, message }) => [code, message]);
    expect(await code({ rules: 'groups: []' })).toEqual(['bad_request', 'There are no rules to replay.']);
    expect(await code({ rules: rules().replace('errors > 5', 'errors >') })).toEqual([
      ...['bad_request', expect.stringContaining('There is no good rule: 6:11')],
    ]);
    expect(await code({ rules: rules('', 'up'), sweep: { thresholds: [1] } })).toEqual([
      ...['bad_request', expect.stringContaining('needs a comparison with a number')],
    ]);
    expect(await code({ start: 0, end: at(0), intervalSeconds: 1 })).toEqual(['replay_too_large', expect.stringContaining('20,000,000')]);
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    expect(await code({ sweep: { thresholds: numbers, forSeconds: numbers } })).toEqual([
      'replay_too_large',
      expect.stringContaining('400'),
    ]);
    await expect(replayAsked({ start: at(0), end: at(9), rules: rules() }, { ...means, endsMs: 0 })).rejects.toMatchObject({
      ...{ code: 'replay_too_large', message: expect.stringContaining('120 s') },
    });
  });
  it('is the same in a thread, with the routes and silences in force, and ends there when nobody waits any more', async () => {
    const { config } = readAlertmanagerConfig(ROUTES);
    if (!config) throw new Error('routes');
    const silence = { id: 's', matchers: [matcherOf('instance', '=~', 'a|x')], startsAtMs: at(0), endsAtMs: at(300) };
    const live = { ...means.live, config, silences: [{ ...silence, updatedAtMs: 0, createdBy: '', comment: '' }] };
    const store = test.store;
    const lab = new ReplayLab({
      ...{ store, nowMs: () => test.nowMs, log: () => undefined, adoptedFile: means.adoptedFile },
      ...{ live: () => live, incidents: () => means.incidents as Incident[] },
    });
    const body = { start: at(0), end: at(MINUTES), rules: rules() };
    const wanted = await replayAsked(body, { ...means, live, phaseOf });
    const shares: number[] = [];
    const { first, rest } = await lab.replay(body, { signal: new AbortController().signal, onProgress: (share) => shares.push(share) });
    const { cost, ...answer } = JSON.parse(Buffer.from(first).toString()) as ReplayAnswer;
    expect(rest).toBeNull();
    expect({ ...answer, cost: cost.samples }).toEqual({ ...JSON.parse(JSON.stringify(wanted)), cost: wanted.cost.samples });
    expect(answer).toMatchObject({ heldBack: [{ by: 'silence', alerts: 1 }], receivers: [{ receiver: 'ops', pages: 2 }] });
    expect(shares.at(-1)).toBe(1);
    const gone = new AbortController();
    const long = { ...body, start: at(-14_400), intervalSeconds: 5, rules: rules('', 'errors > 5 unless ALERTS{alertstate="pending"}') };
    const cancelled = lab.replay(long, { signal: gone.signal, onProgress: () => gone.abort() });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect([lab.running, lab.counts.done, lab.counts.cancelled, lab.threads.counts.ended.cancelled]).toEqual([0, 1, 1, 0]);
    await lab.stop();
  });
});
