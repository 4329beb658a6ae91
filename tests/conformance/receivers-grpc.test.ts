import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Client, compressionAlgorithms, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { BodyEncoding, RecordKind } from '#contracts/journal.ts';
import { GRPC_SERVERS } from '#contracts/settings.ts';
import { call, detailsOf, EXPORT, errorOf, same } from './grpc-clients.ts';
import { logsJson, metricsJson, startTestCollector, type TestCollector, talk, tracesJson } from './receivers-fixture.ts';

const DEEP = { maxDepth: 32 };
const traces = Buffer.from(transcodeJson('traces', Buffer.from(tracesJson(10)), DEEP));

describe.each(GRPC_SERVERS)('OTLP/gRPC served by %s', (otlpGrpcServer) => {
  let collector: TestCollector;
  let address: string;
  beforeAll(async () => {
    collector = await startTestCollector({ maxBodyBytes: 1_000_000, maxDecompressedBytes: 4_000_000 }, { otlpGrpcServer });
    address = collector.collector.addresses.otlpGrpc;
  });
  afterAll(() => collector.stop());

  describe('what is taken in', () => {
    it.each([
      ['traces', tracesJson(3), RecordKind.traces],
      ['logs', logsJson(3), RecordKind.logs],
      ['metrics', metricsJson(3), RecordKind.metrics],
    ] as const)('%s, plain and gzip, answered without partial_success', async (signal, json, kind) => {
      const body = Buffer.from(transcodeJson(signal, Buffer.from(json), DEEP));
      const before = (await collector.records()).length;
      for (const algorithm of [compressionAlgorithms.identity, compressionAlgorithms.gzip]) {
        const answer = await call(address, EXPORT[signal], body, { 'grpc.default_compression_algorithm': algorithm });
        expect(answer).toEqual({ bytes: Buffer.alloc(0) });
      }
      const records = (await collector.records()).slice(before);
      expect(records.map((r) => [r.kind, r.items, r.source])).toEqual(Array(2).fill([kind, 3, 'otlp-grpc']));
      for (const { body: kept, encoding } of records)
        expect((encoding === BodyEncoding.gzip ? gunzipSync(kept) : Buffer.from(kept)).equals(body)).toBe(true);
    });
    it('an empty request succeeds and writes nothing', async () => {
      const before = (await collector.records()).length;
      expect(await call(address, EXPORT.traces, Buffer.alloc(0))).toEqual({ bytes: Buffer.alloc(0) });
      expect((await collector.records()).length).toBe(before);
    });
    it('reads large batches in one go: the windows are wider than the protocol demands', async () => {
      const session = connectHttp2(`http://${address}`);
      await expect.poll(() => session.remoteSettings?.initialWindowSize).toBe((otlpGrpcServer === 'http2' ? 8 : 4) * 1024 * 1024);
      session.close();
    });
    it('partial success carries count and reasons', async () => {
      const body = Buffer.from(transcodeJson('traces', Buffer.from(tracesJson(5, 2)), DEEP));
      const answer = await call(address, EXPORT.traces, body);
      expect('bytes' in answer && answer.bytes.toString()).toContain('2 of 5 spans rejected: 2 invalid_id');
    });
  });

  describe('what is refused', () => {
    it.each([
      ['a body that is no message', Buffer.from([1, 2, 3]), {}, 3, 'malformed'],
      ['a message over the limit', Buffer.alloc(1_000_001), {}, 8, 'body_too_large'],
    ] as const)('%s: code %#', async (_, body, options, code, reason) => {
      const error = errorOf(await call(address, EXPORT.traces, body, options));
      expect(error.code).toBe(code);
      expect(error.details).toMatch(/^\S.* .*\.$/);
      expect(detailsOf(error)).toBeUndefined();
      expect(collector.refused('otlp-grpc')[reason]).toBe(1);
    });
    it.each([
      ['sent', {}, 'body_too_large'],
      ['inflated', { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }, 'decompressed_too_large'],
    ] as const)(
      'a message %s over the decompressed limit: RESOURCE_EXHAUSTED without RetryInfo, and counted',
      async (_, options, reason) => {
        const before = collector.refused('otlp-grpc')[reason] ?? 0;
        const error = errorOf(await call(address, EXPORT.traces, Buffer.alloc(5_000_000), options));
        expect(error.code).toBe(8);
        expect(detailsOf(error)).toBeUndefined();
        expect(collector.refused('otlp-grpc')[reason]).toBe(before + 1);
      },
    );
    it('an unknown method: UNIMPLEMENTED', async () => {
      expect(errorOf(await call(address, '/opentelemetry.proto.collector.trace.v1.TraceService/Import', traces)).code).toBe(12);
    });
    it('an OpenTelemetry sender may go on after each of these', async () => {
      expect(await call(address, EXPORT.traces, traces)).toEqual({ bytes: Buffer.alloc(0) });
    });
    it('back-pressure: UNAVAILABLE with RetryInfo', async () => {
      const full = await startTestCollector({ diskReserveBytes: Number.MAX_SAFE_INTEGER }, { otlpGrpcServer });
      try {
        const error = errorOf(await call(full.collector.addresses.otlpGrpc, EXPORT.traces, traces));
        expect(error.code).toBe(14);
        const details = detailsOf(error)?.toString('latin1') ?? '';
        expect(details).toContain('type.googleapis.com/google.rpc.RetryInfo');
        // RetryInfo { retry_delay { seconds = 30 } }
        expect(details).toContain('\x0a\x02\x08\x1e');
        expect(full.refused('otlp-grpc')).toEqual({ disk_full: 1 });
      } finally {
        await full.stop();
      }
    });
  });

  describe('health', () => {
    const CHECK = '/grpc.health.v1.Health/Check';
    const asked = (service: string): Buffer => Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
    it.each(['', 'opentelemetry.proto.collector.trace.v1.TraceService'])('serves "%s"', async (service) => {
      expect(await call(address, CHECK, service === '' ? Buffer.alloc(0) : asked(service))).toEqual({ bytes: Buffer.from([8, 1]) });
    });
    it('does not know other services, nor other messages', async () => {
      expect(errorOf(await call(address, CHECK, asked('shop'))).code).toBe(5);
      expect(errorOf(await call(address, CHECK, Buffer.from([9, 9]))).code).toBe(3);
    });
    it('watchers that left make room for others', async () => {
      for (let round = 0; round < 5; round++) {
        const client = new Client(address, credentials.createInsecure());
        // 30 calls: what one connection of grpc-js may have; 100 watchers are the limit.
        const watching = Array.from({ length: 30 }, () =>
          client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, Buffer.alloc(0)),
        );
        for (const each of watching) each.on('error', () => undefined);
        const first = await Promise.all(watching.map((each) => new Promise<Buffer>((resolve) => each.once('data', resolve))));
        expect(first.every((bytes) => bytes[1] === 1)).toBe(true);
        for (const each of watching) each.cancel();
        client.close();
      }
    });
    it('watchers are told when the receiver stops', async () => {
      const stopping = await startTestCollector({}, { otlpGrpcServer });
      const client = new Client(stopping.collector.addresses.otlpGrpc, credentials.createInsecure());
      const seen: number[] = [];
      const watching = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, Buffer.alloc(0));
      const ended = new Promise((resolve) => {
        watching.on('end', resolve);
        watching.on('error', resolve);
      });
      await new Promise<void>((resolve) => watching.on('data', (bytes: Buffer) => resolve(void seen.push(bytes[1] as number))));
      await stopping.stop();
      await ended;
      client.close();
      expect(seen).toEqual([1, 2]);
    });
  });

  describe('other protocols on this port', () => {
    it('HTTP/1 gets a sentence that says where OTLP/HTTP goes', async () => {
      const response = await fetch(`http://${address}/v1/traces`, { method: 'POST', body: traces as Uint8Array<ArrayBuffer> });
      expect(response.status).toBe(400);
      expect(((await response.json()) as { message: string }).message).toContain(
        `OTLP/HTTP goes to ${collector.collector.addresses.ingest}`,
      );
      expect(collector.refused('otlp-grpc')['wrong_protocol']).toBe(1);
    });
    it.each([
      ['a TLS hello', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])],
      ['noise', Buffer.from('PRI * HTTP/2.1 and more of the same')],
    ])('%s is told and closed', async (_, bytes) => {
      expect(await talk(address, bytes)).toMatch(/^HTTP\/1\.1 400 /);
    });
    it('a preface that arrives byte by byte is still gRPC', async () => {
      const [host = '', port = ''] = address.split(':');
      const socket = connect(Number(port), host);
      const settings = new Promise<Buffer>((resolve) => socket.once('data', resolve));
      for (const byte of Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')) {
        await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
      }
      // Frame type 4: SETTINGS.
      expect((await settings)[3]).toBe(4);
      socket.destroy();
    });
    it('a broken frame after the preface does no harm', async () => {
      await talk(address, Buffer.from(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(500)}`, 'latin1')).catch(() => undefined);
      expect(await call(address, EXPORT.traces, traces)).toEqual({ bytes: Buffer.alloc(0) });
      expect(collector.lines).toEqual([]);
    });
  });
});
