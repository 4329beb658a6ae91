import { expect, it } from 'vitest';
import { meaningOf } from './key-map.ts';

const press = (key: string, more: Partial<{ ctrl: boolean; alt: boolean; typing: boolean }> = {}) => ({
  key,
  ctrl: false,
  alt: false,
  typing: false,
  ...more,
});
it.each([
  ['n', 'now'],
  ['i', 'incidents'],
  ['e', 'traces'],
  ['l', 'logs'],
  ['m', 'metrics'],
  ['q', 'promql'],
  ['s', 'services'],
  ['b', 'slo'],
  ['c', 'cost'],
  ['v', 'volume'],
  ['o', 'sources'],
])('g then %s goes to %s', (key, page) => {
  expect(meaningOf(press('g'), false)).toBe('lead');
  expect(meaningOf(press(key), true)).toEqual({ do: 'go', page });
});
it('a second key that means nothing ends the chord', () => expect(meaningOf(press('z'), true)).toBeNull());
it('typing is left alone, but the palette always opens', () => {
  for (const key of ['g', '/', '?', 't', '[']) expect(meaningOf(press(key, { typing: true }), false)).toBeNull();
  expect(meaningOf(press('K', { typing: true, ctrl: true }), false)).toEqual({ do: 'palette' });
});
it('the browser keeps its own shortcuts', () => {
  expect(meaningOf(press('t', { ctrl: true }), false)).toBeNull();
  expect(meaningOf(press('g', { alt: true }), false)).toBeNull();
});
