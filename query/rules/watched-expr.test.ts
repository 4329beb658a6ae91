import { expect, it } from 'vitest';
import { parsePromql } from '#query/promql/parser.ts';
import { watchedExpr } from './watched-expr.ts';

it.each<[string, string | null]>([
  ['rate(errors_total[5m]) > 0.5', 'rate(errors_total[5m]) > 0.5'],
  ['(up == 0)', 'up == 0'],
  ['0.1 >= disk_free_ratio', 'disk_free_ratio <= 0.1'],
  ['a > on (job) group_left () b', 'a > b'],
  ['sum(x) > 14.4 * 0.001 and sum(y) > 1', 'sum(x) > 14.4 * 0.001'],
  ['a unless b > 3', null],
  ['absent(up)', null],
  ['a > bool 3', null],
])('%s watches %s', (text, wanted) => {
  const watched = watchedExpr(parsePromql(text));
  expect(watched && `${watched.query} ${watched.operator} ${watched.threshold}`).toBe(wanted);
});
