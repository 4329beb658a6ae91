import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { IntakeQueue } from '#collectors/net/intake-queue.ts';
import { type ListenerOptions, type OpenPort, openPorts, type RunningListener } from '#collectors/net/listener.ts';
import { listenTcp, type TcpListener } from '#collectors/net/tcp-listener.ts';
import type { TlsFiles } from '#collectors/net/tls-files.ts';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { claimedSize } from '#collectors/pipeline/decompress.ts';
import type { Address } from '#contracts/settings.ts';
import { FluentConnection } from './fluent-connection.ts';
import { readEntries } from './read-entries.ts';
import type { ForwardMessage } from './read-message.ts';

/** For messages that ask for no acknowledgement: as for syslog. */
const FLUSH_MS = 100;
const BATCH_BYTES = 512 * 1024;
const QUEUE_BYTES = 16 * 1024 * 1024;
/** Reading takes five times what a message inflates to: more than this part of the memory would never be free. */
const INFLATED_SHARE = 8;

/** Opens the ports asked for. @throws what `openPort` makes of it, FaultlineError config_invalid for certificate and key */
export async function startFluent({ listeners, receiver, nowMs, log }: ListenerOptions, openPort: OpenPort): Promise<RunningListener> {
  const account = new SourceAccount('fluent', 'fluent', nowMs);
  const { budget, limits } = receiver.options;
  const maxInflated = Math.min(limits.maxDecompressedBytes, Math.floor(budget.maxBytes / INFLATED_SHARE));
  const sizeOf = ({ entries, encoding }: ForwardMessage): number => claimedSize(entries, encoding) || entries.length * 8;
  const store = async (messages: readonly ForwardMessage[]): Promise<void> => {
    await receiver.receive({
      kind: 'logs',
      format: 'json',
      encoding: 'identity',
      body: messages.length === 1 ? (messages[0] as ForwardMessage).entries : Buffer.concat(messages.map(({ entries }) => entries)),
      plainBytes: () =>
        Math.min(
          maxInflated,
          messages.reduce((sum, message) => sum + sizeOf(message), 0),
        ),
      account,
      transcode: () => readEntries(messages, { ...limits, maxDecompressedBytes: maxInflated }),
    });
  };
  const queue = new IntakeQueue<ForwardMessage>({
    account,
    budget,
    log,
    flushMs: FLUSH_MS,
    batchBytes: BATCH_BYTES,
    maxBytes: QUEUE_BYTES,
    store,
  });
  const connections = new Set<FluentConnection>();
  const share = { heldBytes: 0 };
  const onConnection = (socket: Socket): void => {
    const connection = new FluentConnection(socket, {
      maxBytes: limits.maxBodyBytes,
      budget,
      share,
      account,
      sharedKey: listeners.fluentSharedKey,
      hostname: hostname(),
      store: (message) => store([message]),
      add: (message) => queue.add(message, message.entries.length),
      whenRoom: (wake) => queue.whenRoom(wake),
      log,
    });
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  };
  const listen = async (address: Address, tls: TlsFiles | null): Promise<[TcpListener]> => [
    await listenTcp({ address, tls, account, onConnection, log }),
  ];
  const ports = await openPorts(listeners, account, openPort, { fluent: listen, fluentTls: listen });
  let closing: Promise<void> | null = null;
  return {
    account,
    addresses: ports.addresses,
    close: (deadlineMs) => {
      account.stopped = true;
      closing ??= (async () => {
        for (const connection of connections) connection.finish();
        await Promise.all([queue.close(deadlineMs), ports.close(deadlineMs)]);
      })();
      return closing;
    },
  };
}
