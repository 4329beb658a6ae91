import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { GRPC_SERVERS, type GrpcServerName } from '#contracts/settings.ts';
import { EXPORT, message, type RawCall, rawCall } from './grpc-clients.ts';
import { startTestCollector, type TestCollector, tracesJson } from './receivers-fixture.ts';

const LIMITS = { maxBodyBytes: 1_000_000, maxDecompressedBytes: 4_000_000 };
const traces = Buffer.from(transcodeJson('traces', Buffer.from(tracesJson(300)), { maxDepth: 32 }));
const good = message(traces);
const gzip = message(gzipSync(traces), { flag: 1 });
const bytesOf = (frame: Buffer): Buffer[] => [...Array.from(frame.subarray(0, 200), (byte) => Buffer.from([byte])), frame.subarray(200)];
const cut = (frame: Buffer, ...at: number[]): Buffer[] =>
  [0, ...at].map((from, i) => frame.subarray(from, [...at, frame.length][i] as number));
const both = <T>(value: T): Readonly<Record<GrpcServerName, T>> => ({ http2: value, 'grpc-js': value });

/** What either server does with a request that no gRPC library sends; null: accepted with three hundred spans. */
interface Row {
  readonly call: RawCall;
  readonly code: Readonly<Record<GrpcServerName, number>>;
  readonly counted: Readonly<Record<GrpcServerName, string | null>>;
}
const accepted = (call: RawCall): Row => ({ call, code: both(0), counted: both(null) });
const refused = (call: RawCall, code: number, counted: string): Row => ({ call, code: both(code), counted: both(counted) });
const GZIP = { 'grpc-encoding': 'gzip' };
const ROWS: Readonly<Record<string, Row>> = {
  'prefix and message in one DATA frame': accepted({ chunks: [good] }),
  'prefix apart from its message': accepted({ chunks: cut(good, 5) }),
  'prefix cut in the middle': accepted({ chunks: cut(good, 3, 4) }),
  'two hundred DATA frames of one byte': accepted({ chunks: bytesOf(good) }),
  'empty DATA frames in between': accepted({ chunks: [Buffer.alloc(0), ...cut(good, 5, 20), Buffer.alloc(0)] }),
  'a content type with +proto': accepted({ headers: { 'content-type': 'application/grpc+proto' }, chunks: [good] }),
  'a content type with a parameter': accepted({ headers: { 'content-type': 'application/grpc; charset=utf-8' }, chunks: [good] }),
  gzip: accepted({ headers: GZIP, chunks: [gzip] }),
  'gzip, cut': accepted({ headers: GZIP, chunks: cut(gzip, 2, 7, 100) }),
  'grpc-encoding gzip, but this message is not': accepted({ headers: GZIP, chunks: [good] }),
  'grpc-encoding unknown, but this message is plain': accepted({ headers: { 'grpc-encoding': 'snappy' }, chunks: [good] }),
  'a long grpc-timeout': accepted({ headers: { 'grpc-timeout': '10S' }, chunks: [good] }),
  'much metadata': accepted({ headers: { 'x-much': 'y'.repeat(4_000) }, chunks: [good] }),
  'an unknown encoding': refused(
    { headers: { 'grpc-encoding': 'snappy' }, chunks: [message(traces, { flag: 1 })] },
    12,
    'unsupported_encoding',
  ),
  'gzip that does not inflate': refused({ headers: GZIP, chunks: [message(Buffer.alloc(40, 7), { flag: 1 })] }, 3, 'bad_compression'),
  'a gzip bomb': refused({ headers: GZIP, chunks: [message(gzipSync(Buffer.alloc(5e6)), { flag: 1 })] }, 8, 'decompressed_too_large'),
  'a prefix that promises 4 GB, and no more': refused(
    { chunks: [message(Buffer.alloc(0), { length: 2 ** 32 - 1 })], end: false },
    8,
    'body_too_large',
  ),
  'a message cut short': refused({ chunks: [good.subarray(0, 1000)] }, 3, 'malformed'),
  'a prefix cut short': refused({ chunks: [good.subarray(0, 3)] }, 3, 'malformed'),
  'no message': refused({}, 3, 'malformed'),
  'two messages': refused({ chunks: [good, good] }, 3, 'malformed'),
  'two messages in one DATA frame': refused(
    { chunks: [Buffer.concat([message(Buffer.alloc(2)), message(Buffer.alloc(2))])] },
    3,
    'malformed',
  ),
  'no protobuf': refused({ chunks: [message(Buffer.from([1, 2, 3]))] }, 3, 'malformed'),
  'a string that is no UTF-8': refused({ chunks: [message(Buffer.from([0x0a, 0x05, 0x1a, 3, 0x61, 0xff, 0xfe]))] }, 3, 'invalid_utf8'),
  'an unknown method': {
    call: { headers: { ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/50%' }, chunks: [good] },
    code: both(12),
    counted: { http2: 'unknown_path', 'grpc-js': null },
  },
  'a grpc-timeout that passes before the message is whole': {
    call: { headers: { 'grpc-timeout': '100m' }, chunks: [good.subarray(0, 1000)], end: false },
    code: both(4),
    counted: { http2: 'too_slow', 'grpc-js': null },
  },
  // Where the two differ.
  zstd: {
    call: { headers: { 'grpc-encoding': 'zstd' }, chunks: [message(zstdCompressSync(traces), { flag: 1 })] },
    code: { http2: 0, 'grpc-js': 12 },
    counted: { http2: null, 'grpc-js': 'unsupported_encoding' },
  },
  'the flag "compressed" without an encoding': {
    call: { chunks: [message(traces, { flag: 1 })] },
    code: { http2: 3, 'grpc-js': 0 },
    counted: { http2: 'bad_compression', 'grpc-js': null },
  },
  'a flag of 2': {
    call: { chunks: [message(traces, { flag: 2 })] },
    code: { http2: 3, 'grpc-js': 0 },
    counted: { http2: 'malformed', 'grpc-js': null },
  },
  'a grpc-timeout in words': {
    call: { headers: { 'grpc-timeout': 'soon' }, chunks: [good] },
    code: { http2: 0, 'grpc-js': 13 },
    counted: both(null),
  },
  '20 KB of metadata': {
    call: { headers: { 'x-much': 'y'.repeat(20_000) }, chunks: [good] },
    code: { http2: 3, 'grpc-js': 0 },
    counted: { http2: 'malformed', 'grpc-js': null },
  },
};

describe.each(GRPC_SERVERS)('OTLP/gRPC on the wire, served by %s', (otlpGrpcServer) => {
  let collector: TestCollector;
  let address: string;
  beforeAll(async () => {
    collector = await startTestCollector(LIMITS, { otlpGrpcServer });
    address = collector.collector.addresses.otlpGrpc;
  });
  afterAll(async () => {
    expect(collector.lines).toEqual([]);
    await collector.stop();
  });
  const total = (): number => Object.values(collector.refused('otlp-grpc')).reduce((sum, count) => sum + count, 0);

  it.each(Object.entries(ROWS))('%s', async (_, row) => {
    const reason = row.counted[otlpGrpcServer];
    const before = { records: await collector.records(), total: total(), same: collector.refused('otlp-grpc')[reason ?? ''] ?? 0 };
    const answer = await rawCall(address, row.call);
    const code = row.code[otlpGrpcServer];
    expect(answer.headers[':status']).toBe(200);
    expect(answer.headers['grpc-status'], String(answer.headers['grpc-message'])).toBe(String(code));
    expect(answer.trailersOnly).toBe(code !== 0);
    expect(answer.body).toEqual(code === 0 ? Buffer.alloc(5) : Buffer.alloc(0));
    const records = (await collector.records()).slice(before.records.length);
    expect(records.map((record) => record.items)).toEqual(code === 0 ? [300] : []);
    expect(total() - before.total).toBe(reason === null ? 0 : 1);
    if (reason !== null) expect((collector.refused('otlp-grpc')[reason] ?? 0) - before.same).toBe(1);
    if (otlpGrpcServer === 'http2' && code !== 0) expect(answer.headers['grpc-message']).toMatch(/^\S.* .*\.$/);
  });
  it('a body as large as the limit is taken, one byte more is not', async () => {
    // A field nobody knows, of any length: legal protobuf.
    const filler = (length: number): Buffer => {
      const field = Buffer.alloc(length);
      field[0] = 0x7a;
      let rest = length - 4;
      for (let i = 1; i < 4; i++, rest = Math.floor(rest / 128)) field[i] = (rest % 128) | (i < 3 ? 0x80 : 0);
      return field;
    };
    const at = await rawCall(address, { chunks: cut(message(filler(LIMITS.maxBodyBytes)), 16_384, 700_000) });
    expect(at.headers['grpc-status']).toBe('0');
    const over = await rawCall(address, { chunks: cut(message(filler(LIMITS.maxBodyBytes + 1)), 16_384) });
    expect(over.headers['grpc-status']).toBe('8');
  });
  it('says in an answer what it can inflate', async () => {
    const plain = await rawCall(address, { chunks: [good] });
    expect(plain.headers['grpc-accept-encoding']).toMatch(/^identity,.*gzip/);
    if (otlpGrpcServer === 'grpc-js') return;
    const unknown = await rawCall(address, ROWS['an unknown encoding']?.call ?? {});
    expect(unknown.headers['grpc-accept-encoding']).toBe('identity,gzip,zstd');
  });
  it.each([
    ['JSON', { 'content-type': 'application/json', ':path': '/v1/traces' }],
    ['protobuf', { 'content-type': 'application/x-protobuf' }],
    ['no content type', { 'content-type': undefined }],
  ])('%s over HTTP/2: 415', async (_, headers) => {
    const before = collector.refused('otlp-grpc')['wrong_protocol'] ?? 0;
    const answer = await rawCall(address, { headers, chunks: [traces] });
    expect(answer.headers[':status']).toBe(415);
    expect(answer.headers['grpc-status']).toBeUndefined();
    if (otlpGrpcServer === 'grpc-js') return;
    expect(answer.body.toString()).toContain(`OTLP/HTTP goes to ${collector.collector.addresses.ingest}`);
    expect(collector.refused('otlp-grpc')['wrong_protocol']).toBe(before + 1);
  });
  it('keeps gzip as it came, where it does not inflate itself', async () => {
    const before = (await collector.records()).length;
    await rawCall(address, { headers: { ...GZIP, ':path': EXPORT.traces }, chunks: [gzip] });
    const [record] = (await collector.records()).slice(before);
    expect(Buffer.from(record?.body ?? []).equals(otlpGrpcServer === 'http2' ? gzip.subarray(5) : traces)).toBe(true);
  });
});
it('methods but POST: 405', async () => {
  const collector = await startTestCollector();
  const answer = await rawCall(collector.collector.addresses.otlpGrpc, { headers: { ':method': 'PUT' }, chunks: [good] });
  expect([answer.headers[':status'], collector.refused('otlp-grpc')]).toEqual([405, { wrong_method: 1 }]);
  await collector.stop();
});
