import { describe, expect, it } from 'vitest';
import { parseSyslog, type SyslogMessage } from './parse-syslog.ts';

const NOW = Date.parse('2026-11-21T20:00:00Z');
const clock = { nowMs: NOW, timeZone: 'UTC' };
const parse = (text: string | Buffer, at = clock): SyslogMessage => parseSyslog(Buffer.from(text as string), at);
const ns = (text: string, extra = 0): bigint => BigInt(Date.parse(text)) * 1_000_000n + BigInt(extra);
const NOTHING = { version: 0, timeNs: 0n, host: '', app: '', procid: '', msgid: '', data: [], problem: '' };

describe('RFC 5424', () => {
  /** The examples of section 6.5, and what its grammar allows. */
  it.each<[string, string, Partial<SyslogMessage>]>([
    [
      'example 1',
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \uFEFF'su root' failed for lonvick on /dev/pts/8",
      {
        priority: 34,
        timeNs: ns('2003-10-11T22:14:15.003Z'),
        host: 'mymachine.example.com',
        app: 'su',
        msgid: 'ID47',
        text: "'su root' failed for lonvick on /dev/pts/8",
      },
    ],
    [
      'example 2: microseconds, a zone, no byte order mark',
      '<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It is time to make the do-nuts.',
      {
        priority: 165,
        timeNs: ns('2003-08-24T12:14:15Z', 3_000),
        host: '192.0.2.1',
        app: 'myproc',
        procid: '8710',
        text: '%% It is time to make the do-nuts.',
      },
    ],
    [
      'example 3: structured data',
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] \uFEFFAn application event log entry...',
      {
        priority: 165,
        timeNs: ns('2003-10-11T22:14:15.003Z'),
        host: 'mymachine.example.com',
        app: 'evntslog',
        msgid: 'ID47',
        data: [
          ['exampleSDID@32473', 'iut', '3'],
          ['exampleSDID@32473', 'eventSource', 'Application'],
          ['exampleSDID@32473', 'eventID', '1011'],
        ],
        text: 'An application event log entry...',
      },
    ],
    [
      'example 4: structured data only',
      '<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [a@1 iut="3"][examplePriority@32473 class="high"]',
      {
        priority: 165,
        timeNs: ns('2003-10-11T22:14:15.003Z'),
        host: 'h',
        app: 'evntslog',
        msgid: 'ID47',
        data: [
          ['a@1', 'iut', '3'],
          ['examplePriority@32473', 'class', 'high'],
        ],
        text: '',
      },
    ],
    ['nothing said', '<0>1 - - - - - -', { priority: 0, text: '' }],
    ['an element without parameters, then text', '<13>1 - - - - - [meta] x', { priority: 13, text: 'x' }],
    [
      'escapes; a backslash that escapes nothing stays; a parameter twice',
      String.raw`<13>1 - - - - - [a b="q\"\\\]\n" b="]"] t`,
      {
        priority: 13,
        data: [
          ['a', 'b', String.raw`q"\]\n`],
          ['a', 'b', ']'],
        ],
        text: 't',
      },
    ],
    ['line ends stay in the text', '<13>1 - - - - - - a\nb', { priority: 13, text: 'a\nb' }],
    ['bytes that are not UTF-8 are replaced', Buffer.from('<13>1 - - - - - - \xff', 'latin1') as never, { priority: 13, text: '\uFFFD' }],
  ])('%s', (_, text, wanted) => expect(parse(text)).toEqual({ ...NOTHING, version: 1, ...wanted }));

  it.each([
    ['a part is missing', '1 - - - - -', /six parts/],
    ['a time that is none', '1 yesterday h a p m - x', /the time is "yesterday"/],
    ['a time without a zone', '1 2003-10-11T22:14:15 h a p m - x', /the time is/],
    ['a month 13', '1 2003-13-11T22:14:15Z h a p m - x', /the time is/],
    ['data without an end', '1 - - - - - [a b="c" x', /structured data/],
    ['data without quotes', '1 - - - - - [a b=c] x', /structured data/],
    ['data that ends in an escape', String.raw`1 - - - - - [a b="\ `, /structured data/],
    ['no space after the data', '1 - - - - - [a]x', /structured data/],
    ['neither data nor -', '1 - - - - - x', /structured data/],
  ])('a broken header loses no text: %s', (_, rest, problem) => {
    const message = parse(`<13>${rest}`);
    expect(message).toMatchObject({ priority: 13, version: 0, text: rest });
    expect(message.problem).toMatch(problem);
  });
});

describe('RFC 3164', () => {
  it.each<[string, string, Partial<SyslogMessage>]>([
    [
      'example 1 of 5.4',
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
      { priority: 34, timeNs: ns('2026-10-11T22:14:15Z'), host: 'mymachine', app: 'su', text: "'su root' failed" },
    ],
    [
      'example 2: no tag, a day of one digit',
      '<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!',
      { priority: 13, timeNs: ns('2026-02-05T17:32:18Z'), host: '10.0.0.99', text: 'Use the BFG!' },
    ],
    [
      'logger -i',
      '<13>Nov 21 19:34:12 box me[4711]: a: b',
      { priority: 13, timeNs: ns('2026-11-21T19:34:12Z'), host: 'box', app: 'me', procid: '4711', text: 'a: b' },
    ],
    [
      'without a host, as local programs write',
      '<30>Nov 21 19:34:12 cron[7]: x',
      { priority: 30, timeNs: ns('2026-11-21T19:34:12Z'), app: 'cron', procid: '7', text: 'x' },
    ],
    ['without a time', '<30>cron: x', { priority: 30, app: 'cron', text: 'x' }],
    ['only text', '<30>hello there', { priority: 30, text: 'hello there' }],
    [
      'rsyslog with RFC 3339',
      '<30>2026-11-21T19:34:12.123456+01:00 box app: x',
      { priority: 30, timeNs: ns('2026-11-21T18:34:12Z', 123_456_000), host: 'box', app: 'app', text: 'x' },
    ],
    [
      'a year and milliseconds, as routers can',
      '<30>Nov 21 2025 19:34:12.500 box app: x',
      { priority: 30, timeNs: ns('2025-11-21T19:34:12.500Z'), host: 'box', app: 'app', text: 'x' },
    ],
    [
      'an IPv6 host is no tag',
      '<30>Nov 21 19:34:12 fe80::1 app: x',
      { priority: 30, timeNs: ns('2026-11-21T19:34:12Z'), host: 'fe80::1', app: 'app', text: 'x' },
    ],
    ['a date that is none is text', '<30>Foo 41 19:34:12 x', { priority: 30, text: 'Foo 41 19:34:12 x' }],
    ['an hour that is none', '<30>Nov 21 25:34:12 x', { priority: 30, text: 'Nov 21 25:34:12 x' }],
    ['the 30th of February', '<30>Feb 30 20:34:12 x', { priority: 30, text: 'Feb 30 20:34:12 x' }],
    ['text that begins as a version does', '<30>1', { priority: 30, text: '1' }],
  ])('%s', (_, text, wanted) => expect(parse(text)).toEqual({ ...NOTHING, ...wanted }));

  it.each([
    ['the last of December, read in January', 'Dec 31 23:59:59', '2027-01-01T00:00:05Z', '2026-12-31T23:59:59Z'],
    ['a clock five seconds ahead at New Year', 'Jan  1 00:00:02', '2026-12-31T23:59:57Z', '2027-01-01T00:00:02Z'],
    ['a day ahead is this year', 'Nov 22 19:59:59', '2026-11-21T20:00:00Z', '2026-11-22T19:59:59Z'],
    ['two days ahead was last year', 'Nov 23 20:00:00', '2026-11-21T20:00:00Z', '2025-11-23T20:00:00Z'],
    ['the 29th of February is that of the last leap year', 'Feb 29 12:00:00', '2026-11-21T20:00:00Z', '2024-02-29T12:00:00Z'],
  ])('the year: %s', (_, time, now, wanted) => {
    expect(parse(`<13>${time} h t: x`, { nowMs: Date.parse(now), timeZone: 'UTC' }).timeNs).toBe(ns(wanted));
  });
  it.each([
    ['Europe/Berlin', 'Jul  1 12:00:00', '2026-07-01T10:00:00Z'],
    ['Europe/Berlin', 'Oct 25 01:59:59', '2026-10-24T23:59:59Z'],
    ['Europe/Berlin', 'Oct 25 03:00:00', '2026-10-25T02:00:00Z'],
    ['Asia/Kathmandu', 'Nov 21 12:00:00', '2026-11-21T06:15:00Z'],
    ['America/St_Johns', 'Nov 21 12:00:00', '2026-11-21T15:30:00Z'],
  ])('the zone %s at %s', (timeZone, time, wanted) => {
    expect(parse(`<13>${time} h t: x`, { nowMs: NOW, timeZone }).timeNs).toBe(ns(wanted));
  });
  it('the zone of this machine is what Date takes', () => {
    const local = new Date(2026, 6, 1, 12, 0, 0).getTime();
    expect(parse('<13>Jul  1 12:00:00 h t: x', { nowMs: NOW, timeZone: '' }).timeNs).toBe(BigInt(local) * 1_000_000n);
  });
});

describe('no priority', () => {
  it.each([
    ['a line of a stack', '  at Foo.bar(Foo.java:7)', /no priority/],
    ['one that is too large', '<192>x', /is 192, the largest is 191/],
    ['four digits', '<0013>x', /no priority/],
    ['Latin-1', Buffer.from('gr\xfc\xdf', 'latin1').toString('latin1'), /no priority/],
  ])('text is kept whole: %s', (_, text, problem) => {
    const message = parse(text);
    expect(message).toMatchObject({ priority: -1, text, timeNs: 0n, host: '', app: '' });
    expect(message.problem).toMatch(problem);
  });
  it.each([
    ['nothing', '', /empty/],
    ['blanks', ' \t ', /empty/],
    ['only a priority', '<13> ', /nothing after/],
    ['a TLS hello', '\x16\x03\x01\x02\0\x01', /no text/],
  ])('refused: %s', (_, text, says) => expect(() => parse(text)).toThrow(says));
});
