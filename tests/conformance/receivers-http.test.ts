import { createReadStream } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { type HttpAnswer, logsJson, metricsJson, startTestCollector, type TestCollector, talk, tracesJson } from './receivers-fixture.ts';

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const DEEP = { maxDepth: 32 };
const traces = transcodeJson('traces', Buffer.from(tracesJson(10)), DEEP);
/** google.rpc.Status as far as a test needs it: code in field 1, message in field 2. */
function statusOf({ bytes, headers }: HttpAnswer): { code: number; message: string } {
  if (headers.get('content-type') === 'application/json') return JSON.parse(bytes.toString());
  expect([bytes[0], bytes[2]]).toEqual([0x08, 0x12]);
  const wide = (bytes[3] as number) >= 0x80;
  return { code: bytes[1] as number, message: bytes.toString('utf8', wide ? 5 : 4) };
}

let it1: TestCollector;
beforeAll(async () => {
  it1 = await startTestCollector({ maxBodyBytes: 1_000_000, maxDecompressedBytes: 4_000_000, corsOrigins: ['https://shop.example'] });
});
afterAll(() => it1.stop());

describe('OTLP/HTTP: what is taken in', () => {
  it.each([
    ['/v1/traces', 'traces', tracesJson(3), RecordKind.traces],
    ['/v1/logs', 'logs', logsJson(3), RecordKind.logs],
    ['/v1/metrics', 'metrics', metricsJson(3), RecordKind.metrics],
  ] as const)('%s in protobuf and JSON, plain, gzip and zstd, answered in the same content type', async (path, signal, json, kind) => {
    const protobuf = transcodeJson(signal, Buffer.from(json), DEEP);
    const before = (await it1.records()).length;
    for (const compress of [null, ['gzip', gzipSync], ['zstd', zstdCompressSync]] as const) {
      const encoding: Record<string, string> = compress ? { 'content-encoding': compress[0] } : {};
      for (const [type, body, empty] of [
        [PROTOBUF, protobuf, ''],
        [JSON_TYPE, Buffer.from(json), '{}'],
      ] as const) {
        const answer = await it1.post(path, compress ? compress[1](body) : body, { ...type, ...encoding });
        expect([answer.status, answer.headers.get('content-type'), answer.bytes.toString()]).toEqual([200, type['content-type'], empty]);
      }
    }
    const records = (await it1.records()).slice(before);
    expect(records.map((r) => [r.kind, r.format, r.items, r.source])).toEqual(Array(6).fill([kind, BodyFormat.protobuf, 3, 'otlp-http']));
    const { identity, gzip, zstd } = BodyEncoding;
    expect(records.map((r) => r.encoding)).toEqual([identity, identity, gzip, identity, zstd, identity]);
    expect(records.map((r) => r.retentionSeconds)).toEqual(Array(6).fill(7 * 86_400));
  });
  it('accepts a content type with a parameter and any case', async () => {
    expect((await it1.post('/v1/traces', '{}', { 'content-type': 'Application/JSON; charset=utf-8' })).status).toBe(200);
  });
  it.each([
    ['protobuf', PROTOBUF, ''],
    ['JSON', JSON_TYPE, '{}'],
  ] as const)('answers an empty %s request with success and writes nothing', async (_, type, body) => {
    const before = (await it1.records()).length;
    expect((await it1.post('/v1/logs', body, type)).status).toBe(200);
    expect((await it1.records()).length).toBe(before);
  });
  it('reads a body without a length', async () => {
    const response = await fetch(`${it1.collector.addresses.ingest}/v1/traces`, {
      method: 'POST',
      headers: PROTOBUF,
      duplex: 'half',
      body: Readable.toWeb(Readable.from([traces.subarray(0, 100), traces.subarray(100)])) as ReadableStream<Uint8Array<ArrayBuffer>>,
    } as RequestInit);
    expect(response.status).toBe(200);
    expect((await it1.records()).at(-1)?.items).toBe(10);
  });
  it('says "continue" to a sender that asks first', async () => {
    const { hostname, port } = new URL(it1.collector.addresses.ingest);
    const status = await new Promise((resolve, reject) => {
      const headers = { ...PROTOBUF, expect: '100-continue', 'content-length': traces.length };
      const sending = httpRequest({ hostname, port, path: '/v1/traces', method: 'POST', headers }, (response) =>
        resolve(response.statusCode),
      );
      sending.once('continue', () => sending.end(traces));
      sending.once('error', reject);
      sending.flushHeaders();
    });
    expect(status).toBe(200);
  });
  it('counts by signal', async () => {
    const source = () => it1.collector.status().sources.find((each) => each.source === 'otlp-http');
    const before = source()?.accepted.traces;
    await it1.post('/v1/traces', traces, PROTOBUF);
    const after = source();
    expect(after?.accepted.traces).toEqual({
      items: (before?.items ?? 0) + 10,
      requests: (before?.requests ?? 0) + 1,
      bytes: (before?.bytes ?? 0) + traces.length,
    });
    expect(after?.state).toBe('receiving');
  });
});

describe('OTLP/HTTP: partial success', () => {
  it('is set with the count and the reasons, in JSON', async () => {
    const answer = await it1.post('/v1/traces', tracesJson(5, 2), JSON_TYPE);
    expect(answer.status).toBe(200);
    const { partialSuccess } = JSON.parse(answer.bytes.toString());
    expect(partialSuccess.rejectedSpans).toBe('2');
    expect(partialSuccess.errorMessage).toContain('2 of 5 spans rejected: 2 invalid_id');
  });
  it('is set in protobuf', async () => {
    const body = transcodeJson('traces', Buffer.from(tracesJson(5, 2)), DEEP);
    const { status, bytes } = await it1.post('/v1/traces', body, PROTOBUF);
    expect(status).toBe(200);
    expect([bytes[0], bytes[bytes.length > 130 ? 3 : 2], bytes[bytes.length > 130 ? 4 : 3]]).toEqual([0x0a, 0x08, 2]);
    expect(bytes.toString()).toContain('invalid_id');
  });
  it.each([
    ['older than the retention', '1000000000', 'time_too_old'],
    ['far in the future', '18446744073709551615', 'time_in_future'],
  ])('names times %s', async (_, time, reason) => {
    const answer = await it1.post('/v1/traces', tracesJson(1, 0, time), JSON_TYPE);
    expect(JSON.parse(answer.bytes.toString()).partialSuccess.errorMessage).toContain(reason);
  });
});

describe('OTLP/HTTP: what is refused', () => {
  const bomb = gzipSync(Buffer.alloc(40_000_000));
  const zstdBomb = zstdCompressSync(Buffer.alloc(40_000_000));
  const invalidUtf8 = Buffer.from(traces);
  invalidUtf8[invalidUtf8.indexOf('/cart/0')] = 0xff;
  it.each([
    ['a body that is no message', 400, 3, 'malformed', '/v1/traces', Buffer.from([1, 2, 3]), PROTOBUF],
    ['a body cut short', 400, 3, 'malformed', '/v1/traces', traces.subarray(0, 100), PROTOBUF],
    ['text that is no JSON', 400, 3, 'malformed', '/v1/traces', '{"resourceSpans":', JSON_TYPE],
    ['JSON of another shape', 400, 3, 'malformed', '/v1/traces', '{"resourceSpans":3}', JSON_TYPE],
    ['invalid UTF-8', 400, 3, 'invalid_utf8', '/v1/traces', invalidUtf8, PROTOBUF],
    ['a body that is not gzip', 400, 3, 'bad_compression', '/v1/traces', traces, { ...PROTOBUF, 'content-encoding': 'gzip' }],
    [
      'half a gzip body',
      400,
      3,
      'bad_compression',
      '/v1/traces',
      gzipSync(traces).subarray(0, 90),
      { ...PROTOBUF, 'content-encoding': 'gzip' },
    ],
    [
      'half a zstd body',
      400,
      3,
      'bad_compression',
      '/v1/traces',
      zstdCompressSync(traces).subarray(0, 90),
      { ...PROTOBUF, 'content-encoding': 'zstd' },
    ],
    ['a gzip bomb', 413, 8, 'decompressed_too_large', '/v1/traces', bomb, { ...PROTOBUF, 'content-encoding': 'gzip' }],
    ['a zstd bomb', 413, 8, 'decompressed_too_large', '/v1/traces', zstdBomb, { ...PROTOBUF, 'content-encoding': 'zstd' }],
    ['a body over the limit', 413, 8, 'body_too_large', '/v1/traces', Buffer.alloc(1_000_001), PROTOBUF],
    ['an unknown content type', 415, 3, 'unsupported_content_type', '/v1/traces', 'x', { 'content-type': 'text/plain' }],
    ['an unknown content encoding', 415, 12, 'unsupported_encoding', '/v1/traces', traces, { ...PROTOBUF, 'content-encoding': 'br' }],
    ['gRPC in HTTP/1', 415, 12, 'wrong_protocol', '/v1/traces', traces, { 'content-type': 'application/grpc+proto' }],
    ['an unknown path', 404, 12, 'unknown_path', '/v1/trace', traces, PROTOBUF],
    ['a page of another origin', 403, 7, 'forbidden_origin', '/v1/traces', traces, { ...PROTOBUF, origin: 'https://evil.example' }],
  ] as const)('%s: %i', async (_, status, code, reason, path, body, headers) => {
    const before = it1.refused('otlp-http')[reason] ?? 0;
    const records = (await it1.records()).length;
    const answer = await it1.post(path, body, headers);
    expect(answer.status).toBe(status);
    const said = statusOf(answer);
    expect(said.code).toBe(code);
    expect(said.message).toMatch(/^\S.* .*\.$/);
    const wanted = (headers as Record<string, string>)['content-type'];
    const known = wanted === 'application/x-protobuf' && status !== 404 && status !== 403;
    expect(answer.headers.get('content-type')).toBe(known ? wanted : 'application/json');
    expect(it1.refused('otlp-http')[reason]).toBe(before + 1);
    expect((await it1.records()).length).toBe(records);
  });
  it.each(['GET', 'PUT', 'DELETE'])('%s: 405 with the method that works', async (method) => {
    const answer = await it1.post('/v1/traces', '', {}, method);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });
  it('a chunked body over the limit: 413, although the sender is still writing', async () => {
    const { hostname, port } = new URL(it1.collector.addresses.ingest);
    const status = await new Promise((resolve, reject) => {
      const sending = httpRequest({ hostname, port, path: '/v1/traces', method: 'POST', headers: PROTOBUF }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sending.once('error', reject);
      createReadStream('/dev/zero', { end: 6_000_000 }).pipe(sending);
    });
    expect(status).toBe(413);
  });
  it('a host name that is not this machine (DNS rebinding): 403', async () => {
    const answer = await talk(
      it1.collector.addresses.ingest,
      'POST /v1/traces HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('evil.example');
  });
  it.each([
    ['no HTTP at all', 'hello there\r\n\r\n', 400],
    ['a TLS hello', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), 400],
    ['two lengths', 'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', 400],
    [
      'length and chunks',
      'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a huge header', `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
  ])('%s: %i', async (_, bytes, status) => {
    expect(await talk(it1.collector.addresses.ingest, bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
  it('a sender that goes away in the middle frees what it held', async () => {
    const { hostname, port } = new URL(it1.collector.addresses.ingest);
    await Promise.all(
      Array.from({ length: 20 }, () => {
        const sending = httpRequest({
          hostname,
          port,
          path: '/v1/traces',
          method: 'POST',
          headers: { ...PROTOBUF, 'content-length': 900_000 },
        });
        sending.on('error', () => undefined);
        sending.write(Buffer.alloc(100_000));
        return new Promise((resolve) => setTimeout(() => resolve(sending.destroy()), 50));
      }),
    );
    expect((await it1.post('/v1/traces', traces, PROTOBUF)).status).toBe(200);
  });
});

describe('OTLP/HTTP: gRPC on this port', () => {
  it('gets a gRPC status with a sentence that says where gRPC goes', async () => {
    const client = new Client(new URL(it1.collector.addresses.ingest).host, credentials.createInsecure());
    const error = await new Promise<ServiceError>((resolve, reject) => {
      const same = (bytes: Buffer): Buffer => bytes;
      const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
      client.makeUnaryRequest(path, same, same, Buffer.from(traces), (failed) =>
        failed ? resolve(failed) : reject(new Error('accepted')),
      );
    });
    client.close();
    expect(error.code).toBe(12);
    expect(error.details).toContain(`OTLP/gRPC goes to ${it1.collector.addresses.otlpGrpc}`);
    expect(it1.refused('otlp-http')['wrong_protocol']).toBeGreaterThan(0);
  });
});

describe('OTLP/HTTP: pages', () => {
  it('of an allowed origin may send, after a preflight', async () => {
    const headers = {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-own',
    };
    const preflight = await it1.post('/v1/traces', '', headers, 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,x-own');
    const sent = await it1.post('/v1/traces', traces, { ...PROTOBUF, origin: 'https://shop.example' });
    expect([sent.status, sent.headers.get('access-control-allow-origin')]).toEqual([200, 'https://shop.example']);
  });
  it('of another origin fail at the preflight', async () => {
    const preflight = await it1.post('/v1/traces', '', { origin: 'https://evil.example' }, 'OPTIONS');
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });
  it.each(['http://127.0.0.1:4400', 'http://localhost:5173', 'http://[::1]:9'])('of this machine may ask /healthz: %s', async (origin) => {
    const answer = await it1.post('/healthz', '', { origin }, 'GET');
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
    const health = JSON.parse(answer.bytes.toString());
    expect(health).toMatchObject({ status: 'ok', collector: { accepting: true }, engine: { state: 'starting' } });
  });
  it('of elsewhere may not', async () => {
    expect((await it1.post('/healthz', '', { origin: 'http://evil.example' }, 'GET')).status).toBe(403);
  });
  it("learn the engine's state from /healthz", async () => {
    it1.collector.onMessage({ type: 'engine-state', state: 'restarting' });
    expect(JSON.parse((await it1.post('/healthz', '', {}, 'GET')).bytes.toString()).engine.state).toBe('restarting');
  });
});

describe('OTLP/HTTP: back-pressure', () => {
  it('503 with Retry-After when bodies fill the memory budget, 200 again after', async () => {
    const small = await startTestCollector({ maxInFlightBytes: 30_000 });
    try {
      const { hostname, port } = new URL(small.collector.addresses.ingest);
      const slow = httpRequest({ hostname, port, path: '/v1/traces', method: 'POST', headers: { ...PROTOBUF, 'content-length': 60_000 } });
      slow.on('error', () => undefined);
      slow.write(Buffer.alloc(100));
      await expect.poll(async () => (await small.post('/v1/traces', traces, PROTOBUF)).status).toBe(503);
      const refused = await small.post('/v1/traces', traces, PROTOBUF);
      expect([refused.headers.get('retry-after'), statusOf(refused).code]).toEqual(['1', 14]);
      expect(small.refused('otlp-http')['backpressure']).toBeGreaterThan(0);
      slow.destroy();
      await expect.poll(async () => (await small.post('/v1/traces', traces, PROTOBUF)).status).toBe(200);
    } finally {
      await small.stop();
    }
  });
  it('503 when the journal is full, and /healthz says why', async () => {
    const full = await startTestCollector({ diskReserveBytes: Number.MAX_SAFE_INTEGER });
    try {
      const answer = await full.post('/v1/traces', traces, PROTOBUF);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30']);
      const health = JSON.parse((await full.post('/healthz', '', {}, 'GET')).bytes.toString());
      expect(health).toMatchObject({ status: 'refusing', collector: { accepting: false, refusing: 'disk_full' } });
    } finally {
      await full.stop();
    }
  });
});
