import { expect, it } from 'vitest';
import { type ExactFilter, MAX_FILTERS, readFilters, withFilter, writeFilters } from './exact-filter.ts';

const filter = (key: string, value: string, exclude = false): ExactFilter => ({ scope: 'attribute', key, value, exclude });
it.each([
  [[]],
  [[filter('http.route', '/cart/{id}')]],
  [[filter('a=b,c', '1,2=3&4%2C'), filter('日志', '“值”\n', true), filter('empty', '')]],
])('%j comes back as it was', (filters) => expect(readFilters(writeFilters(filters))).toEqual(filters));
it.each(['a', 'attribute:x', 'column:x=1', 'attribute:=1', 'attribute:x=%', ',', `${'attribute:a=1,'.repeat(MAX_FILTERS)}attribute:a=1`])(
  '%j is refused',
  (text) => expect(readFilters(text)).toBeNull(),
);
it('a value is looked for or left out, not both, and not twice', () => {
  const one = [filter('a', '1'), filter('b', '1')];
  expect(withFilter(one, filter('a', '1', true))).toEqual([filter('b', '1'), filter('a', '1', true)]);
  expect(withFilter(one, filter('b', '1'))).toEqual(one);
  expect(withFilter(one, filter('a', '2'))).toHaveLength(3);
});
