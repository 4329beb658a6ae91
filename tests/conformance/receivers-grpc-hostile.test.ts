import { connect as connectHttp2 } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { GRPC_SERVERS } from '#contracts/settings.ts';
import { call, EXPORT, message } from './grpc-clients.ts';
import { begin, END_HEADERS, END_STREAM, FrameType, frame, literal, OPENING, rawConnection, reset } from './http2-bytes.ts';
import { startTestCollector, type TestCollector, tracesJson } from './receivers-fixture.ts';

const traces = Buffer.from(transcodeJson('traces', Buffer.from(tracesJson(10)), { maxDepth: 32 }));
const good = message(traces);
const PATIENT = { timeout: 10_000 };
const EMPTY = Buffer.alloc(0);
const times = (count: number, make: (i: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
const odd = (i: number): number => 2 * i + 1;

/** What is sent after the preface, and how our own server counts it. Both servers must end the connection. */
const FLOODS: Readonly<Record<string, readonly [Buffer, string]>> = {
  'calls reset at once (CVE-2023-44487)': [times(5_000, (i) => Buffer.concat([begin(odd(i)), reset(odd(i))])), 'http2_flood'],
  PING: [times(5_000, () => frame(FrameType.ping, 0, 0, Buffer.alloc(8))), 'http2_flood'],
  SETTINGS: [times(5_000, () => frame(FrameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))), 'http2_flood'],
  CONTINUATION: [Buffer.concat([begin(1, 0), times(100, () => frame(FrameType.continuation, 0, 1, literal('x', 'y')))]), 'http2_flood'],
  'empty DATA': [Buffer.concat([begin(1), times(5_000, () => frame(FrameType.data, 0, 1, EMPTY))]), 'http2_flood'],
  PRIORITY: [times(20_000, (i) => frame(2, 0, odd(i), Buffer.from([0, 0, 0, 0, 1]))), 'malformed'],
  'DATA without a call': [frame(FrameType.data, 0, 9, Buffer.alloc(4)), 'malformed'],
  'a frame over 16 KiB': [Buffer.concat([begin(1), frame(FrameType.data, 0, 1, Buffer.alloc(20_000))]), 'malformed'],
};

describe.each(GRPC_SERVERS)('OTLP/gRPC under attack, served by %s', (otlpGrpcServer) => {
  let collector: TestCollector;
  let address: string;
  beforeAll(async () => {
    collector = await startTestCollector({ maxInFlightBytes: 9_000_000 }, { otlpGrpcServer });
    address = collector.collector.addresses.otlpGrpc;
  });
  afterAll(async () => {
    expect(collector.lines).toEqual([]);
    await collector.stop();
  });
  const counted = (): Record<string, number> => ({ ...collector.refused('otlp-grpc') });
  const servesOthers = async (): Promise<void> => expect(await call(address, EXPORT.traces, traces)).toEqual({ bytes: EMPTY });

  it.each(Object.entries(FLOODS))('%s: the connection is ended, others are served', async (_, [bytes, reason]) => {
    const before = counted();
    const hostile = await rawConnection(address);
    await hostile.write(OPENING);
    void hostile.write(bytes);
    await hostile.closed;
    await servesOthers();
    if (otlpGrpcServer === 'http2') expect(counted()).toEqual({ ...before, [reason]: (before[reason] ?? 0) + 1 });
  });
  it('a flood that comes in drops is the same flood', async () => {
    const before = counted()['http2_flood'] ?? 0;
    const hostile = await rawConnection(address);
    await hostile.write(OPENING);
    for (let i = 0; i < 5_000 && !hostile.isClosed(); i += 10)
      await hostile.write(times(10, (k) => Buffer.concat([begin(odd(i + k)), reset(odd(i + k))])));
    await hostile.closed;
    if (otlpGrpcServer === 'http2') expect(counted()['http2_flood']).toBe(before + 1);
  });
  it('a connection that reads nothing back is no matter', async () => {
    const deaf = await rawConnection(address, { reads: false });
    await deaf.write(OPENING);
    await deaf.write(times(200, (i) => Buffer.concat([begin(odd(i)), frame(FrameType.data, END_STREAM, odd(i), good)])));
    await servesOthers();
    deaf.destroy();
  });
  it('more calls at once than a connection may have: the rest is refused, none is lost', async () => {
    const greedy = await rawConnection(address);
    await greedy.write(OPENING);
    await greedy.write(times(300, (i) => begin(odd(i))));
    const most = otlpGrpcServer === 'http2' ? 100 : 32;
    const resets = () => greedy.frames().filter(({ type }) => type === FrameType.rstStream);
    await expect.poll(() => resets().length, PATIENT).toBe(300 - most);
    // REFUSED_STREAM: the sender may send them again elsewhere.
    expect(new Set(resets().map(({ payload }) => payload.readUInt32BE(0)))).toEqual(new Set([7]));
    const before = (await collector.records()).length;
    await greedy.write(times(most, (i) => frame(FrameType.data, END_STREAM, odd(i), good)));
    await expect.poll(async () => (await collector.records()).length - before, PATIENT).toBe(most);
    greedy.destroy();
  });
  it('calls that were taken back hold no memory', async () => {
    for (let i = 0; i < 20; i++) {
      const sender = await rawConnection(address);
      const part = Buffer.concat([message(EMPTY, { length: 900_000 }), Buffer.alloc(5_000)]);
      await sender.write(Buffer.concat([OPENING, begin(1), frame(FrameType.data, 0, 1, part)]));
      await expect.poll(() => sender.frames().length, PATIENT).toBeGreaterThan(0);
      if (i % 2 === 0) await sender.write(reset(1));
      sender.destroy();
    }
    // Twenty such messages would be over the budget of 8 MB.
    await servesOthers();
  });
  it('a heap of headers is reset by Node, before anyone is asked', async () => {
    const sender = await rawConnection(address);
    const fields = times(100, () => literal('x-much', 'y'.repeat(120)));
    const rest = [0, 0, 0, 0, 0, END_HEADERS].map((flags) => frame(FrameType.continuation, flags, 1, fields));
    await sender.write(Buffer.concat([OPENING, begin(1, 0), ...rest]));
    const resets = () => sender.frames().filter(({ type }) => type === FrameType.rstStream);
    // ENHANCE_YOUR_CALM
    await expect.poll(() => resets().map(({ payload }) => payload.readUInt32BE(0)), PATIENT).toEqual([11]);
    sender.destroy();
    await servesOthers();
  });
  it('one header in pieces is one header', async () => {
    const sender = await rawConnection(address);
    const more = [literal('a', 'b'), literal('c', 'd'), literal('e', 'f')];
    await sender.write(
      Buffer.concat([OPENING, begin(1, 0), ...more.map((each, i) => frame(FrameType.continuation, i === 2 ? END_HEADERS : 0, 1, each))]),
    );
    await sender.write(frame(FrameType.data, END_STREAM, 1, good));
    await expect
      .poll(() => sender.frames().filter(({ type, stream }) => type === FrameType.headers && stream === 1).length, PATIENT)
      .toBe(2);
    sender.destroy();
  });
  it('resets in the breath that begins a call, and in the midst of it', async () => {
    for (const cut of [0, 1, 5, 100]) {
      const sender = await rawConnection(address);
      await sender.write(Buffer.concat([OPENING, begin(1), frame(FrameType.data, 0, 1, good.subarray(0, cut)), reset(1)]));
      sender.destroy();
    }
    await servesOthers();
  });
});

describe.each(GRPC_SERVERS)('stopping, served by %s', (otlpGrpcServer) => {
  it('GOAWAY is sent, the call under way is finished, then the connection ends', async () => {
    const collector = await startTestCollector({}, { otlpGrpcServer });
    const session = connectHttp2(`http://${collector.collector.addresses.otlpGrpc}`);
    const goaway = new Promise<number>((resolve) => session.once('goaway', resolve));
    const closed = new Promise((resolve) => session.once('close', resolve));
    const stream = session.request({ ':method': 'POST', ':path': EXPORT.traces, 'content-type': 'application/grpc', te: 'trailers' });
    stream.write(good.subarray(0, 100));
    // The server has it: what follows on the same connection was answered.
    await new Promise((resolve) => session.once('connect', resolve));
    await new Promise((resolve) => session.ping(resolve));
    const stopped = collector.collector.stop(5_000);
    expect(await goaway).toBe(0);
    const status = new Promise((resolve) => {
      stream.once('trailers', (trailers) => resolve(trailers['grpc-status']));
      stream.once('response', (headers) => headers['grpc-status'] && resolve(headers['grpc-status']));
    });
    stream.resume();
    stream.end(good.subarray(100));
    // grpc-js lets the call go on too, but its handler is asked late: it says UNAVAILABLE, to be sent again elsewhere.
    expect(await status).toBe(otlpGrpcServer === 'http2' ? '0' : '14');
    await Promise.all([stopped, closed]);
    expect((await collector.records()).map((record) => record.items)).toEqual(otlpGrpcServer === 'http2' ? [10] : []);
    await collector.stop();
  });
  it('a call that never ends is cut off at the deadline', async () => {
    const collector = await startTestCollector({}, { otlpGrpcServer });
    const sender = await rawConnection(collector.collector.addresses.otlpGrpc);
    await sender.write(Buffer.concat([OPENING, begin(1), frame(FrameType.data, 0, 1, good.subarray(0, 100))]));
    await expect.poll(() => sender.frames().length, PATIENT).toBeGreaterThan(0);
    await collector.collector.stop(300);
    await sender.closed;
    await collector.stop();
  });
});
