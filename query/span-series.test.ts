import { describe, expect, it } from 'vitest';
import type { Matcher } from './promql/ast.ts';
import { parseBad, printBad, spanFilterOf, spanLabels, spanSelector } from './span-series.ts';

const matchers = (entries: Record<string, string>, operator: Matcher['operator'] = '='): Matcher[] => [
  { name: '__name__', operator: '=', value: 'faultline_requests' },
  ...Object.entries(entries).map(([name, value]) => ({ name, operator, value })),
];
describe('requests from spans as a series', () => {
  it.each([
    ['error', { errors: true, slowerMs: null }, 'error'],
    ['>500ms', { errors: false, slowerMs: 500 }, '>500ms'],
    ['>0.25s', { errors: false, slowerMs: 250 }, '>250ms'],
    ['error or >1s', { errors: true, slowerMs: 1000 }, 'error or >1000ms'],
  ])('are bad when %s', (text, bad, printed) => {
    expect(parseBad(text)).toEqual(bad);
    expect(printBad(bad)).toBe(printed);
  });
  it.each(['', 'errors', '>500', '> 500ms', '>1s or error', 'error or', 'error or error', 'error or >1s or >2s', '>1e9ms'])(
    '%j says nothing',
    (text) => expect(parseBad(text)).toBeNull(),
  );
  it('are asked for by service, operation and what is bad', () => {
    const filter = { service: 'cart', operation: 'GET "x"', bad: { errors: true, slowerMs: null } };
    expect(spanFilterOf(matchers({ service_name: 'cart', span_name: 'GET "x"', bad: 'error', job: '' }))).toEqual(filter);
    expect(spanSelector(filter)).toBe('faultline_requests{bad="error", service_name="cart", span_name="GET \\"x\\""}');
    expect(spanLabels({ ...filter, operation: '', bad: null }).names).toEqual(['__name__', 'service_name']);
    expect(spanFilterOf([{ name: '__name__', operator: '=', value: 'up' }])).toBeNull();
  });
  it('know nothing else', () => {
    expect(() => spanFilterOf(matchers({ job: 'x' }))).toThrow('it takes service_name, span_name, bad with =, not job=');
    expect(() => spanFilterOf(matchers({ service_name: 'a|b' }, '=~'))).toThrow('not service_name=~');
    expect(() => spanFilterOf(matchers({ bad: 'slow' }))).toThrow('bad="slow" is none of');
  });
});
