import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { GRPC_SERVERS } from '#contracts/settings.ts';
import { begin, END_STREAM, FrameType, frame, OPENING } from '../conformance/http2-bytes.ts';
import { startTestCollector, type TestCollector, tracesJson } from '../conformance/receivers-fixture.ts';
import { type Rng, seededRng } from '../fixtures/seeded-rng.ts';

const SEED = Number(process.env['FAULTLINE_SEED'] ?? 20261121);
const CASES = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 2_000);
const LANES = 16;

const pick = (random: Rng, below: number): number => Math.floor(random() * below);

const body = Buffer.from(transcodeJson('traces', Buffer.from(tracesJson(3)), { maxDepth: 32 }));
const request = (headers: string, content: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(`POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${content.length}\r\n${headers}\r\n\r\n`),
    content,
  ]);
const prefix = Buffer.alloc(5);
prefix.writeUInt32BE(body.length, 1);
const grpcCall = Buffer.concat([OPENING, begin(1), frame(FrameType.data, END_STREAM, 1, Buffer.concat([prefix, body]))]);
const SEEDS: readonly Buffer[] = [
  request('Content-Type: application/x-protobuf', body),
  request('Content-Type: application/json', Buffer.from(tracesJson(2))),
  request('Content-Type: application/x-protobuf\r\nContent-Encoding: gzip', gzipSync(body)),
  Buffer.from('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  Buffer.from(
    'POST /v1/logs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  ),
  grpcCall,
];
function mutate(seed: Buffer, random: Rng): Buffer {
  let bytes = Buffer.from(seed);
  for (let i = pick(random, 6); i >= 0; i--) {
    const at = pick(random, bytes.length);
    const way = pick(random, 5);
    if (way === 0) bytes[at] = pick(random, 256);
    else if (way === 1) bytes = bytes.subarray(0, Math.max(1, at));
    else if (way === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 40), at), bytes.subarray(at)]);
    else if (way === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + pick(random, 20)))]);
    else bytes.fill(0xff, at, Math.min(bytes.length, at + 1 + pick(random, 8)));
    if (bytes.length === 0) bytes = Buffer.from([0]);
  }
  return bytes;
}
/** Sends in up to three pieces, reads a little, hangs up in one way or another. */
function send(address: string, bytes: Buffer, random: Rng, patienceMs = 100): Promise<void> {
  const { hostname, port } = new URL(`http://${address}`);
  const cuts = [pick(random, bytes.length), pick(random, bytes.length)].sort((a, b) => a - b) as [number, number];
  const hangUp = pick(random, 3);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes.subarray(0, cuts[0]));
      socket.write(bytes.subarray(cuts[0], cuts[1]));
      if (hangUp === 0) socket.write(bytes.subarray(cuts[1]), () => setTimeout(() => socket.destroy(), 2));
      else if (hangUp === 1) socket.end(bytes.subarray(cuts[1]));
      else socket.write(bytes.subarray(cuts[1]));
    });
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.resume();
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
  });
}

describe.each(GRPC_SERVERS)('gRPC served by %s', (otlpGrpcServer) => {
  let collector: TestCollector;
  beforeAll(async () => {
    collector = await startTestCollector({}, { otlpGrpcServer });
  });
  afterAll(() => collector.stop());

  it(`broken bytes on either port stop nothing (${CASES} cases)`, async () => {
    const random = seededRng(SEED);
    const ports = [collector.collector.addresses.ingest.slice('http://'.length), collector.collector.addresses.otlpGrpc];
    // Untouched, the seeds are good: four of them carry telemetry.
    await Promise.all(SEEDS.map((seed) => send(ports[seed === grpcCall ? 1 : 0] as string, seed, () => 0.9, 1_500)));
    await expect
      .poll(async () => (await collector.records()).map((record) => record.items).sort(), { timeout: 5_000 })
      .toEqual([2, 3, 3, 3]);
    const jobs = Array.from({ length: CASES }, () => ({
      address: ports[pick(random, 2)] as string,
      bytes: mutate(SEEDS[pick(random, SEEDS.length)] as Buffer, random),
    }));
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        for (let job = jobs.pop(); job; job = jobs.pop()) await send(job.address, job.bytes, random);
      }),
    );
    // An exception nobody caught would have failed the test already; "BUG:" lines are those that were.
    expect(collector.lines, `seed ${SEED}`).toEqual([]);
    const answer = await collector.post('/v1/traces', body, { 'content-type': 'application/x-protobuf' });
    expect(answer.status).toBe(200);
    expect((await collector.records()).at(-1)?.items).toBe(3);
    expect(Object.keys(collector.refused('otlp-http')).length).toBeGreaterThan(3);
  });
});
