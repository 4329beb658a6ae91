import { describe, expect, it } from 'vitest';
import { literalRegex, selectorText } from '#contracts/promql-text.ts';
import { offersHere } from './offers-here.ts';
import { markAt, noteOf, offsetOf, plainWords, problemOf, wrongAt } from './problem-place.ts';
import { readPast, withQuery } from './query-history.ts';

describe('where a query is wrong', () => {
  it.each([
    ['sum(up', 1, 7, 6],
    ['a +\n b c', 2, 4, 7],
    ['a', 9, 1, 1],
    ['ab', 1, 99, 2],
  ])('%j line %i column %i is offset %i', (text, line, column, at) => expect(offsetOf(text, line, column)).toBe(at));
  it.each([
    ['sum by job)', 7, 'job'],
    ['rate(up)', 5, 'up'],
    ['up ==', 5, '='],
    ['up   ', 5, 'p'],
    ['{温度="1"}', 1, '温度'],
  ])('%j at %i marks %j', (text, at, marked) => {
    const { from, to } = markAt(text, at);
    expect(text.slice(from, to)).toBe(marked);
  });
  it('an answer of the server names the place and what was expected', () => {
    const text = 'sum by job (up)';
    const problem = problemOf(
      text,
      'invalid parameter "query": 1:8: parse error: unexpected identifier "job" in grouping opts, expected "("',
    );
    expect(text.slice(problem.from, problem.to)).toBe('job');
    expect(plainWords(problem.message)).toEqual({
      key: 'promql_wrong_expected',
      params: { found: 'identifier "job"', where: 'grouping opts', wanted: '"("' },
    });
  });
  it('the end of a query is marked where it stops', () =>
    expect(wrongAt('sum(up) +  ', { from: 11, to: 11, message: 'unexpected end of input' })).toMatchObject({
      from: 8,
      to: 9,
      severity: 'error',
    }));
  it('one without a place marks it all', () => expect(problemOf('abc', 'what')).toMatchObject({ from: 0, to: 3, message: 'what' }));
  it('an annotation marks what it is about', () => {
    const text = 'rate(temperature[5m])';
    const note = noteOf(
      text,
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "temperature" (1:6)',
      'info',
    );
    expect(text.slice(note.from, note.to)).toBe('temperature');
    expect(plainWords(note.message)).toEqual({ key: 'promql_note_counter', params: { name: 'temperature' } });
  });
  it.each([
    ['query processing would load too many samples into memory in query execution: it reads more than 5,000,000', 'promql_limit_samples'],
    ['exceeded maximum resolution of 11,000 points per timeseries. Try decreasing', 'promql_limit_points'],
    ['120000 series fit, at most 100000 can be read at once.', 'promql_limit_series'],
    ['expected type range vector in call to function "rate", got instant vector', 'promql_wrong_needs_range'],
    ['something new', undefined],
  ])('%s is said plainly', (message, key) => expect(plainWords(message)?.key).toBe(key));
});
it('the history holds each text once, the newest first, and no more than a few hundred', () => {
  const twice = withQuery(withQuery(withQuery([], 'a', 1), 'b', 2), ' a ', 3);
  expect(twice).toEqual([
    { text: 'a', atMs: 3 },
    { text: 'b', atMs: 2 },
  ]);
  expect(withQuery(twice, '  ', 4)).toEqual(twice);
  let many = twice;
  for (let i = 0; i < 300; i++) many = withQuery(many, `m${i}`, i);
  expect(many).toHaveLength(200);
});
it.each([null, '{', '"x"', '[1,{"text":2}]'])('%s is an empty history', (json) => expect(readPast(json)).toEqual([]));
it.each([
  ['up', [], 'up'],
  ['', [{ name: 'job', operator: '=~', value: 'a|b"c' }], '{job=~"a|b\\"c"}'],
  ['http.requests', [{ name: 'service.name', operator: '=', value: 'a\\b' }], '{"http.requests","service.name"="a\\\\b"}'],
  ['', [], ''],
] as const)('%j with %j is %s', (metric, matchers, text) => expect(selectorText(metric, matchers)).toBe(text));
it('a text as a regular expression matches itself only', () =>
  expect(new RegExp(`^(?:${literalRegex('a.b|c(1)')})$`).test('a.b|c(1)')).toBe(true));
it.each([
  ['up{', true],
  ['up{job="', true],
  ['sum by (', true],
  ['rate(up[5', true],
  ['up > 5', false],
  ['rate(up[5m]', false],
  ['sum(up)', false],
  ['up ', false],
])('behind %j names are offered unasked: %s', (before, offers) => expect(offersHere(before)).toBe(offers));
