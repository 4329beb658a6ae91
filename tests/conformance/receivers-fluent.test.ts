import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MsgpackReader, MsgpackScan } from '#collectors/fluent/msgpack.ts';
import type { NestedValue } from '#collectors/otlp/otlp-writer.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import type { Listeners, Settings } from '#contracts/settings.ts';
import { msgpack } from '../fixtures/encode-msgpack.ts';
import { makeCertificate, NO_LISTENERS, startTestCollector, type TestCollector } from './receivers-fixture.ts';

/** The machine may be busy. */
const SOON = { timeout: 20_000 };
const anyPort = { host: '127.0.0.1', port: 0 };
const listening = (more: Partial<Listeners> = {}): Partial<Settings> => ({ listeners: { ...NO_LISTENERS, fluent: anyPort, ...more } });
const portOf = (it: TestCollector, key: string): number => Number(it.collector.addresses[key]?.split(':').at(-1));
const source = (it: TestCollector) => it.collector.status().sources.find((each) => each.source === 'fluent');
const accepted = (it: TestCollector): number => source(it)?.accepted.logs.items ?? 0;
const seconds = (): number => Math.floor(Date.now() / 1000);
const entry = (log: string): unknown => [seconds(), { log }];

/** A sender that reads what it is answered. */
class Sender {
  readonly socket: Socket;
  private received: Buffer = Buffer.alloc(0);
  closed = false;
  /** @param ca of the listener with TLS */
  constructor(it: TestCollector, ca?: Buffer) {
    this.socket = ca
      ? connectTls({ port: portOf(it, 'fluentTls'), host: '127.0.0.1', ca, servername: 'localhost' })
      : connect(portOf(it, 'fluent'), '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
  }
  send(...parts: readonly unknown[]): void {
    this.socket.write(msgpack(parts));
  }
  /** The next value that came back. */
  async answer(): Promise<NestedValue> {
    const scan = new MsgpackScan();
    await expect.poll(() => scan.advance(this.received, this.received.length), { timeout: 20_000, interval: 5 }).toBe(true);
    const value = new MsgpackReader(this.received.subarray(0, scan.end), { maxDepth: 4, maxValues: 100 }).value();
    this.received = this.received.subarray(scan.end);
    return value;
  }
  async end(): Promise<void> {
    this.socket.end();
    await expect.poll(() => this.closed, SOON).toBe(true);
  }
}
let it1: TestCollector;
beforeAll(async () => {
  it1 = await startTestCollector({ maxBodyBytes: 100_000, maxDecompressedBytes: 400_000 }, listening());
});
afterAll(() => it1.stop());

describe('Fluent Forward: what is acknowledged is in the journal', () => {
  it.each<[string, unknown[]]>([
    ['Message', ['t', seconds(), { log: 'one' }]],
    ['Forward', ['t', [entry('one'), entry('two')]]],
    ['PackedForward', ['t', Buffer.concat([entry('one'), entry('two')].map(msgpack))]],
    ['CompressedPackedForward', ['t', gzipSync(Buffer.concat([entry('one'), entry('two')].map(msgpack)))]],
  ])('%s', async (name, parts) => {
    const items = name === 'Message' ? 1 : 2;
    const before = accepted(it1);
    const sender = new Sender(it1);
    sender.send(...parts, { chunk: `of ${name}`, ...(name.startsWith('Compressed') ? { compressed: 'gzip' } : {}) });
    expect(await sender.answer()).toEqual(new Map([['ack', `of ${name}`]]));
    expect(accepted(it1)).toBe(before + items);
    const record = (await it1.records()).at(-1);
    expect(record).toMatchObject({
      ...{ kind: RecordKind.logs, format: BodyFormat.protobuf, encoding: BodyEncoding.identity, items, source: 'fluent' },
    });
    expect(Buffer.from(record?.body as Uint8Array).toString('latin1')).toContain('one');
    await sender.end();
  });
  it('without a chunk nothing is answered, and many small messages share a record', async () => {
    const before = [accepted(it1), (await it1.records()).length] as const;
    const sender = new Sender(it1);
    sender.socket.write(
      Buffer.concat([Buffer.from([0xc0]), ...Array.from({ length: 500 }, (_, i) => msgpack(['t', seconds(), { log: `${i}` }]))]),
    );
    await expect.poll(() => accepted(it1), SOON).toBe(before[0] + 500);
    expect((await it1.records()).length - before[1]).toBeLessThan(10);
    await sender.end();
  });
  it('however the stream is cut, every chunk is acknowledged once', async () => {
    const sender = new Sender(it1);
    const chunks = Array.from({ length: 40 }, (_, i) => `c${i}`);
    const stream = Buffer.concat(chunks.map((chunk, i) => msgpack(['t', Array(i * 10).fill(entry('x')), { chunk }])));
    for (let at = 0; at < stream.length; at += 977) {
      sender.socket.write(stream.subarray(at, at + 977));
      if (at % 5 === 0) await new Promise((done) => setImmediate(done));
    }
    const acknowledged: unknown[] = [];
    for (const _ of chunks) acknowledged.push(((await sender.answer()) as Map<string, unknown>).get('ack'));
    expect(acknowledged.sort()).toEqual([...chunks].sort());
    await sender.end();
    expect(it1.refused('fluent')).toEqual({});
  });
  it('the good entries of a chunk with bad ones; each bad one is counted', async () => {
    const [before, refused] = [accepted(it1), it1.refused('fluent')['malformed'] ?? 0];
    const sender = new Sender(it1);
    sender.send('t', [entry('good'), 7, ['noon', {}]], { chunk: 'c' });
    expect(await sender.answer()).toEqual(new Map([['ack', 'c']]));
    expect(accepted(it1)).toBe(before + 1);
    expect(it1.refused('fluent')['malformed']).toBe(refused + 2);
    await sender.end();
  });
});

describe('Fluent Forward: what is refused is counted, never acknowledged, and the connection ends', () => {
  const nested = (depth: number): Buffer => Buffer.alloc(depth, 0x91);
  it.each<[string, () => Buffer, string, RegExp]>([
    ['HTTP', () => Buffer.from('GET / HTTP/1.1\r\n'), 'malformed', /byte 0x47: this is not Fluent Forward/],
    ['a chunk nothing of which can be read', () => msgpack(['t', [1], { chunk: 'c' }]), 'malformed', /none of 1 entries/],
    ['no message', () => msgpack(['t', { a: 1 }]), 'malformed', /type map/],
    ['a byte nobody uses', () => Buffer.from([0x92, 0xc1]), 'malformed', /0xc1/],
    ['gzip that is none', () => msgpack(['t', Buffer.from('x'), { chunk: 'c', compressed: 'gzip' }]), 'bad_compression', /not valid gzip/],
    [
      'a bomb',
      () => msgpack(['t', gzipSync(Buffer.alloc(500_000)), { chunk: 'c', compressed: 'gzip' }]),
      'decompressed_too_large',
      /inflates/,
    ],
    ['a message that says it is large', () => Buffer.from([0x92, 0xa1, 0x74, 0xc6, 0x10, 0, 0, 0]), 'message_too_large', /268435464 bytes/],
    ['an array of four billion', () => Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), 'message_too_large', /4294967300 bytes/],
    ['a nest without end', () => nested(200_000), 'message_too_large', /the limit is 100000/],
  ])('%s', async (_, bytes, reason, sentence) => {
    const [before, records] = [it1.refused('fluent')[reason] ?? 0, (await it1.records()).length];
    const sender = new Sender(it1);
    sender.socket.write(bytes());
    await expect.poll(() => sender.closed, { timeout: 20_000 }).toBe(true);
    expect(it1.refused('fluent')[reason]).toBe(before + 1);
    expect(source(it1)?.error).toMatch(sentence);
    expect((await it1.records()).length).toBe(records);
  });
  it('half a message', async () => {
    const before = it1.refused('fluent')['malformed'] ?? 0;
    const sender = new Sender(it1);
    sender.socket.end(msgpack(['t', [entry('x')]]).subarray(0, 10));
    await expect.poll(() => it1.refused('fluent')['malformed'], SOON).toBe(before + 1);
  });
  it('what says it inflates to more than the memory ends its wait, and stops nobody after it', async () => {
    const small = await startTestCollector({ maxInFlightBytes: 1_000_000 }, listening());
    const bomb = gzipSync(Buffer.alloc(900_000));
    const quiet = new Sender(small);
    quiet.send('t', bomb, { compressed: 'gzip' });
    await expect.poll(() => small.refused('fluent')['decompressed_too_large'], SOON).toBe(1);
    quiet.send('t', seconds(), { log: 'after' });
    await expect.poll(() => accepted(small), SOON).toBe(1);
    const asking = new Sender(small);
    asking.send('t', bomb, { compressed: 'gzip', chunk: 'c' });
    await expect.poll(() => asking.closed, SOON).toBe(true);
    expect(small.refused('fluent')).toEqual({ decompressed_too_large: 2 });
    await small.stop();
  });
  it('half messages of many connections leave room for others', async () => {
    const small = await startTestCollector({ maxInFlightBytes: 4_000_000, maxBodyBytes: 1_000_000 }, listening());
    const half = msgpack(['t', [entry('x'.repeat(700_000))]]).subarray(0, 650_000);
    const senders = Array.from({ length: 12 }, () => new Sender(small));
    for (const sender of senders) sender.socket.write(half);
    // A message of one field that nobody knows.
    const body = Buffer.concat([Buffer.from([0x92, 0x3f, 0xe0, 0xa7, 0x12]), Buffer.alloc(300_000)]);
    const answers = new Set<number>();
    for (let i = 0; i < 20; i++) {
      answers.add((await small.post('/v1/logs', body, { 'content-type': 'application/x-protobuf' })).status);
      await new Promise((done) => setTimeout(done, 20));
    }
    expect([...answers]).toEqual([200]);
    for (const { socket } of senders) socket.destroy();
    await small.stop();
  });
  it('a full disk: no acknowledgement, so the sender comes again; without a chunk it is not read', async () => {
    const full = await startTestCollector({ diskReserveBytes: Number.MAX_SAFE_INTEGER, maxInFlightBytes: 2_000_000 }, listening());
    const sender = new Sender(full);
    sender.send('t', [entry('x')], { chunk: 'c' });
    await expect.poll(() => sender.closed, SOON).toBe(true);
    expect(full.refused('fluent')).toEqual({ disk_full: 1 });
    const quiet = new Sender(full);
    for (let i = 0; i < 1_000; i++) quiet.send('t', seconds(), { log: 'x'.repeat(30_000) });
    await expect.poll(() => quiet.socket.bytesWritten, SOON).toBeGreaterThan(100_000);
    await new Promise((done) => setTimeout(done, 300));
    expect(quiet.socket.writableLength).toBeGreaterThan(0);
    quiet.socket.destroy();
    await full.stop();
    expect(accepted(full)).toBe(0);
  });
});

const sha512 = (...parts: (string | Buffer)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha512')).digest('hex');
async function greet(it: TestCollector, key: string, ca?: Buffer): Promise<{ sender: Sender; pong: NestedValue[]; nonce: Buffer }> {
  const sender = new Sender(it, ca);
  const [helo, options] = (await sender.answer()) as [string, Map<string, NestedValue>];
  expect([helo, options.get('auth'), options.get('keepalive')]).toEqual(['HELO', '', true]);
  const given = options.get('nonce') as Buffer | string;
  const nonce = Buffer.from(given as string);
  sender.send('PING', 'me', 'salt', sha512('salt', 'me', nonce, key), '', '');
  return { sender, pong: (await sender.answer()) as NestedValue[], nonce };
}
describe('Fluent Forward with a shared key', () => {
  let keyed: TestCollector;
  beforeAll(async () => {
    keyed = await startTestCollector({}, listening({ fluentSharedKey: 'secret' }));
  });
  afterAll(() => keyed.stop());
  it('the right one: both sides prove it, then chunks are taken in', async () => {
    const { sender, pong, nonce } = await greet(keyed, 'secret');
    expect(pong).toEqual(['PONG', true, '', expect.any(String), sha512('salt', pong[3] as string, nonce, 'secret')]);
    sender.send('t', [entry('x')], { chunk: 'c' });
    expect(await sender.answer()).toEqual(new Map([['ack', 'c']]));
    await sender.end();
  });
  it('another one', async () => {
    const { sender, pong } = await greet(keyed, 'guess');
    expect(pong.slice(0, 3)).toEqual(['PONG', false, 'shared_key mismatch']);
    await expect.poll(() => sender.closed, SOON).toBe(true);
    expect(keyed.refused('fluent')).toEqual({ not_authenticated: 1 });
  });
  it('a long word instead', async () => {
    const sender = new Sender(keyed);
    sender.send('PING', 'me', 'x'.repeat(10_000), '', '', '');
    await expect.poll(() => sender.closed, SOON).toBe(true);
    expect(keyed.refused('fluent')['message_too_large']).toBe(1);
  });
  it('none: nothing is taken in', async () => {
    const before = accepted(keyed);
    const sender = new Sender(keyed);
    sender.send('t', [entry('x')], { chunk: 'c' });
    await expect.poll(() => sender.closed, SOON).toBe(true);
    expect([accepted(keyed), keyed.refused('fluent')['malformed']]).toEqual([before, 1]);
  });
});

describe('Fluent Forward by TLS', () => {
  let folder: string;
  let tls: Listeners['tls'];
  let secure: TestCollector | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'faultline-fluent-'));
    tls = makeCertificate(folder);
    if (tls) secure = await startTestCollector({}, listening({ fluent: null, fluentTls: anyPort, fluentSharedKey: 'secret', tls }));
  });
  afterAll(async () => {
    await secure?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const started = (skip: (why: string) => void): { it: TestCollector; ca: Buffer } => {
    if (!tls) skip('no openssl here');
    return { it: secure as TestCollector, ca: readFileSync((tls as NonNullable<typeof tls>).certFile) };
  };
  it('the handshake of the shared key, and chunks of any size, through a client that checks the certificate', async ({ skip }) => {
    const { it: it2, ca } = started(skip);
    const { sender, pong } = await greet(it2, 'secret', ca);
    expect(pong.slice(0, 2)).toEqual(['PONG', true]);
    sender.send('t', Array(20_000).fill(entry('x'.repeat(50))), { chunk: 'large' });
    sender.send('t', [entry('small')], { chunk: 'small' });
    const acknowledged = [await sender.answer(), await sender.answer()].map((answer) => (answer as Map<string, unknown>).get('ack'));
    expect(acknowledged.sort()).toEqual(['large', 'small']);
    expect([accepted(it2), it2.refused('fluent')]).toEqual([20_001, {}]);
    expect(source(it2)?.address).toMatch(/^127\.0\.0\.1:\d+ \(TLS\)$/);
    await sender.end();
  });
  it('what is no TLS is counted; a client that does not trust the certificate sends nothing', async ({ skip }) => {
    const { it: it2 } = started(skip);
    const before = it2.refused('fluent')['tls_failed'] ?? 0;
    const plain = connect(portOf(it2, 'fluentTls'), '127.0.0.1', () => plain.write(msgpack(['t', [entry('x')], { chunk: 'c' }])));
    plain.on('error', () => undefined);
    await expect.poll(() => it2.refused('fluent')['tls_failed'], SOON).toBe(before + 1);
    const distrustful = connectTls({ port: portOf(it2, 'fluentTls'), host: '127.0.0.1', servername: 'localhost' });
    const failed = new Promise<NodeJS.ErrnoException>((done) => distrustful.once('error', done));
    expect((await failed).code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });
  it('a connection that never begins its handshake does not hold up the end', async ({ skip }) => {
    if (!tls) skip('no openssl here');
    const brief = await startTestCollector({}, listening({ fluentTls: anyPort, tls }));
    const silent = connect(portOf(brief, 'fluentTls'), '127.0.0.1').on('error', () => undefined);
    await new Promise((done) => silent.once('connect', done));
    const gone = new Promise<string>((done) => silent.once('close', () => done('ended')));
    const stopped = brief.collector.stop(600_000);
    expect(await gone).toBe('ended');
    await stopped;
    // Not by the handshake's own timeout, which is counted.
    expect(brief.refused('fluent')).toEqual({});
    await brief.stop();
  });
});
