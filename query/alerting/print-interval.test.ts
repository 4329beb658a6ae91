import { expect, it } from 'vitest';
import { printInterval } from './print-interval.ts';

const range = (begin: number, end: number) => [{ begin, end }];
const none = { times: [], weekdays: [], daysOfMonth: [], months: [], years: [], location: 'UTC' };
it.each([
  [{ ...none, times: range(540, 1020), weekdays: range(1, 5), location: 'Europe/Berlin' }, '09:00-17:00 monday:friday Europe/Berlin'],
  [{ ...none, weekdays: range(0, 0), times: range(0, 1440) }, '00:00-24:00 sunday'],
  [{ ...none, daysOfMonth: range(-3, -1), months: range(12, 12), years: range(2026, 2027) }, '-3:-1. december 2026:2027'],
  [none, 'always'],
])('%j reads %s', (interval, wanted) => expect(printInterval(interval)).toBe(wanted));
