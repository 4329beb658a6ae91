import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { refusalAnswer } from '#collectors/otlp/receiver-refusal.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { REASONS, type ReasonCode } from '#contracts/reasons.ts';
import { configSchema, limitsSchema } from '#contracts/settings.ts';
import { message, rawCall } from './grpc-clients.ts';
import { logsJson, metricsJson, startTestCollector, type TestCollector, tracesJson } from './receivers-fixture.ts';

/** The receiver's rules of the OTLP specification 1.11 (opentelemetry-proto, docs/specification.md), line by line: MUST, SHOULD, and what peers do. */
const limits = limitsSchema.parse({});
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const bodies = { traces: tracesJson(3), logs: logsJson(3), metrics: metricsJson(3) } as const;
type Signal = keyof typeof bodies;
const SIGNALS = Object.keys(bodies) as Signal[];
const protobuf = (signal: Signal): Uint8Array => transcodeJson(signal, Buffer.from(bodies[signal]), limits);

let tight: TestCollector;
beforeAll(async () => {
  tight = await startTestCollector({ maxBodyBytes: 100_000, maxDecompressedBytes: 200_000, corsOrigins: ['https://shop.example'] });
});
afterAll(() => tight.stop());
const spansOf = (json: object): Record<string, ArrayLike<unknown>> => {
  const body = transcodeJson('traces', Buffer.from(JSON.stringify(json)), limits);
  const decoded = decodeOtlp('traces', body, {
    limits,
    dictionary: new TestDictionary(),
    receivedUnixNano: 1_790_000_000_000_000_000n,
    retentionSeconds: 0,
  });
  const spans = decoded.batches.find(({ table }) => table === 'spans');
  const data = (at: number): ArrayLike<unknown> => (spans?.columns[at] as unknown as { data: ArrayLike<unknown> })?.data ?? [];
  return { rows: { length: spans?.rows ?? 0 }, trace: data(0), span: data(1), start: data(3), duration: data(4), kind: data(7) };
};
const oneSpan = (over: object, resource: object = {}): object => ({
  resourceSpans: [
    {
      resource,
      scopeSpans: [{ spans: [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), startTimeUnixNano: '5', endTimeUnixNano: 7, ...over }] }],
    },
  ],
});

describe('MUST', () => {
  it.each(SIGNALS)(
    '%s: at its path, uncompressed and gzip; full success is 200 in the same content type without partial_success',
    async (signal) => {
      for (const [headers, body, empty] of [
        [PROTOBUF, protobuf(signal), ''],
        [JSON_TYPE, bodies[signal], '{}'],
      ] as const)
        for (const compressed of [false, true]) {
          const encoding = compressed ? { 'content-encoding': 'gzip' } : {};
          const answer = await tight.post(`/v1/${signal}`, compressed ? gzipSync(body) : body, { ...headers, ...encoding });
          expect([answer.status, answer.headers.get('content-type'), answer.bytes.toString()]).toEqual([
            200,
            headers['content-type'],
            empty,
          ]);
        }
    },
  );
  it('the ports are 4317 and 4318', () => {
    expect(configSchema.parse({})).toMatchObject({ otlpGrpc: '127.0.0.1:4317', ingest: '127.0.0.1:4318' });
  });
  it('what cannot be decoded is 400, with google.rpc.Status in the encoding of the request', async () => {
    const wrong = await tight.post('/v1/traces', Buffer.from([0x0a, 0xff]), PROTOBUF);
    expect([wrong.status, wrong.headers.get('content-type'), wrong.bytes[0], wrong.bytes[1]]).toEqual([
      400,
      'application/x-protobuf',
      0x08,
      3,
    ]);
    const text = await tight.post('/v1/traces', '{"resourceSpans": [', JSON_TYPE);
    expect([text.status, text.headers.get('content-type')]).toEqual([400, 'application/json']);
    expect(JSON.parse(text.bytes.toString())).toMatchObject({ code: 3, message: expect.stringMatching(/./) });
  });
  it.each([
    ['as sent', Buffer.alloc(150_000), {}],
    ['after decompression', gzipSync(Buffer.alloc(250_000)), { 'content-encoding': 'gzip' }],
  ])('a request over the limit %s is 413, by gRPC RESOURCE_EXHAUSTED without RetryInfo', async (_, body, encoding) => {
    const answer = await tight.post('/v1/traces', body, { ...PROTOBUF, ...encoding });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([413, null]);
    const isGzip = 'content-encoding' in encoding;
    const call = await rawCall(tight.collector.addresses.otlpGrpc, {
      headers: isGzip ? { 'grpc-encoding': 'gzip' } : {},
      chunks: [message(body, { flag: isGzip ? 1 : 0 })],
    });
    expect([call.headers['grpc-status'], call.headers['grpc-status-details-bin']]).toEqual(['8', undefined]);
  });
  it('the limit recommended for decompressed requests is the default', () => {
    expect(limits.maxDecompressedBytes).toBe(64 * 1024 * 1024);
  });
  it('answers stay far below 4 MiB, however much is rejected', async () => {
    const answer = await tight.post('/v1/traces', gzipSync(tracesJson(500, 500)), { ...JSON_TYPE, 'content-encoding': 'gzip' });
    expect(JSON.parse(answer.bytes.toString()).partialSuccess.rejectedSpans).toBe('500');
    expect(answer.bytes.length).toBeLessThan(4_096);
  });
  it('JSON: ids are hexadecimal in any case', () => {
    const { trace, span } = spansOf(oneSpan({ traceId: 'aB'.repeat(16), spanId: 'Cd'.repeat(8) }));
    expect([Buffer.from((trace as Uint8Array).slice(0, 16)).toString('hex'), span?.[0]]).toEqual(['ab'.repeat(16), 0xcdcdcdcdcdcdcdcdn]);
  });
  it('JSON: 64-bit numbers come as text or number', () => {
    const { start, duration } = spansOf(oneSpan({ startTimeUnixNano: '5', endTimeUnixNano: 7 }));
    expect([start?.[0], duration?.[0]]).toEqual([5n, 2n]);
  });
  it('JSON: enumerations are numbers, their names are refused', async () => {
    expect(spansOf(oneSpan({ kind: 2 }))['kind']?.[0]).toBe(2);
    expect((await tight.post('/v1/traces', JSON.stringify(oneSpan({ kind: 'SPAN_KIND_SERVER' })), JSON_TYPE)).status).toBe(400);
  });
  it('JSON: unknown keys are ignored, and snake_case is one', () => {
    expect(spansOf({ ...oneSpan({ surprise: { x: [1] } }), other: 1 })['rows']?.length).toBe(1);
    expect(spansOf({ resource_spans: [{}] })['rows']?.length).toBe(0);
  });
});

describe('SHOULD', () => {
  it.each(SIGNALS)('an empty request of %s succeeds', async (signal) => {
    expect((await tight.post(`/v1/${signal}`, Buffer.alloc(0), PROTOBUF)).status).toBe(200);
    expect((await tight.post(`/v1/${signal}`, '{}', JSON_TYPE)).status).toBe(200);
  });
  it('overload is 503 with Retry-After in seconds, by gRPC UNAVAILABLE with RetryInfo', async () => {
    const full = await startTestCollector({ diskReserveBytes: Number.MAX_SAFE_INTEGER });
    try {
      const answer = await full.post('/v1/traces', protobuf('traces'), PROTOBUF);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[1-9]\d*$/)]);
      const call = await rawCall(full.collector.addresses.otlpGrpc, { chunks: [message(protobuf('traces'))] });
      expect(call.headers['grpc-status']).toBe('14');
      expect(Buffer.from(String(call.headers['grpc-status-details-bin']), 'base64').toString('latin1')).toContain('google.rpc.RetryInfo');
    } finally {
      await full.stop();
    }
  });
  const refusals = (Object.keys(REASONS) as ReasonCode[]).filter((reason) => REASONS[reason].kind === 'refused');
  it.each(refusals)('%s: who may send again is told by a status that says so, and nobody else', (reason) => {
    const { httpStatus, grpcCode, retrySeconds } = refusalAnswer(reason);
    const httpRetries = [429, 502, 503, 504].includes(httpStatus);
    // RESOURCE_EXHAUSTED is sent again only with RetryInfo.
    const grpcRetries = [1, 4, 10, 11, 14, 15].includes(grpcCode) || (grpcCode === 8 && retrySeconds > 0);
    if (reason === 'too_slow') expect([httpStatus, grpcRetries]).toEqual([408, true]);
    else if (reason === 'http2_flood') expect([httpRetries, grpcRetries]).toEqual([true, false]);
    else expect([httpRetries, grpcRetries]).toEqual([retrySeconds > 0, retrySeconds > 0]);
  });
});

describe('as peers do', () => {
  it.each<[string, string, Record<string, string>, string, number]>([
    ['another content type', '/v1/traces', { 'content-type': 'text/plain' }, 'POST', 415],
    ['another encoding', '/v1/traces', { ...PROTOBUF, 'content-encoding': 'br' }, 'POST', 415],
    ['another method', '/v1/traces', PROTOBUF, 'PUT', 405],
    ['another path', '/v2/traces', PROTOBUF, 'POST', 404],
  ])('%s is refused by its status', async (_, path, headers, method, status) => {
    expect((await tight.post(path, protobuf('traces'), headers, method)).status).toBe(status);
  });
  it('zstd is taken', async () => {
    const answer = await tight.post('/v1/traces', zstdCompressSync(protobuf('traces')), { ...PROTOBUF, 'content-encoding': 'zstd' });
    expect(answer.status).toBe(200);
  });
  it('web pages that are allowed may send (CORS), others may not', async () => {
    const asks = (origin: string) => tight.post('/v1/traces', '', { origin, 'access-control-request-method': 'POST' }, 'OPTIONS');
    expect((await asks('https://shop.example')).headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect((await asks('https://evil.example')).status).toBe(403);
  });
});
