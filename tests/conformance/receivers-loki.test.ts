import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { field, number } from '#collectors/otlp/test-protobuf.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { encodeSnappy } from '../fixtures/encode-snappy.ts';
import { startTestCollector, type TestCollector, talk } from './receivers-fixture.ts';

const PATH = '/loki/api/v1/push';
const JSON_TYPE = { 'content-type': 'application/json' };
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const now = (): string => `${Date.now()}000000`;
const text = (
  values: unknown = [
    [now(), 'a'],
    [now(), 'b', { level: 'info' }],
  ],
): string => JSON.stringify({ streams: [{ stream: { job: 'test' }, values }] });
const plain = field(1, [
  field(1, '{job="test", filename="/var/log/syslog"}'),
  ...['a', 'b'].map((line) => field(2, [field(1, [number(1, Math.floor(Date.now() / 1000)), number(2, 5)]), field(2, line)])),
]);
let it1: TestCollector;
beforeAll(async () => {
  it1 = await startTestCollector({ maxBodyBytes: 100_000, maxDecompressedBytes: 400_000 });
});
afterAll(() => it1.stop());

/** Headers as the senders' sources say they send them; none of the senders is at hand here. */
describe('Loki push: what is taken in', () => {
  it.each([
    ['JSON, as the API describes it', JSON_TYPE, text()],
    ['JSON in gzip, as Fluent Bit and Vector can', { ...JSON_TYPE, 'content-encoding': 'gzip' }, gzipSync(text())],
    ['protobuf, as Promtail and Alloy', { ...PROTOBUF, 'user-agent': 'promtail/3.0.0', 'x-scope-orgid': 'team-a' }, encodeSnappy(plain)],
    ['protobuf that says snappy, as Vector', { ...PROTOBUF, 'content-encoding': 'snappy' }, encodeSnappy(plain)],
    ['protobuf without a content type, as Loki takes it', {}, encodeSnappy(plain)],
  ])('%s', async (_, headers, body) => {
    const answer = await it1.post(PATH, body, headers);
    expect([answer.status, answer.bytes.length]).toEqual([204, 0]);
    const record = (await it1.records()).at(-1);
    expect(record).toMatchObject({
      kind: RecordKind.logs,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.identity,
      items: 2,
      source: 'loki',
    });
    expect(Buffer.from(record?.body as Uint8Array).includes('team-a')).toBe('x-scope-orgid' in headers);
  });
  it('nothing: no record', async () => {
    const records = (await it1.records()).length;
    expect((await it1.post(PATH, '{"streams":[]}', JSON_TYPE)).status).toBe(204);
    expect((await it1.post(PATH, encodeSnappy(new Uint8Array(0)), PROTOBUF)).status).toBe(204);
    expect((await it1.records()).length).toBe(records);
  });
  it('the good entries of a request with bad ones; each bad one is counted', async () => {
    const source = () => it1.collector.status().sources.find((each) => each.source === 'loki');
    const before = [source()?.accepted.logs.items ?? 0, it1.refused('loki')['malformed'] ?? 0] as const;
    expect((await it1.post(PATH, text([7, [now(), 'good'], ['noon', 'x'], ['1', 'too old']]), JSON_TYPE)).status).toBe(204);
    // The one that is too old is in the journal: the engine counts it.
    expect((await it1.records()).at(-1)).toMatchObject({ items: 2 });
    expect(source()?.accepted.logs.items).toBe(before[0] + 1);
    expect(it1.refused('loki')['malformed']).toBe(before[1] + 2);
    expect(source()).toMatchObject({ state: 'failing', error: expect.stringMatching(/^stream 0, entry 0: it must be/) });
  });
});

describe('Loki push: what is refused', () => {
  it.each([
    ['415: another content type', { 'content-type': 'text/plain' }, text(), 415, 'unsupported_content_type', /takes application\/json/],
    ['415: JSON in snappy', { ...JSON_TYPE, 'content-encoding': 'snappy' }, text(), 415, 'unsupported_encoding', /"snappy"/],
    ['415: protobuf in gzip', { ...PROTOBUF, 'content-encoding': 'gzip' }, gzipSync(plain), 415, 'unsupported_encoding', /takes snappy/],
    ['400: nothing', JSON_TYPE, '', 400, 'malformed', /not JSON/],
    ['400: no streams', JSON_TYPE, '{}', 400, 'malformed', /Loki push takes \{"streams"/],
    ['400: no entry can be read', JSON_TYPE, text([1, 2]), 400, 'malformed', /none of 2 entries/],
    ['400: protobuf without snappy', PROTOBUF, plain, 400, 'bad_compression', /./],
    ['400: a tenant of 151 characters', { ...JSON_TYPE, 'x-scope-orgid': 'x'.repeat(151) }, text(), 400, 'malformed', /151 characters/],
    ['413: as sent', JSON_TYPE, ' '.repeat(100_001), 413, 'body_too_large', /100001 bytes/],
    ['413: gzip', { ...JSON_TYPE, 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(400_001, ' ')), 413, 'decompressed_too_large', /./],
    ['413: snappy', PROTOBUF, encodeSnappy(Buffer.alloc(400_001)), 413, 'decompressed_too_large', /400001 bytes/],
    [
      '413: a tenant on many small streams',
      { ...JSON_TYPE, 'content-encoding': 'gzip', 'x-scope-orgid': 'x'.repeat(150) },
      gzipSync(`{"streams":[${Array(8_000).fill('{"stream":{},"values":[["1","a"]]}').join(',')}]}`),
      413,
      'decompressed_too_large',
      /The body becomes \d+ bytes/,
    ],
  ] as const)('%s', async (_, headers, body, status, reason, sentence) => {
    const before = it1.refused('loki')[reason] ?? 0;
    const records = (await it1.records()).length;
    const answer = await it1.post(PATH, body, headers);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/plain; charset=utf-8']);
    expect(answer.bytes.toString()).toMatch(sentence);
    expect(it1.refused('loki')[reason]).toBe(before + 1);
    expect((await it1.records()).length).toBe(records);
  });
  it('405 for a GET, 403 for another host', async () => {
    expect((await it1.post(PATH, '', {}, 'GET')).status).toBe(405);
    const head = `POST ${PATH} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    expect(await talk(it1.collector.addresses.ingest, head)).toMatch(/^HTTP\/1\.1 403 /);
  });
  it('413 that names the limit when there is never memory for what snappy becomes; what fits alone is taken in', async () => {
    const small = await startTestCollector({ maxInFlightBytes: 500_000 });
    const answer = await small.post(PATH, encodeSnappy(Buffer.alloc(300_000)), PROTOBUF);
    expect([answer.status, answer.bytes.toString()]).toEqual([413, expect.stringMatching(/limits\.maxInFlightBytes is 500000/)]);
    expect(small.refused('loki')).toEqual({ decompressed_too_large: 1 });
    const wide = field(1, [
      field(1, '{job="test"}'),
      field(2, [field(1, [number(1, Math.floor(Date.now() / 1000))]), field(2, 'x'.repeat(110_000))]),
    ]);
    expect((await small.post(PATH, encodeSnappy(wide), PROTOBUF)).status).toBe(204);
    await small.stop();
  });
});
