import { describe, expect, it } from 'vitest';
import { timeOfField, timeOfLine, timeOfValue } from './line-time.ts';

const nowMs = Date.UTC(2026, 10, 21, 12);
const utc = { nowMs, zone: 'utc' } as const;
const iso = (ns: bigint): string =>
  ns === 0n ? '' : `${new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19)}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;

describe('the time a line begins with', () => {
  it.each([
    ['RFC 3339', '2026-11-21T10:11:12.123456789Z INFO up', '2026-11-21T10:11:12.123456789'],
    ['an offset', '2026-11-21T10:11:12.5+02:00 x', '2026-11-21T08:11:12.500000000'],
    ['Python and log4j', '2026-11-21 10:11:12,345 - root - INFO', '2026-11-21T10:11:12.345000000'],
    ['PostgreSQL', '2026-11-21 10:11:12.345 UTC [1] LOG:  ready', '2026-11-21T10:11:12.345000000'],
    ['behind a level', '[INFO] 2026-11-21 10:11:12 up', '2026-11-21T10:11:12.000000000'],
    ['in brackets', '[2026-11-21T10:11:12.000-0100] x', '2026-11-21T11:11:12.000000000'],
    ['Go and nginx errors', '2026/11/21 10:11:12 [error] 7#7: x', '2026-11-21T10:11:12.000000000'],
    ['RFC 3164', 'Nov 21 10:11:12 host sshd[7]: x', '2026-11-21T10:11:12.000000000'],
    ['RFC 3164, one digit, with a priority', '<34>Oct  1 22:14:15 host su: x', '2026-10-01T22:14:15.000000000'],
    ['without a year, late in the last one', 'Dec 31 23:59:59 host x', '2025-12-31T23:59:59.000000000'],
    ['klog', 'I1121 10:11:12.345678       1 main.go:7] x', '2026-11-21T10:11:12.345678000'],
    ['access logs', '10.0.0.1 - ann [21/Nov/2026:10:11:12 +0100] "GET / HTTP/1.1" 200 5', '2026-11-21T09:11:12.000000000'],
    ['asctime', '[Sat Nov 21 10:11:12.123456 2026] [core:error] x', '2026-11-21T10:11:12.123456000'],
    ['seconds', '1795255872.25 up', '2026-11-21T10:11:12.250000000'],
    ['milliseconds', '1795255872345 up', '2026-11-21T10:11:12.345000000'],
    ['no time', 'nothing to see', ''],
    ['a number that is none', '1234567890123456 orders', ''],
    ['a date that is none', '2026-13-41T10:11:12Z', ''],
    ['a month that is none', 'Foo 21 10:11:12 x', ''],
    ['before 1970', '1812-01-01T00:00:00Z x', ''],
    ['far into the text', `${'x'.repeat(90)} 2026-11-21T10:11:12Z`, ''],
    ['a day no month has', '2026-02-31T10:11:12Z x', ''],
    ['PostgreSQL with hours alone', '2026-11-21 10:11:12.345+01 [1] LOG:  ready', '2026-11-21T09:11:12.345000000'],
    ['a leap second', '2016-12-31T23:59:60Z x', '2017-01-01T00:00:00.000000000'],
  ])('%s', (_, line, expected) => expect(iso(timeOfLine(line, utc))).toBe(expected));

  it('without a zone is local time, if that is set', () => {
    const ms = Number(timeOfLine('2026-11-21 10:11:12 x', { nowMs, zone: 'local' }) / 1_000_000n);
    expect(ms).toBe(new Date(2026, 10, 21, 10, 11, 12).getTime());
  });
  it('a second read before does not change what the next one means', () => {
    const [a, b] = ['2026-11-21 10:11:12 x', '2026-11-21T10:11:12+01:00 x'].map((line) => timeOfLine(line, utc)) as [bigint, bigint];
    expect(a - b).toBe(3_600_000_000_000n);
  });
});

describe('a time as a field', () => {
  it.each<[string, unknown, string]>([
    ['text', '2026-11-21T10:11:12.5Z', '2026-11-21T10:11:12.500000000'],
    ['seconds', 1_795_255_872, '2026-11-21T10:11:12.000000000'],
    ['seconds with a fraction', 1_795_255_872.25, '2026-11-21T10:11:12.250000000'],
    ['milliseconds', 1_795_255_872_345, '2026-11-21T10:11:12.345000000'],
    ['microseconds', 1_795_255_872_345_678, '2026-11-21T10:11:12.345678000'],
    ['nanoseconds as text', '1795255872345678901', '2026-11-21T10:11:12.345678901'],
    ['seconds since something else', 12.5, ''],
    ['a date as a number', '20261121', ''],
    ['nothing', null, ''],
    ['not finite', Number.POSITIVE_INFINITY, ''],
    ['negative', -5, ''],
    ['beyond 2262', '9999999999999999999', ''],
  ])('%s', (_, value, expected) => expect(iso(timeOfField(value, utc))).toBe(expected));
});

describe('a time as a value of a table', () => {
  it.each<[string, string]>([
    ['2026-11-21T10:11:12.5+02:00', '2026-11-21T08:11:12.500000000'],
    ['2026-11-21 10:11', '2026-11-21T10:11:00.000000000'],
    ['2026/11/21 10:11:12 UTC', '2026-11-21T10:11:12.000000000'],
    ['1795255872.25', '2026-11-21T10:11:12.250000000'],
    ['1795255872345', '2026-11-21T10:11:12.345000000'],
    ['at 2026-11-21T10:11:12Z', ''],
    ['2026-11-21T10:11:12Z x', ''],
    ['9999-12-31T23:59:59Z', ''],
    ['7', ''],
    ['', ''],
  ])('%s', (text, expected) => expect(iso(timeOfValue(text) ?? 0n)).toBe(expected));
});
