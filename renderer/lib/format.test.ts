import { describe, expect, it } from 'vitest';
import {
  ageText,
  bytesText,
  clockText,
  countText,
  durationText,
  evidenceText,
  NOTHING,
  percentText,
  preciseText,
  stampText,
  valueText,
} from './format.ts';

describe('durationText', () => {
  it.each([
    [0, '0 ms'],
    [0.0004, '400 ns'],
    [0.42, '420 µs'],
    [38.25, '38.3 ms'],
    [1_240, '1.24 s'],
    [200_000, '3 min 20 s'],
    [7_200_000, '2 h'],
    [-5, '-5 ms'],
    [-120_000, '-2 min'],
    [null, NOTHING],
    [Number.NaN, NOTHING],
    [Number.POSITIVE_INFINITY, NOTHING],
  ])('%s ms reads %s', (ms, text) => expect(durationText(ms)).toBe(text));
});
describe('figures', () => {
  it.each([
    [countText(999), '999'],
    [countText(12_400), '12.4 k'],
    [countText(-3_100_000), '-3.1 M'],
    [bytesText(0), '0 B'],
    [bytesText(1_536), '1.54 kB'],
    [bytesText(20e9), '20 GB'],
    [bytesText(999_999), '1 MB'],
    [bytesText(-2_500), '-2.5 kB'],
    [bytesText(Number.NaN), NOTHING],
    [percentText(0.0021), '0.21 %'],
    [percentText(0.314), '31.4 %'],
    [ageText(-5), '0 s'],
    [ageText(59_999), '59 s'],
    [ageText(3_600_000 * 50), '2 d'],
    [valueText(2_000_000, 'By'), '2 MB'],
    [valueText(0.25, 's'), '250 ms'],
    [valueText(12, '{request}/s'), '12/s'],
    [valueText(null, 'ms'), NOTHING],
    [valueText('5.8.0', ''), '5.8.0'],
    [evidenceText(0.55, '1'), '55 %'],
    [valueText(0.55, '1'), '0.55'],
  ])('%s is %s', (text, expected) => expect(text).toBe(expected));
});
describe('times in UTC', () => {
  const ms = Date.UTC(2026, 10, 21, 9, 14, 7, 42);
  it('keep their digits', () => {
    expect(stampText(ms, 'utc')).toBe('2026-11-21 09:14:07');
    expect(clockText(ms, 'utc')).toBe('09:14:07');
    expect(preciseText(ms, 'utc')).toBe('09:14:07.042');
  });
  it('work before 1970', () => expect(preciseText(-1, 'utc')).toBe('23:59:59.999'));
});
