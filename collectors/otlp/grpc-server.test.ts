import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import type { JournalEntry } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { type RunningGrpcServer, startGrpcServer } from './grpc-server.ts';
import { framed } from './grpc-server-message.ts';
import { exportPath, HEALTH_PATHS } from './grpc-server-methods.ts';
import { createReceiver } from './receiver.ts';

/** Slow and silent senders, with a server that has little patience. Everything else: tests/conformance/receivers-grpc*. */
const budget = new MemoryBudget(2e6);
const entries: JournalEntry[] = [];
let server: RunningGrpcServer;
beforeAll(async () => {
  const append = async (entry: JournalEntry): Promise<number> => entries.push(entry);
  server = await startGrpcServer({
    address: { host: '127.0.0.1', port: 0 },
    server: 'http2',
    receiver: createReceiver({ append, limits: limitsSchema.parse({}), retentionSeconds: 0, budget, nowMs: Date.now }),
    nowMs: Date.now,
    httpAddress: () => 'http://127.0.0.1:4318',
    log: (line) => expect.unreachable(line),
    patience: { callTicks: 10, pingEveryTicks: 8, pingWaitTicks: 50, tickMs: 20 },
  });
});
afterAll(() => server.close(100));

const PATIENT = { timeout: 10_000 };
const refused = (reason: string): number => server.account.status().refused[reason] ?? 0;
/** Sends part of a message and waits for what comes of it. */
async function stall(
  bytes: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: unknown; details: unknown; resetCode: number }> {
  const session = connectHttp2(`http://127.0.0.1:${server.address.port}`);
  const stream = session.request({ ':method': 'POST', ':path': exportPath('traces'), 'content-type': 'application/grpc', ...headers });
  let status: unknown;
  let details: unknown;
  stream.on('response', (headers) => {
    status = headers['grpc-status'];
    details = headers['grpc-status-details-bin'];
  });
  stream.on('error', () => undefined);
  stream.resume();
  stream.write(bytes);
  await new Promise((resolve) => stream.once('close', resolve));
  session.destroy();
  return { status, details, resetCode: stream.rstCode ?? -1 };
}

describe('slow senders', () => {
  it.each([
    ['half a prefix', Buffer.alloc(3)],
    ['half a message', Buffer.concat([Buffer.from([0, 0, 0x0f, 0, 0]), Buffer.alloc(1_000)])],
    ['a message, but not the end of the call', framed(Buffer.alloc(0))],
  ])('that send %s are told UNAVAILABLE with RetryInfo and hold no memory after', async (_, bytes) => {
    const before = refused('too_slow');
    const { status, details, resetCode } = await stall(bytes);
    expect([status, resetCode]).toEqual(['14', 0]);
    expect(Buffer.from(String(details), 'base64').toString('latin1')).toContain('google.rpc.RetryInfo');
    expect(refused('too_slow')).toBe(before + 1);
    expect(budget.heldBytes).toBe(0);
    expect(entries).toEqual([]);
  });
  it.each([
    ['100m', '4'],
    ['10S', '14'],
  ])('with a grpc-timeout of %s are told %s', async (timeout, code) => {
    expect((await stall(Buffer.alloc(3), { 'grpc-timeout': timeout })).status).toBe(code);
  });
  it('that hold the whole budget keep others waiting no longer than that', async () => {
    const large = Buffer.concat([Buffer.from([0, 0, 0x0f, 0x42, 0x40]), Buffer.alloc(700_000)]);
    const slow = [stall(large)];
    await expect.poll(() => budget.heldBytes, PATIENT).toBeGreaterThan(2_000_000 - 1_048_576);
    const { status, details } = await stall(large);
    expect([status, details !== undefined]).toEqual(['14', true]);
    expect(refused('backpressure') + refused('over_share')).toBeGreaterThan(0);
    await Promise.all(slow);
    expect(budget.heldBytes).toBe(0);
  });
  it.each([
    ['their answer', 'application/grpc'],
    ['what is wrong with their request', 'application/json'],
  ])('that do not take %s are cut off', async (_, contentType) => {
    const session = connectHttp2(`http://127.0.0.1:${server.address.port}`, { settings: { initialWindowSize: 0 } });
    await new Promise((resolve) => session.once('localSettings', resolve));
    const stream = session.request({ ':method': 'POST', ':path': exportPath('traces'), 'content-type': contentType });
    stream.on('error', () => undefined);
    stream.resume();
    stream.end(framed(Buffer.alloc(0)));
    await new Promise((resolve) => stream.once('close', resolve));
    expect(stream.rstCode).toBe(8);
    session.destroy();
  });
});
describe('silent connections', () => {
  it('that answer a ping may stay, also those of watchers', async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.address.port}`);
    const stream = session.request({ ':method': 'POST', ':path': HEALTH_PATHS.watch, 'content-type': 'application/grpc' });
    stream.resume();
    stream.end(framed(Buffer.alloc(0)));
    let pings = 0;
    session.on('ping', () => void pings++);
    await expect.poll(() => pings, PATIENT).toBeGreaterThan(3);
    expect([session.destroyed, stream.closed]).toEqual([false, false]);
    session.destroy();
  });
  it('that do not are ended: the other side is gone', async () => {
    const socket = connect(server.address.port, '127.0.0.1', () =>
      socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')),
    );
    socket.resume();
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
  });
});
