import { describe, expect, it } from 'vitest';
import { backOffMs, judgeAnswer, MAX_RETRY_AFTER_MS, retryAfterMs } from './judge-answer.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const answer = (status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}) =>
  judgeAnswer({ status, headers, body: typeof body === 'string' ? Buffer.from(body) : body }, NOW);
const PROTO = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };

describe('judgeAnswer', () => {
  it.each([
    [200, 'sent'],
    [202, 'sent'],
    [301, 'blocked'],
    [400, 'failed'],
    [401, 'blocked'],
    [403, 'blocked'],
    [404, 'blocked'],
    [405, 'blocked'],
    [408, 'retry'],
    [413, 'failed'],
    [415, 'failed'],
    [418, 'failed'],
    [429, 'retry'],
    [500, 'failed'],
    [501, 'failed'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
  ])('HTTP %i is %s', (status, kind) => {
    expect(answer(status).kind).toBe(kind);
  });
  it('counts what a partial success rejected, in protobuf and JSON, and never sends it again', () => {
    // ExportTraceServiceResponse { partial_success { rejected_spans: 300, error_message: "old" } }
    const bytes = Uint8Array.from([0x0a, 8, 0x08, 0xac, 0x02, 0x12, 3, 0x6f, 0x6c, 0x64]);
    expect(answer(200, bytes, PROTO)).toEqual({ kind: 'sent', rejectedItems: 300, note: 'old' });
    const json = JSON.stringify({ partialSuccess: { rejectedLogRecords: '7', errorMessage: 'late' } });
    expect(answer(200, json, JSON_TYPE)).toEqual({ kind: 'sent', rejectedItems: 7, note: 'late' });
  });
  it.each([
    ['random bytes', Uint8Array.from([0xff, 0xff, 0xff, 1, 2]), PROTO],
    ['a length beyond the end', Uint8Array.from([0x0a, 0x7f, 1]), PROTO],
    ['a varint without end', new Uint8Array(40).fill(0x80), PROTO],
    ['half a JSON', Buffer.from('{"partialSuccess":'), JSON_TYPE],
    ['a web page', Buffer.from('<html>ok</html>'), { 'content-type': 'text/html' }],
    ['a negative count', Buffer.from('{"partialSuccess":{"rejectedSpans":-5}}'), JSON_TYPE],
  ])('takes a 200 with %s as sent', (_, body, headers) => {
    expect(answer(200, body, headers)).toMatchObject({ kind: 'sent', rejectedItems: 0 });
  });
  it("says the destination's own words on one line, cut, without control characters", () => {
    expect(answer(400, JSON.stringify({ message: 'bad\u001b[31m\nthing' }), JSON_TYPE)).toEqual({
      kind: 'failed',
      message: 'HTTP 400: bad [31m thing',
    });
    const long = answer(400, 'x'.repeat(10_000), { 'content-type': 'text/plain' });
    expect((long as { message: string }).message.length).toBeLessThan(320);
  });
});
describe('retryAfterMs', () => {
  it.each([
    ['7', 7_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:30 GMT', 0],
    ['99999999', MAX_RETRY_AFTER_MS],
    ['soon', null],
    ['-3', null],
    ['1e9', null],
    [undefined, null],
  ])('reads %j', (header, ms) => {
    expect(retryAfterMs(header, NOW)).toBe(ms);
  });
});
describe('backOffMs', () => {
  it('doubles from one second to thirty, give or take a half', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backOffMs(failures, null, 0.5))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
    expect([backOffMs(3, null, 0), backOffMs(3, null, 1)]).toEqual([2_000, 6_000]);
  });
  it('never comes back before the destination asked it to', () => {
    for (const random of [0, 0.3, 1]) expect(backOffMs(1, 60_000, random)).toBeGreaterThanOrEqual(60_000);
    expect(backOffMs(1, 60_000, 1)).toBeLessThanOrEqual(61_000);
  });
});
