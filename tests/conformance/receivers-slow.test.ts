import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FluentConnection } from '#collectors/fluent/fluent-connection.ts';
import { MessageStream } from '#collectors/net/message-stream.ts';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { msgpack } from '../fixtures/encode-msgpack.ts';

/** The machine may be busy. */
const SOON = { timeout: 20_000 };
/** Senders that begin a message and never end it, on real sockets, with little patience. */
let server: Server | null = null;
let sender: Socket | null = null;
afterEach(() => {
  sender?.destroy();
  server?.close();
});
async function connectTo(take: (socket: Socket) => void): Promise<Socket> {
  server = createServer(take).listen(0, '127.0.0.1');
  await new Promise((done) => server?.once('listening', done));
  sender = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  return sender;
}
const refusedBy = (account: SourceAccount) => account.status().refused;

describe('slow senders hold no memory', () => {
  const budget = new MemoryBudget(1_000_000);
  const share = { heldBytes: 0 };
  const PATIENCE_MS = 60;
  /** A busy machine must not look like a slow sender. */
  const LONGER_MS = 1_000;
  it.each(['<13>half a line', '60 <13>half a frame', '60'])('syslog: %j', async (bytes) => {
    const account = new SourceAccount('syslog', 'syslog', Date.now);
    const messages: string[] = [];
    const socket = await connectTo((socket) => {
      new MessageStream(socket, {
        ...{ maxBytes: 1_000, budget, share, account, patienceMs: PATIENCE_MS, whenRoom: () => undefined, tooLarge: () => undefined },
        add: (message) => messages.push(message.toString()) > 0,
      });
    });
    // Whole messages are no excuse for the half one after them.
    socket.write(`<13>whole\n${bytes}`);
    await expect.poll(() => socket.closed, SOON).toBe(true);
    expect([messages, refusedBy(account), budget.heldBytes]).toEqual([['<13>whole'], { too_slow: 1 }, 0]);
  });
  it('syslog: an idle connection stays, and so does one that goes on sending', async () => {
    const account = new SourceAccount('syslog', 'syslog', Date.now);
    let messages = 0;
    const socket = await connectTo((socket) => {
      new MessageStream(socket, {
        ...{ maxBytes: 1_000, budget, share, account, patienceMs: LONGER_MS, whenRoom: () => undefined, tooLarge: () => undefined },
        add: () => ++messages > 0,
      });
    });
    for (let i = 0; i < 6; i++) {
      socket.write('<13>end of one\n<13>begin of the next ');
      await new Promise((done) => setTimeout(done, LONGER_MS / 4));
    }
    socket.write('\n');
    await expect.poll(() => messages, SOON).toBe(7);
    await new Promise((done) => setTimeout(done, LONGER_MS * 1.2));
    expect([socket.closed, refusedBy(account)]).toEqual([false, {}]);
  });
  it('who waits for us is not slow', async () => {
    const account = new SourceAccount('syslog', 'syslog', Date.now);
    const waiting: (() => void)[] = [];
    const messages: string[] = [];
    let room = false;
    const socket = await connectTo((socket) => {
      new MessageStream(socket, {
        ...{ maxBytes: 1_000, budget, share, account, patienceMs: PATIENCE_MS, tooLarge: () => undefined },
        add: (message) => room && messages.push(message.toString()) > 0,
        whenRoom: (wake) => void waiting.push(wake),
      });
    });
    socket.write('<13>whole\n<13>half ');
    await expect.poll(() => waiting.length, SOON).toBe(1);
    await new Promise((done) => setTimeout(done, PATIENCE_MS * 3));
    expect([socket.closed, refusedBy(account)]).toEqual([false, {}]);
    room = true;
    socket.write('and half\n');
    waiting.shift()?.();
    await expect.poll(() => messages, SOON).toEqual(['<13>whole', '<13>half and half']);
    expect(refusedBy(account)).toEqual({});
  });
  it.each<[string, string | null, Buffer]>([
    ['half a message', null, msgpack(['t', 1, { log: 'x' }]).subarray(0, 5)],
    ['no word on the shared key', 'secret', Buffer.alloc(0)],
    ['half a PING', 'secret', msgpack(['PING', 'me'])],
  ])('Fluent Forward: %s', async (_, sharedKey, bytes) => {
    const account = new SourceAccount('fluent', 'fluent', Date.now);
    const socket = await connectTo((socket) => {
      new FluentConnection(socket, {
        ...{ maxBytes: 100_000, budget, share, account, sharedKey, hostname: 'here', whenRoom: () => undefined, log: () => undefined },
        ...{ store: async () => undefined, add: () => true, patience: { messageMs: PATIENCE_MS, handshakeMs: PATIENCE_MS } },
      });
    });
    socket.resume();
    socket.write(bytes.length > 0 && sharedKey !== null ? bytes.subarray(0, bytes.length - 1) : bytes);
    await expect.poll(() => socket.closed, SOON).toBe(true);
    expect([refusedBy(account), budget.heldBytes]).toEqual([{ too_slow: 1 }, 0]);
  });
  it('Fluent Forward: acknowledgements nobody reads', async () => {
    const account = new SourceAccount('fluent', 'fluent', Date.now);
    const socket = await connectTo((socket) => {
      new FluentConnection(socket, {
        ...{
          maxBytes: 100_000,
          budget,
          share,
          account,
          sharedKey: null,
          hostname: 'here',
          whenRoom: () => undefined,
          log: () => undefined,
        },
        ...{ store: async () => undefined, add: () => true },
      });
    });
    socket.pause();
    const message = msgpack(['t', [], { chunk: 'x'.repeat(1_000) }]);
    const send = (): void => {
      if (!socket.destroyed) socket.write(Buffer.concat(Array(100).fill(message)), () => setImmediate(send));
    };
    send();
    await expect.poll(() => refusedBy(account)['too_slow'] ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(budget.heldBytes).toBe(0);
  });
});
