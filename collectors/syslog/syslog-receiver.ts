import type { Socket } from 'node:net';
import { IntakeQueue } from '#collectors/net/intake-queue.ts';
import { type ListenerOptions, listenPair, type OpenPort, openPorts, type RunningListener } from '#collectors/net/listener.ts';
import { MessageStream } from '#collectors/net/message-stream.ts';
import { listenTcp } from '#collectors/net/tcp-listener.ts';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { readBatch, type SyslogItem } from './read-batch.ts';

/** Syslog has no acknowledgement: what was taken in is durable after this long, a batch of this size at once. */
const FLUSH_MS = 100;
const BATCH_BYTES = 512 * 1024;
/** Waits at most while the journal has no place: datagrams beyond are refused, streams are not read. */
const QUEUE_BYTES = 16 * 1024 * 1024;

/** Opens the ports asked for. @throws what `openPort` makes of it, FaultlineError config_invalid for certificate and key */
export async function startSyslog({ listeners, receiver, nowMs, log }: ListenerOptions, openPort: OpenPort): Promise<RunningListener> {
  const account = new SourceAccount('syslog', 'syslog', nowMs);
  const { budget, limits } = receiver.options;
  const maxBytes = limits.maxAttributeBytes;
  const nowNs = (): bigint => BigInt(nowMs()) * 1_000_000n;
  const queue = new IntakeQueue<SyslogItem>({
    account,
    budget,
    log,
    flushMs: FLUSH_MS,
    batchBytes: BATCH_BYTES,
    maxBytes: QUEUE_BYTES,
    store: async (items) => {
      await receiver.receive({
        kind: 'logs',
        format: 'json',
        encoding: 'identity',
        body: Buffer.concat(items.map(({ bytes }) => bytes)),
        account,
        transcode: async () => readBatch(items, { nowMs: nowMs(), timeZone: listeners.syslogTimeZone }),
      });
    },
  });
  const onDatagram = (bytes: Buffer, peer: string): void => {
    if (bytes.length > maxBytes) account.refuse('message_too_large', tooLarge(bytes.length, maxBytes));
    else if (!queue.add({ bytes, peer, receivedNs: nowNs() }, bytes.length))
      account.refuse('backpressure', 'Datagrams came while the journal took no more; they are lost.');
  };
  const streams = new Set<MessageStream>();
  const share = { heldBytes: 0 };
  const onConnection = (socket: Socket): void => {
    const stream = new MessageStream(socket, {
      maxBytes,
      budget,
      share,
      account,
      add: (bytes, peer) => queue.add({ bytes, peer, receivedNs: nowNs() }, bytes.length),
      whenRoom: (listener) => queue.whenRoom(listener),
      tooLarge: (bytes) => account.refuse('message_too_large', tooLarge(bytes, maxBytes)),
    });
    streams.add(stream);
    socket.once('close', () => streams.delete(stream));
  };
  const ports = await openPorts(listeners, account, openPort, {
    syslog: (address) => listenPair({ address, account, onConnection, onDatagram, log }),
    syslogTls: async (address, tls) => [await listenTcp({ address, tls, account, onConnection, log })],
  });
  let closing: Promise<void> | null = null;
  return {
    account,
    addresses: ports.addresses,
    close: (deadlineMs) => {
      account.stopped = true;
      closing ??= (async () => {
        for (const stream of streams) stream.finish();
        await ports.close(0);
        await queue.close(deadlineMs);
      })();
      return closing;
    },
  };
}
const tooLarge = (bytes: number, maxBytes: number): string => `A message has ${bytes} bytes or more, the limit is ${maxBytes}.`;
