import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NoiseAnswer } from '#contracts/noise.ts';
import { SeriesBook } from '#main/engine/promql/series-book.ts';
import type { ReplayMeans } from '#main/engine/replay/replay-asked.ts';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { DEFAULT_CONFIG } from '#query/alerting/config.ts';
import { readRules } from '#query/rules/read-rules.ts';
import { TestStore } from '#store/test-store.ts';
import { StoreFeed } from '../../../tests/app/feed-store.ts';
import { reportNoise } from './noise-report.ts';

/** Over a real store: what rules wrote, with an alert that flaps, one nobody minds, a duplicate, and an incident one of them caught. */
const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 20, 8);
const MINUTES = 400;
const at = (minute: number): number => START + minute * MINUTE;
const test = new TestStore();
let means: ReplayMeans;
let answer: NoiseAnswer;
const flaps = (minute: number): boolean => minute >= 100 && minute < 160 && minute % 8 < 3;
const outage = (minute: number): boolean => [20, 200, 320].some((from) => minute >= from && minute < from + 30);
beforeAll(async () => {
  const store = await test.open();
  const feed = new StoreFeed(store);
  const shown = (name: string, labels: string): string => `ALERTS{alertname="${name}",alertstate="firing",${labels}} 1\n`;
  for (let minute = 0; minute < MINUTES; minute++)
    feed.scrape(
      at(minute),
      [
        `latency ${flaps(minute) ? 9 : 1}\n`,
        flaps(minute) ? shown('Slow', 'service="web"') : '',
        outage(minute) ? shown('Down', 'service="cart",zone="a"') + shown('CartDown', 'service="cart"') : '',
        [50, 180, 300].includes(minute - (minute % 5)) ? shown('CertSoon', 'service="mail"') : '',
      ].join(''),
    );
  await store.flush();
  const { groups } = readRules(parseYaml('groups: [{name: g, rules: [{alert: Slow, expr: latency > 5}]}]'), 'rules.yml');
  const series = new SeriesBook(store);
  await series.refresh();
  const live = {
    ...{
      intervalMs: MINUTE,
      queryOffsetMs: 0,
      externalLabels: new Map<string, string>(),
      externalUrl: '',
      silences: [],
      config: DEFAULT_CONFIG,
    },
    groups: groups.map((group) => ({ group, intervalMs: MINUTE, phaseMs: 0 })),
  };
  means = {
    ...{ store, series, live, adoptedFile: 'x', phaseOf: () => 0, signal: new AbortController().signal },
    ...{ onCheck: () => undefined, onProgress: () => undefined, endsMs: Number.POSITIVE_INFINITY },
    incidents: [
      { id: 'i0', title: 'mail', onsetMs: at(-99), openedMs: at(-99), resolvedMs: at(-90), acknowledgedMs: null, services: ['mail'] },
      { id: 'i1', title: 'cart', onsetMs: at(199), openedMs: at(210), resolvedMs: at(232), acknowledgedMs: null, services: ['cart'] },
      { id: 'i2', title: 'cart', onsetMs: at(300), openedMs: at(301), resolvedMs: at(310), acknowledgedMs: at(306), services: ['cart'] },
    ],
  };
  answer = await reportNoise(means, { startMs: at(0), endMs: at(MINUTES) });
});
afterAll(() => test.end());

it('names what is noise, with a change and what it would have done', () => {
  const of = (kind: string) => answer.findings.filter((each) => each.kind === kind);
  expect(of('flapping')).toMatchObject([{ alerts: ['Slow'], firings: 7, proposal: { kind: 'longer_for', from: 0, seconds: 300 } }]);
  const [flapping] = of('flapping');
  // What else was tried on the rule in force: a threshold above all it ever had would be its end, and is none.
  expect(flapping?.others).toMatchObject([{ proposal: { kind: 'keep_firing_for', seconds: 300 }, proof: { after: { pages: 1 } } }]);
  expect(flapping?.proof?.before.pages).toBeGreaterThan(4);
  expect(flapping?.proof?.after.pages).toBe(0);
  expect(of('duplicate')).toMatchObject([
    {
      alerts: ['Down', 'CartDown'],
      proposal: { kind: 'inhibit', source: 'Down', target: 'CartDown', equal: expect.arrayContaining(['service']) },
    },
  ]);
  // The incident is caught by the one that is left.
  expect(of('duplicate')[0]?.proof).toMatchObject({ before: { caught: 2 }, after: { caught: 2 } });
  const never = of('never_acted').map(({ alerts }) => alerts[0]);
  expect(never).toContain('CertSoon');
  expect(never).not.toContain('Down');
});
it('groups what belongs together, and keeps each alert', () => {
  const groups = answer.groups.map(({ firings, because }) => [firings.map(({ labels }) => labels['alertname']).sort(), because]);
  expect(groups).toEqual(
    [20, 200, 320].map(() => [
      ['CartDown', 'Down'],
      ['time', 'service'],
    ]),
  );
  expect(answer).toMatchObject({ incidents: 2, isCut: false, alerts: 4 });
});
it('an incident of another service says nothing of an alert, but when somebody acknowledged it meanwhile', async () => {
  const never = ({ findings }: NoiseAnswer) => findings.filter(({ kind }) => kind === 'never_acted').map(({ alerts }) => alerts[0]);
  expect(never(answer)).toContain('CertSoon');
  const incidents = means.incidents.map((each) => (each.id === 'i2' ? { ...each, acknowledgedMs: at(302) } : each));
  expect(never(await reportNoise({ ...means, incidents }, { startMs: at(0), endMs: at(MINUTES) }))).not.toContain('CertSoon');
});
