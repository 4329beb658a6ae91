import { describe, expect, it } from 'vitest';
import type { AlertRules, RuleAlert } from '#contracts/alert-rules.ts';
import { gridOf } from '../promql/prometheus-answer.ts';
import { alertMarks } from './alert-marks.ts';
import {
  chipsOf,
  commonOf,
  filterAlerts,
  groupAlerts,
  groupByRoute,
  isSeriesOf,
  relatedIncidents,
  rowsOf,
  serviceOf,
  textParts,
  toneOf,
  waited,
  withLabel,
} from './alert-model.ts';
import { onGrid, rangePath, seriesOf, stretchesOf } from './prom-range.ts';
import { readLabels } from './read-labels.ts';
import { countStates, ruleRows } from './rule-model.ts';
import { shownValue } from './shown-value.ts';
import {
  draftFrom,
  draftOf,
  fieldMs,
  fieldTime,
  matchersProblem,
  matcherText,
  previewPath,
  toggled,
  withOperator,
} from './silence-model.ts';
import { timelineRows } from './state-timeline.ts';

const MINUTE = 60_000;
const NOW = 100 * MINUTE;
const rule = {
  ...{ id: 'f;g;0', name: 'Slow', line: 3, query: 'p99 > 1', watched: null, forMs: 10 * MINUTE, keepFiringForMs: 0 },
  ...{ labels: { severity: 'page' }, file: 'f', group: 'g', intervalMs: MINUTE },
};
const alert = (more: Partial<RuleAlert> & { labels: RuleAlert['labels'] }): RuleAlert => ({
  ...{ fingerprint: JSON.stringify(more.labels), annotations: {}, state: 'firing', value: '1', activeAtMs: 80 * MINUTE, generatorUrl: '' },
  ...{ firedAtMs: 90 * MINUTE, keepFiringSinceMs: null, resolvedAtMs: null, rule },
  ...more,
});
const cart = alert({ labels: { alertname: 'Slow', service: 'cart', severity: 'page' } });
const shop = alert({ labels: { alertname: 'Slow', job: 'ns/shop', severity: 'warning' }, state: 'pending', firedAtMs: null });
const over = alert({ labels: { alertname: 'Old', team: 'a' }, state: 'resolved', resolvedAtMs: 95 * MINUTE });

describe('alerts', () => {
  it.each([
    [{ severity: 'Critical' }, 'critical'],
    [{ severity: 'page' }, 'critical'],
    [{ priority: 'P2' }, 'major'],
    [{ severity: 'info' }, 'minor'],
    [{ severity: 'none' }, 'plain'],
    [{}, 'plain'],
  ])('%j has tone %s', (labels, tone) => expect(toneOf(labels)).toBe(tone));
  it('names the service as traces do', () =>
    expect([cart, shop, over].map(({ labels }) => serviceOf(labels))).toEqual(['cart', 'shop', '']));
  it('groups without merging, the worst first, what is over last', () => {
    const groups = groupAlerts([over, shop, cart], 'alertname');
    expect(groups.map(({ labels, tone, alerts }) => [labels['alertname'], tone, alerts.length])).toEqual([
      ['Slow', 'critical', 2],
      ['Old', 'plain', 1],
    ]);
    const byService = groupAlerts([over, shop, cart], 'service');
    expect(byService.map(({ labels }) => labels['service'])).toEqual(['cart', 'shop', '']);
    expect(rowsOf(byService, [byService[0]?.key ?? '']).map(({ kind }) => kind)).toEqual(['group', 'group', 'alert', 'group', 'alert']);
  });
  it('a silence for a group asks for labels there are', () => {
    const two = [
      alert({ labels: { alertname: 'A', job: 'ns/shop', env: 'x' } }),
      alert({ labels: { alertname: 'B', job: 'ns/shop', env: 'x' } }),
    ];
    expect(groupAlerts(two, 'service').map(commonOf)).toEqual([{ job: 'ns/shop', env: 'x' }]);
    expect(groupAlerts([shop], 'service').map(commonOf)).toEqual([shop.labels]);
    expect(groupAlerts(two, 'alertname').map(commonOf)).toEqual([{ alertname: 'A' }, { alertname: 'B' }]);
  });
  it('filters by words and by labels', () => {
    const shown = (text: string, filters = withLabel([], 'severity', 'page')) =>
      filterAlerts([cart, shop, over], { text, filters }).map(({ labels }) => labels['service'] ?? '');
    expect(shown('')).toEqual(['cart']);
    expect(shown('SLOW shop', [])).toEqual(['']);
    expect(shown('', withLabel([], 'service', 'cart', true))).toEqual(['', '']);
  });
  it('shows what tells alerts apart first', () =>
    expect(chipsOf(alert({ labels: { alertname: 'Slow', zone: 'b', instance: 'a' } }), { zone: 'b' })).toEqual([['instance', 'a']]));
  it('knows its series among those of the expression', () => {
    const own = { labels: { alertname: 'Slow', job: 'a', severity: 'page' }, rule };
    expect(isSeriesOf({ __name__: 'p99', job: 'a', severity: 'of the series' }, own)).toBe(true);
    expect(isSeriesOf({ job: 'b' }, own)).toBe(false);
  });
  it('says how much of its time a pending one has waited', () =>
    expect([waited(shop, 85 * MINUTE), waited(cart, NOW)]).toEqual([0.5, null]));
  it('makes links of http and https alone', () => {
    expect(textParts('see https://a.example/b?c=1, or javascript:alert(1)')).toEqual([
      { text: 'see ', href: null },
      { text: 'https://a.example/b?c=1', href: 'https://a.example/b?c=1' },
      { text: ', or javascript:alert(1)', href: null },
    ]);
    expect(textParts('https://[bad').every(({ href }) => href === null)).toBe(true);
  });
  it('finds incidents of its time, its service first', () => {
    const at = (id: string, services: string[], onsetMs: number, resolvedMs: number | null) => ({ id, services, onsetMs, resolvedMs });
    const incidents = [
      at('other', ['x'], 85 * MINUTE, null),
      at('same', ['cart'], 70 * MINUTE, 75 * MINUTE),
      at('old', ['cart'], 0, MINUTE),
    ];
    expect(relatedIncidents(cart, incidents, NOW).map(({ incident, sameService }) => [incident.id, sameService])).toEqual([
      ['same', true],
      ['other', false],
    ]);
  });
  it('marks when it became true, fired and was over', () => {
    expect(alertMarks(shop, NOW)).toEqual([
      { kind: 'fires', atMs: 90 * MINUTE },
      { kind: 'active', atMs: 80 * MINUTE, untilMs: 90 * MINUTE },
    ]);
    expect(alertMarks({ ...over, rule: { forMs: 0 } }, NOW)).toEqual([
      { kind: 'fires', atMs: 90 * MINUTE, untilMs: 95 * MINUTE },
      { kind: 'resolved', atMs: 95 * MINUTE },
    ]);
  });
  it.each([
    ['0.25000000000000006', '0.25'],
    ['12345', '12.3 k'],
    ['+Inf', '+Inf'],
    ['NaN', 'NaN'],
  ])('value %s reads %s', (text, wanted) => expect(shownValue(text)).toBe(wanted));
});

describe('ranges', () => {
  const grid = gridOf(0, 150_000, MINUTE);
  it('lie on their steps', () => {
    expect(grid).toEqual({ startMs: 0, endMs: 120_000, stepMs: MINUTE });
    expect(rangePath('a > 1', grid)).toBe('/api/v1/query_range?query=a+%3E+1&start=0&end=120&step=60');
  });
  const [series] = seriesOf({ data: { result: [{ metric: { a: 'b' }, values: [[0, '1'], [120, '+Inf']] }] } }); // biome-ignore format: one line reads better
  it('have a value or a gap for each step', () =>
    expect(series && onGrid(series, grid)).toEqual([1, Number.NaN, Number.POSITIVE_INFINITY]));
  it('are stretches where points follow each other', () =>
    expect(stretchesOf({ times: [0, 60_000, 180_000] }, MINUTE)).toEqual([
      { fromMs: 0, untilMs: 120_000 },
      { fromMs: 180_000, untilMs: 240_000 },
    ]));
  it('of ALERTS are a row for each alert, named by what tells it apart', () => {
    const of = (alertstate: string, job: string, times: number[]) => ({
      metric: { __name__: 'ALERTS', alertname: 'Slow', alertstate, job, team: 'a' },
      times,
      values: times.map(() => 1),
    });
    const rows = timelineRows([of('pending', 'a', [0]), of('firing', 'a', [60_000]), of('firing', 'b', [0, 60_000])], grid);
    expect(rows.map(({ name, firingMs, pending }) => [name, firingMs, pending.length])).toEqual([
      ['job=b', 2 * MINUTE, 0],
      ['job=a', MINUTE, 1],
    ]);
  });
});

describe('rules', () => {
  const one = (name: string, more: object = {}) => ({
    ...rule,
    ...{ id: name, name, kind: 'alerting' as const, annotations: {}, health: 'ok' as const, lastError: '', lastEvaluationMs: 0 },
    ...{ evaluationMs: 1, series: 0, firing: 0, pending: 0 },
    ...more,
  });
  const group = (name: string, rules: ReturnType<typeof one>[]) => ({
    ...{ name, line: 1, intervalMs: MINUTE, queryOffsetMs: 0, limit: 0, lastEvaluationMs: 0, nextEvaluationMs: 0, evaluationMs: 1 },
    ...{ failures: 0, missed: 0, rules },
  });
  const files: AlertRules['files'] = [
    { file: 'a.yml', groups: [group('g', [one('Up', { firing: 1 }), one('Bad', { health: 'err', firing: 1 })])], problems: [] },
    { file: 'empty.yml', groups: [], problems: [{ line: 1, column: 1, group: '', rule: 0, name: '', message: 'no' }] },
  ];
  it('stand in their groups and files', () => {
    expect(ruleRows({ files }, { text: '', state: null }).map(({ kind }) => kind)).toEqual(['file', 'group', 'rule', 'rule', 'file']);
    expect(ruleRows({ files }, { text: 'p99 BAD', state: 'err' }).map(({ kind }) => kind)).toEqual(['file', 'group', 'rule']);
    expect(ruleRows({ files }, { text: 'nothing', state: null })).toEqual([]);
  });
  it('that fail count as failing only', () => expect([...countStates({ files })]).toEqual([['firing', 1], ['err', 1]])); // biome-ignore format: one line
});

it('alerts stand as routes group them, in each group that has them; what no route has is grouped by name', () => {
  const status = { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] } as const;
  const group = (name: string) => ({
    receiver: { name },
    labels: { service: 'cart' },
    alerts: [{ fingerprint: cart.fingerprint, status }],
  });
  const views = groupByRoute([over, cart, shop], [group('pager'), group('log'), { ...group('gone'), alerts: [] }]);
  expect(views.map(({ receiver, alerts }) => [receiver, alerts.length])).toEqual([
    ['pager', 1],
    ['log', 1],
    ['', 1],
    ['', 1],
  ]);
});
describe('silences', () => {
  const matcher = (value: string, operator: '=' | '!=' | '=~' | '!~' = '=', name = 'job') =>
    withOperator({ name, value, isRegex: false, isEqual: true }, operator);
  it('begin with all labels of an alert; one leaves and comes back', () => {
    const { matchers, id } = draftOf({ alertname: 'Slow', job: 'a' });
    expect([id, ...matchers.map(matcherText)]).toEqual(['', 'alertname="Slow"', 'job="a"']);
    const wider = toggled(matchers, 'job', 'a');
    expect(wider.map(matcherText)).toEqual(['alertname="Slow"']);
    expect(toggled(wider, 'job', 'a').map(matcherText)).toEqual(['alertname="Slow"', 'job="a"']);
  });
  it('that are over are made anew, others are changed', () => {
    const silence = { id: 'x', matchers: [matcher('a')], startsAtMs: 1, endsAtMs: 2, updatedAtMs: 1, createdBy: 'me', comment: 'c' };
    expect(draftFrom({ ...silence, annotations: {}, alerts: 0, state: 'expired' })).toMatchObject({ id: '', startsAtMs: null });
    expect(draftFrom({ ...silence, annotations: {}, alerts: 0, state: 'active' })).toMatchObject({ id: 'x', endsAtMs: 2 });
  });
  it.each([
    [[], 'none'],
    [[matcher('a', '=', ' ')], 'name'],
    [[matcher('a', '!='), matcher('.*', '=~')], 'all'],
    [[matcher('', '=')], 'all'],
    [[matcher('a', '!~'), matcher('a')], null],
    [[matcher('(?i)a', '=~')], null],
  ])('%j: problem %s', (matchers, wanted) => expect(matchersProblem(matchers)).toBe(wanted));
  it('ask the engine for the alerts they hold for', () =>
    expect(new URL(previewPath([matcher('a"b', '=~', 'http.route')]), 'http://x').searchParams.get('filter')).toBe(
      '"http.route"=~"a\\"b"',
    ));
  it.each([
    ['2026-11-22 09:14', Date.UTC(2026, 10, 22, 9, 14)],
    ['2026-11-22T09:14', Date.UTC(2026, 10, 22, 9, 14)],
    ['tomorrow', null],
    ['2026-13-01 00:00', null],
  ])('time %s', (text, wanted) => {
    expect(fieldMs(text, 'utc')).toBe(wanted);
    if (wanted !== null) expect(fieldTime(wanted, 'utc')).toBe('2026-11-22 09:14');
  });
});
it.each([
  ['a=b c="d e"', { a: 'b', c: 'd e' }, ''],
  ['{a="b", "http.route"="/x"}', { a: 'b', 'http.route': '/x' }, ''],
  ['a=b sev', { a: 'b' }, ''],
  ['a=b ==', { a: 'b' }, '=='],
])('labels %s', (text, labels, problem) => expect(readLabels(text)).toEqual({ labels, problem }));
