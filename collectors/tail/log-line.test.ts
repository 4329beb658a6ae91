import { describe, expect, it } from 'vitest';
import { readLogLine, serviceOfFile, severityWordOf } from './log-line.ts';

const clock = { nowMs: Date.UTC(2026, 10, 21, 12), zone: 'utc' } as const;
const NS = 1_795_255_872_000_000_000n;
const read = (line: string, format: Parameters<typeof readLogLine>[1] = 'auto') => {
  const { attributes, ...rest } = readLogLine(line, format, clock);
  return { ...rest, attributes: Object.fromEntries(attributes) };
};
const plain = { timeNs: 0n, observedNs: 0n, severityNumber: 0, severityText: '', attributes: {}, traceId: '', spanId: '', unparsed: false };
const traceId = '5b8efff798038103d269b633813fc60c';
const spanId = 'eee19b7ec3c1b174';

describe('a line of a log', () => {
  it('plain: the line is the body, time and level are read from it', () => {
    const line = '2026-11-21T10:11:12Z WARN stock is low';
    expect(read(line)).toEqual({ ...plain, timeNs: NS, severityNumber: 13, severityText: 'WARN', body: line });
  });
  it('JSON: message, level, time and ids by the names loggers use; the rest are attributes', () => {
    const line = JSON.stringify({
      ts: 1_795_255_872,
      level: 'error',
      msg: 'no stock',
      trace_id: traceId,
      spanId,
      http: { status: 500, ok: false },
      tags: ['a', 1],
      nothing: null,
    });
    expect(read(line)).toEqual({
      ...plain,
      timeNs: NS,
      severityNumber: 17,
      severityText: 'error',
      body: 'no stock',
      traceId,
      spanId,
      attributes: { 'http.status': 500, 'http.ok': false, tags: '["a",1]' },
    });
  });
  it("Pino's numbers, Docker's json-file, Serilog", () => {
    expect(read('{"level":50,"time":1795255872000,"msg":"x"}')).toMatchObject({ severityNumber: 17, severityText: 'error', timeNs: NS });
    expect(read('{"log":"ERROR boom\\n","stream":"stderr","time":"2026-11-21T10:11:12Z"}')).toMatchObject({
      body: 'ERROR boom',
      severityNumber: 17,
      timeNs: NS,
      attributes: { stream: 'stderr' },
    });
    expect(read('{"@t":"2026-11-21T10:11:12Z","@l":"Warning","@m":"hi"}')).toMatchObject({ body: 'hi', severityNumber: 13, timeNs: NS });
  });
  it('a whole number beyond 2^53 stays exact', () => {
    expect(read('{"msg":"x","id":12345678901234567890,"small":7}').attributes).toEqual({ id: '12345678901234567890', small: 7 });
  });
  it('logfmt', () => {
    expect(read('time=2026-11-21T10:11:12Z level=info msg="a \\"b\\"" user=ann dry')).toEqual({
      ...plain,
      timeNs: NS,
      severityNumber: 9,
      severityText: 'info',
      body: 'a "b"',
      attributes: { user: 'ann', dry: true },
    });
  });
  it('keeps what it uses no field of: a time that is none, an id of the wrong length', () => {
    expect(read('{"time":"noon","trace_id":"77","msg":"x"}').attributes).toEqual({ time: 'noon', trace_id: '77' });
  });
  it('without a message the line is the body', () => expect(read('{"a":1}')).toMatchObject({ body: '{"a":1}', attributes: { a: 1 } }));

  it.each<[string, string, Parameters<typeof readLogLine>[1], boolean]>([
    ['a cut JSON line', '{"msg":"x', 'json', true],
    ['a JSON list', '[1,2]', 'json', true],
    ['text under json', 'hello', 'json', true],
    ['text under logfmt', 'hello world', 'logfmt', true],
    ['JSON that is none, when nobody said it were', '{curly}', 'auto', false],
    ['nested beyond the stack', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`, 'auto', false],
    ['text with an equals sign', 'a=b and nothing else', 'auto', false],
    ['only quotes', '"""""', 'logfmt', true],
    ['an open quote', 'msg="never ends', 'logfmt', false],
    ['nothing but blanks', '   ', 'logfmt', true],
    ['a prototype', '{"__proto__":{"a":1},"constructor":"x","msg":"m"}', 'auto', false],
  ])('hostile: %s', (_, line, format, unparsed) => {
    const found = read(line, format);
    expect(found.unparsed).toBe(unparsed);
    if (unparsed) expect(found.body).toBe(line);
  });
});

describe('the level in plain text', () => {
  it.each([
    ['ERROR boom', 'ERROR'],
    ['12:00 [main] INFO  com.shop.Cart - x', 'INFO'],
    ['2026/11/21 10:11:12 [error] 7#7: x', 'error'],
    ['warning: low stock', 'warning'],
    ['WARNING:root:x', 'WARNING'],
    ['E1121 10:11:12.345678 1 main.go:7] x', 'ERROR'],
    ['SEVERE: x', 'SEVERE'],
    ['10:11 level="error" it broke', 'error'],
    ['all is fine, there was no error', ''],
    ['ERRORS were few', ''],
    [`${'x'.repeat(200)} ERROR`, ''],
  ])('%s', (line, word) => expect(severityWordOf(line)).toBe(word));
});

describe('the service a file is of', () => {
  it.each([
    ['/var/log/app.log', 'app'],
    ['app.log.1', 'app'],
    ['app-2026-11-21.log', 'app'],
    ['access.log-20261121.gz', 'access'],
    ['com.shop.cart.log', 'com.shop.cart'],
    ['C:\\logs\\cart.txt', 'cart'],
    ['.hidden', 'hidden'],
    ['2026-11-21.log', '2026-11-21.log'],
    ['/var/log/syslog', 'syslog'],
    ['', 'import'],
  ])('%s: %s', (file, service) => expect(serviceOfFile(file)).toBe(service));
});
