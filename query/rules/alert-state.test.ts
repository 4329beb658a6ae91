import { describe, expect, it } from 'vitest';
import { labelOf, labelsOf } from '#query/promql/labels.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { AlertBook, storedAlerts } from './alert-state.ts';
import type { AlertingRule } from './rule.ts';

const MINUTE = 60_000;
const rule = (more: Partial<AlertingRule> = {}): AlertingRule => ({
  kind: 'alerting',
  name: 'Down',
  expr: parsePromql('up == 0'),
  text: 'up == 0',
  forMs: 2 * MINUTE,
  keepFiringForMs: 0,
  labels: new Map([['severity', 'page']]),
  annotations: new Map(),
  templates: new Map(),
  line: 1,
  ...more,
});
const of = (instance: string, value = 0) => ({
  sample: {
    labels: labelsOf([
      ['__name__', 'up'],
      ['instance', instance],
    ]),
    value,
  },
  labels: new Map([['severity', 'page']]),
  annotations: new Map<string, string>(),
});
/** State of each minute while the expression gives something ('x') or nothing ('.'). */
function life(pattern: string, more: Partial<AlertingRule> = {}): string {
  const book = new AlertBook(rule(more));
  return [...pattern]
    .map((c, i) => {
      book.evaluate(c === 'x' ? [of('a')] : [], i * MINUTE, i * MINUTE, 0);
      return book.state.charAt(0);
    })
    .join('');
}

describe('an alert', () => {
  it.each<[string, string, Partial<AlertingRule>]>([
    ['xxxx...', 'ppffiii', {}],
    ['xx.xxxx', 'ppippff', {}],
    ['xx', 'ff', { forMs: 0 }],
    ['xxx...xxx', 'ppfffippf', { keepFiringForMs: 2 * MINUTE }],
    ['xxx.x..', 'ppfffff', { keepFiringForMs: 2 * MINUTE }],
    ['xxx.x...', 'ppfffffi', { keepFiringForMs: 2 * MINUTE }],
    // Pending is never kept.
    ['xx..', 'ppii', { keepFiringForMs: 2 * MINUTE }],
  ])('of %s is %s', (pattern, states, more) => expect(life(pattern, more)).toBe(states));

  it('is written as ALERTS and ALERTS_FOR_STATE, at the time the query offset says', () => {
    const book = new AlertBook(rule({ forMs: 0 }));
    const written = book.evaluate([of('a', 3)], 10 * MINUTE, 9 * MINUTE, 0);
    expect(
      written.map(({ labels, value, atMs }) => [labels.names.map((name) => `${name}=${labelOf(labels, name)}`).join(), value, atMs]),
    ).toEqual([
      ['__name__=ALERTS,alertname=Down,alertstate=firing,instance=a,severity=page', 1, 9 * MINUTE],
      ['__name__=ALERTS_FOR_STATE,alertname=Down,instance=a,severity=page', 600, 9 * MINUTE],
    ]);
    expect(book.alerts[0]).toMatchObject({ value: 3, activeAtMs: 10 * MINUTE, firedAtMs: 10 * MINUTE });
  });
  it('that resolved is told of for 15 minutes', () => {
    const book = new AlertBook(rule({ forMs: 0 }));
    book.evaluate([of('a')], 0, 0, 0);
    book.evaluate([], MINUTE, MINUTE, 0);
    expect(book.recent).toMatchObject([{ state: 'inactive', resolvedAtMs: MINUTE }]);
    book.evaluate([], 16 * MINUTE, 0, 0);
    expect(book.recent).toHaveLength(1);
    book.evaluate([], 17 * MINUTE, 0, 0);
    expect(book.recent).toHaveLength(0);
  });
  it('beyond the limit is none: all go, as in Prometheus', () => {
    const book = new AlertBook(rule());
    expect(() => book.evaluate([of('a'), of('b')], 0, 0, 1)).toThrow('exceeded limit of 1 with 2 alerts');
    expect(book.alerts).toHaveLength(0);
  });
  it('with the labels of another is an error, and changes nothing', () => {
    const book = new AlertBook(rule({ forMs: 0 }));
    book.evaluate([of('a')], 0, 0, 0);
    const same = { ...of('b'), labels: new Map([['instance', 'x']]) };
    expect(() => book.evaluate([same, { ...of('c'), labels: same.labels }], MINUTE, 0, 0)).toThrow(
      'same labelset after applying alert labels',
    );
    expect(book.state).toBe('firing');
  });
});

describe('a restart', () => {
  /** What the store has after evaluations at minutes 0 to `last`. */
  function storedAfter(last: number, forMs: number) {
    const book = new AlertBook(rule({ forMs }));
    const series = new Map<string, { labels: ReturnType<typeof labelsOf>; lastMs: number; value: number }>();
    for (let i = 0; i <= last; i++)
      for (const { labels, atMs, value } of book.evaluate([of('a')], i * MINUTE, i * MINUTE, 0))
        series.set(labels.key, { labels, lastMs: atMs, value });
    return storedAlerts(rule({ forMs }), [...series.values()]);
  }
  it('goes on with a firing alert, however short its for', () => {
    const book = new AlertBook(rule());
    book.restore(storedAfter(3, 2 * MINUTE), 5 * MINUTE, MINUTE);
    expect(book.alerts).toMatchObject([{ state: 'firing', activeAtMs: 0 }]);
    book.evaluate([], 5 * MINUTE, 5 * MINUTE, 0);
    expect(book.state).toBe('inactive');
  });
  it('counts the time nothing was evaluated for no pending alert', () => {
    const book = new AlertBook(rule({ forMs: 5 * MINUTE }));
    book.restore(storedAfter(2, 5 * MINUTE), 13 * MINUTE, MINUTE);
    // 2 of 5 minutes were spent; the last evaluation was at 2, the next would have been at 3: 10 minutes are lost.
    expect(book.alerts).toMatchObject([{ state: 'pending', activeAtMs: 10 * MINUTE }]);
    for (const [at, state] of [
      [13, 'pending'],
      [14, 'pending'],
      [15, 'firing'],
    ] as const) {
      book.evaluate([of('a')], at * MINUTE, at * MINUTE, 0);
      expect(book.state).toBe(state);
    }
  });
  it('that missed nothing moves nothing', () => {
    const book = new AlertBook(rule({ forMs: 5 * MINUTE }));
    book.restore(storedAfter(2, 5 * MINUTE), 3 * MINUTE, MINUTE);
    expect(book.alerts).toMatchObject([{ activeAtMs: 0 }]);
  });
});
