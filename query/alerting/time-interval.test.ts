import { describe, expect, it } from 'vitest';
import { isLocation, isWithin, type TimeInterval } from './time-interval.ts';

const ALWAYS: TimeInterval = { times: [], weekdays: [], daysOfMonth: [], months: [], years: [], location: 'UTC' };
const within = (part: Partial<TimeInterval>, text: string): boolean => isWithin({ ...ALWAYS, ...part }, Date.parse(text));
const at = (begin: number, end = begin) => [{ begin, end }];

describe('time intervals', () => {
  it('without a part hold always', () => expect(within({}, '2026-11-22T00:00:00Z')).toBe(true));
  it.each<[Partial<TimeInterval>, string, boolean]>([
    [{ times: at(540, 1020) }, '2026-11-22T09:00:00Z', true],
    [{ times: at(540, 1020) }, '2026-11-22T16:59:59.999Z', true],
    [{ times: at(540, 1020) }, '2026-11-22T17:00:00Z', false],
    [{ times: at(540, 1440) }, '2026-11-22T23:59:59Z', true],
    [{ weekdays: at(1, 5) }, '2026-11-22T12:00:00Z', false],
    [{ weekdays: [...at(1, 5), ...at(0)] }, '2026-11-22T12:00:00Z', true],
    [{ daysOfMonth: at(-1) }, '2026-02-28T12:00:00Z', true],
    [{ daysOfMonth: at(-1) }, '2028-02-28T12:00:00Z', false],
    [{ daysOfMonth: at(-1) }, '2028-02-29T12:00:00Z', true],
    [{ daysOfMonth: at(-31, -29) }, '2026-02-01T12:00:00Z', false],
    [{ daysOfMonth: at(29, 31) }, '2026-02-28T12:00:00Z', false],
    [{ daysOfMonth: at(15, -10) }, '2026-02-19T12:00:00Z', true],
    [{ daysOfMonth: at(15, -10) }, '2026-02-20T12:00:00Z', false],
    [{ months: at(11, 12) }, '2026-11-22T12:00:00Z', true],
    [{ years: at(2020, 2025) }, '2026-01-01T00:00:00Z', false],
    [{ months: at(11), weekdays: at(1) }, '2026-11-22T12:00:00Z', false],
  ])('%j at %s: %s', (part, text, is) => expect(within(part, text)).toBe(is));
  it('are of their place: Sydney is ahead, Berlin changes its clocks', () => {
    const sydney = { location: 'Australia/Sydney', weekdays: at(1) };
    expect(within(sydney, '2026-11-22T12:59:00Z')).toBe(false);
    expect(within(sydney, '2026-11-22T13:00:00Z')).toBe(true);
    const nine = { location: 'Europe/Berlin', times: at(540, 541) };
    expect([7, 8].map((hour) => within(nine, `2026-07-01T0${hour}:00:00Z`))).toEqual([true, false]);
    expect([7, 8].map((hour) => within(nine, `2026-12-01T0${hour}:00:00Z`))).toEqual([false, true]);
    // The hour that is twice there on 25 October is so in both.
    const two = { location: 'Europe/Berlin', times: at(120, 180) };
    expect(['00:30', '01:30', '02:30'].map((time) => within(two, `2026-10-25T${time}:00Z`))).toEqual([true, true, false]);
    // March has 31 days there, with an hour less.
    expect(within({ location: 'Europe/Berlin', daysOfMonth: at(-1) }, '2026-03-31T12:00:00Z')).toBe(true);
  });
  it('places are those of the IANA database', () =>
    expect(['UTC', 'Local', 'Asia/Kathmandu', '+01:00', 'Nowhere/Land', ''].map(isLocation)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]));
});
