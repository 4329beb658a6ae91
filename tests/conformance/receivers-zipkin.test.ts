import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { startTestCollector, type TestCollector, talk } from './receivers-fixture.ts';

const PATH = '/api/v2/spans';
const JSON_TYPE = { 'content-type': 'application/json' };
const spans = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({
    traceId: '463ac35c9f6413ad',
    id: (i + 1).toString(16).padStart(16, '0'),
    timestamp: Date.now() * 1000,
    duration: 5,
    localEndpoint: { serviceName: 'cart' },
  }));
const text = JSON.stringify(spans(3));
let it1: TestCollector;
beforeAll(async () => {
  it1 = await startTestCollector({ maxBodyBytes: 100_000, maxDecompressedBytes: 400_000 });
});
afterAll(() => it1.stop());

describe('Zipkin: what is taken in', () => {
  it.each([
    ['as every sender says it', JSON_TYPE, text],
    ['with a charset', { 'content-type': 'application/json; charset=utf-8' }, text],
    ['gzip', { ...JSON_TYPE, 'content-encoding': 'gzip' }, gzipSync(text)],
    ['zstd', { ...JSON_TYPE, 'content-encoding': 'zstd' }, zstdCompressSync(text)],
    ['with a query and B3 headers, which senders that trace themselves add', { ...JSON_TYPE, b3: '0', 'x-b3-sampled': '0' }, text],
  ])('%s', async (_, headers, body) => {
    const answer = await it1.post(`${PATH}?a=1`, body, headers);
    expect([answer.status, answer.bytes.length]).toEqual([202, 0]);
    expect((await it1.records()).at(-1)).toMatchObject({
      kind: RecordKind.traces,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.identity,
      items: 3,
      source: 'zipkin',
    });
  });
  it('an empty array, as senders try the address with', async () => {
    const records = (await it1.records()).length;
    expect((await it1.post(PATH, '[]', JSON_TYPE)).status).toBe(202);
    expect((await it1.records()).length).toBe(records);
  });
  it('the good spans of a request with bad ones; each bad one is counted', async () => {
    const refused = it1.refused('zipkin')['malformed'] ?? 0;
    const source = () => it1.collector.status().sources.find((each) => each.source === 'zipkin');
    const before = source()?.accepted.traces.items ?? 0;
    const bad = [7, { ...spans(1)[0], timestamp: 'noon' }, { ...spans(1)[0], id: 'none' }];
    expect((await it1.post(PATH, JSON.stringify([...bad, ...spans(4)]), JSON_TYPE)).status).toBe(202);
    // The one without an id is in the journal: the engine counts it as invalid_id.
    expect((await it1.records()).at(-1)).toMatchObject({ items: 5, source: 'zipkin' });
    expect(source()).toMatchObject({ state: 'failing', error: expect.stringMatching(/^span 0: it must be an object, not 7/) });
    expect(source()?.accepted.traces.items).toBe(before + 4);
    expect(it1.refused('zipkin')['malformed']).toBe(refused + 2);
  });
});

describe('Zipkin: what is refused', () => {
  it.each([
    [
      '415: thrift of version 1',
      { 'content-type': 'application/x-thrift' },
      text,
      415,
      'unsupported_content_type',
      /takes application\/json/,
    ],
    ['415: another encoding', { ...JSON_TYPE, 'content-encoding': 'br' }, text, 415, 'unsupported_encoding', /"br"/],
    ['400: not what the encoding says', { ...JSON_TYPE, 'content-encoding': 'gzip' }, text, 400, 'bad_compression', /./],
    ['400: nothing', JSON_TYPE, '', 400, 'malformed', /not JSON/],
    ['400: not an array', JSON_TYPE, '{}', 400, 'malformed', /takes an array of spans/],
    ['400: no span can be read', JSON_TYPE, '[1]', 400, 'malformed', /span 0: it must be an object, not 1/],
    ['400: OTLP/JSON', JSON_TYPE, '{"resourceSpans":[]}', 400, 'malformed', /not an array/],
    ['400: JSON under the name of protobuf', { 'content-type': 'application/x-protobuf' }, text, 400, 'malformed', /Zipkin spans/],
    ['413: as sent', JSON_TYPE, ' '.repeat(100_001), 413, 'body_too_large', /100001 bytes/],
    [
      '413: decompressed',
      { ...JSON_TYPE, 'content-encoding': 'gzip' },
      gzipSync(Buffer.alloc(400_001, ' ')),
      413,
      'decompressed_too_large',
      /./,
    ],
    [
      '413: small spans that become large ones',
      { ...JSON_TYPE, 'content-encoding': 'gzip' },
      gzipSync(`[${'{"traceId":"1","id":"1"},'.repeat(15_000)}{}]`),
      413,
      'decompressed_too_large',
      /The body becomes \d+ bytes/,
    ],
  ] as const)('%s', async (_, headers, body, status, reason, sentence) => {
    const before = it1.refused('zipkin')[reason] ?? 0;
    const records = (await it1.records()).length;
    const answer = await it1.post(PATH, body, headers);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/plain; charset=utf-8']);
    expect(answer.bytes.toString()).toMatch(sentence);
    expect(it1.refused('zipkin')[reason]).toBe(before + 1);
    expect((await it1.records()).length).toBe(records);
  });
  it('405 for a GET, 403 for another host or page', async () => {
    expect((await it1.post(PATH, '', {}, 'GET')).status).toBe(405);
    expect((await it1.post(PATH, text, { ...JSON_TYPE, origin: 'https://evil.example' })).status).toBe(403);
    const head = `POST ${PATH} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    expect(await talk(it1.collector.addresses.ingest, head)).toMatch(/^HTTP\/1\.1 403 /);
  });
  it('413 that names the limit when there is never memory for it', async () => {
    const small = await startTestCollector({ maxInFlightBytes: 1_000 });
    const answer = await small.post(PATH, text, JSON_TYPE);
    expect([answer.status, answer.bytes.toString()]).toEqual([413, expect.stringMatching(/limits\.maxInFlightBytes is 1000/)]);
    expect(small.refused('zipkin')).toEqual({ decompressed_too_large: 1 });
    await small.stop();
  });
});
