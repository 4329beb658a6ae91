import { describe, expect, it } from 'vitest';
import { acceptTime, MAX_AHEAD_NS } from '#contracts/accept-time.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { logPayloads, metricPayloads, tracePayloads } from '../../bench/payloads.ts';
import { checkOtlp, MAX_ROWS } from './check.ts';
import { field, fixed64, joined, keyValue, logRequest, number, SPAN_ID, spanRequest, TRACE_ID, varint } from './test-protobuf.ts';
import { TIME_REASONS, TimeWindow } from './time-window.ts';

const receivedUnixNano = 1_790_000_000_000_000_000n;
const week = 7 * 86_400;
const context = { limits: limitsSchema.parse({ maxDepth: 4 }), receivedUnixNano, retentionSeconds: week };
const check = (kind: 'traces' | 'metrics' | 'logs', body: Uint8Array, retentionSeconds = week) =>
  checkOtlp(kind, body, { ...context, retentionSeconds });
const nested = (depth: number): Uint8Array[] => (depth === 1 ? [field(1, 'x')] : [field(5, [field(1, nested(depth - 1))])]);

describe('checkOtlp', () => {
  it.each([
    ['traces', tracePayloads],
    ['logs', logPayloads],
    ['metrics', metricPayloads],
  ] as const)('counts the items of real %s', (kind, payloads) => {
    for (const body of payloads({ seed: 1, bodies: 2, items: 30, startUnixNano: receivedUnixNano }))
      expect(check(kind, body)).toEqual({ ok: true, items: 30, rejected: 0, rejectedReasons: new Map() });
  });
  it('takes an empty request', () => {
    expect(check('metrics', new Uint8Array(0))).toMatchObject({ ok: true, items: 0 });
  });

  it.each([
    ['a truncated length', Uint8Array.from([0x0a, 0x05, 0x01]), 'malformed', /length runs past the end at byte 1/],
    ['a tag without value', Uint8Array.from([0x0a]), 'malformed', /number is cut off/],
    ['field number 0', Uint8Array.from([0x02, 0x00]), 'malformed', /field number 0/],
    ['a group', Uint8Array.from([0x0b, 0x0c]), 'malformed', /groups/],
    ['wire type 7', Uint8Array.from([0x0f]), 'malformed', /wire type 7/],
    ['a number of eleven bytes', joined(varint(8 * 99), new Uint8Array(11).fill(0x80)), 'malformed', /longer than ten bytes/],
    ['half a fixed64', logRequest(Uint8Array.from([0x09, 1, 2, 3])), 'malformed', /64-bit number is cut off/],
    ['half a fixed32', logRequest(Uint8Array.from([0x45, 1])), 'malformed', /32-bit number is cut off/],
    ['JSON', Buffer.from('{"resourceLogs":[]}'), 'malformed', /cannot read OTLP logs from 19 bytes/],
    ['a length of 2^63', joined(Uint8Array.from([0x0a]), varint(2n ** 63n)), 'malformed', /past the end/],
    [
      'invalid UTF-8',
      logRequest(field(3, Uint8Array.from([0x61, 0xff, 0x62]))),
      'invalid_utf8',
      /LogRecord at byte \d+ is not valid UTF-8/,
    ],
    ['an overlong UTF-8 slash', logRequest(field(12, Uint8Array.from([0xc0, 0xaf]))), 'invalid_utf8', /UTF-8/],
    ['half a surrogate pair', logRequest(field(6, [field(1, Uint8Array.from([0xed, 0xa0, 0x80]))])), 'invalid_utf8', /KeyValue/],
    ['a value five deep', logRequest(field(5, nested(5))), 'too_deep', /deeper than 4/],
  ] as const)('refuses %s', (_name, body, reason, message) => {
    const result = check('logs', body);
    expect(result).toMatchObject({ ok: false, reason });
    expect(result.ok ? '' : result.message).toMatch(message);
  });

  it.each([
    ['a value as deep as the limit', logRequest(field(5, nested(4)))],
    ['unknown fields everywhere', joined(field(500, 'x'), logRequest(field(500, 'x'), number(501, -1), fixed64(502, 1n)))],
    ['a known field of another wire type', logRequest(number(3, 5))],
    ['bytes that are not text where bytes are due', logRequest(field(6, keyValue('k', field(7, Uint8Array.from([0xff])))))],
  ])('takes %s', (_name, body) => {
    expect(check('logs', body)).toMatchObject({ ok: true, items: 1, rejected: 0 });
  });

  it.each([
    ['no trace id', [field(2, SPAN_ID)], 'invalid_id'],
    ['a zero trace id', [field(1, new Uint8Array(16)), field(2, SPAN_ID)], 'invalid_id'],
    ['a short span id', [field(1, TRACE_ID), field(2, SPAN_ID.subarray(1))], 'invalid_id'],
    ['a time beyond the retention', [field(1, TRACE_ID), field(2, SPAN_ID), fixed64(7, 1n)], 'time_too_old'],
    ['a time two days ahead', [field(1, TRACE_ID), field(2, SPAN_ID), fixed64(7, receivedUnixNano + 2n * MAX_AHEAD_NS)], 'time_in_future'],
    ['both', [fixed64(7, 1n)], 'invalid_id'],
  ] as const)('says which span will be dropped: %s', (_name, fields, reason) => {
    const body = joined(field(1, [field(2, [field(2, fields)])]), spanRequest(receivedUnixNano));
    expect(check('traces', body)).toEqual({ ok: true, items: 2, rejected: 1, rejectedReasons: new Map([[reason, 1]]) });
  });
  it('takes 1970 when retention is off, and a missing time always', () => {
    expect(check('traces', spanRequest(1n), 0)).toMatchObject({ rejected: 0 });
    expect(check('logs', logRequest())).toMatchObject({ items: 1, rejected: 0 });
  });
  it('counts points of the last member when a metric has two', () => {
    const metric = [field(5, [field(1, []), field(1, [])]), field(7, [field(1, [])])];
    expect(check('metrics', field(1, [field(2, [field(2, metric)])]))).toMatchObject({ ok: true, items: 1 });
  });
});

describe('a body made to be small on the wire and large in memory', () => {
  it.each([
    ['log records', 'logs', Uint8Array.from([0x12, 0x00]), (records: Uint8Array) => field(1, [field(2, records)])],
    ['events', 'traces', Uint8Array.from([0x5a, 0x00]), (events: Uint8Array) => spanRequest(receivedUnixNano, events)],
  ] as const)('is refused: %s', (_name, kind, one, wrap) => {
    const body = wrap(new Uint8Array(Buffer.alloc(2 * (MAX_ROWS + 1), one)));
    expect(check(kind, body)).toMatchObject({ ok: false, reason: 'decompressed_too_large' });
  });
});

describe('TimeWindow', () => {
  const times = [0n, 1n, receivedUnixNano, 2n ** 32n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
  const edges = [week, 1, 0].flatMap((seconds) => [receivedUnixNano - BigInt(seconds) * 1_000_000_000n, receivedUnixNano + MAX_AHEAD_NS]);
  const all = [...times, ...edges.flatMap((edge) => [edge - 1n, edge, edge + 1n])];
  it.each([0, 1, week, 10 ** 12])('agrees with acceptTime, retention %i s', (retentionSeconds) => {
    const window = new TimeWindow(receivedUnixNano, retentionSeconds);
    for (const time of all)
      expect([time, TIME_REASONS[window.verdict(Number(time >> 32n), Number(time & 0xffffffffn))]]).toEqual([
        time,
        acceptTime(time, receivedUnixNano, retentionSeconds),
      ]);
  });
});
