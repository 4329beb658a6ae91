import type { Socket } from 'node:net';
import { IntakeQueue } from '#collectors/net/intake-queue.ts';
import { type ListenerOptions, listenPair, type OpenPort, openPorts, type RunningListener } from '#collectors/net/listener.ts';
import { MessageStream } from '#collectors/net/message-stream.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { Aggregation, type StatsdPoint } from './aggregate.ts';
import { parseLine } from './parse-line.ts';
import { writePoints } from './write-otlp.ts';

/** One journal record; a point alone may be larger. */
const RECORD_BYTES = 1024 * 1024;
/** Intervals that wait while the journal has no place. */
const QUEUE_BYTES = 16 * 1024 * 1024;
/** Others may hold the memory that half a line needs. */
const RETRY_MS = 200;
const REFUSED = {
  too_many_series: 'More series came in one interval than there is memory for.',
  backpressure: 'More members of sets came in one interval than there is memory for.',
} as const;

interface Flushed {
  readonly body: Uint8Array;
  readonly points: number;
}

/** Opens the ports. @throws what `openPort` makes of it */
export async function startStatsd({ listeners, receiver, nowMs, log }: ListenerOptions, openPort: OpenPort): Promise<RunningListener> {
  const account = new SourceAccount('statsd', 'statsd', nowMs);
  const { budget, limits } = receiver.options;
  const aggregation = new Aggregation(budget, nowMs);
  /** The last line of the interval that was refused: the points of the others must not hide it. */
  let problem = '';
  const queue = new IntakeQueue<Flushed>({
    ...{ account, budget, log, flushMs: 0, batchBytes: 1, maxBytes: QUEUE_BYTES },
    countOf: ({ points }) => points,
    store: async (batch) => {
      for (const { body } of batch) await receiver.receive({ kind: 'metrics', format: 'protobuf', encoding: 'identity', body, account });
      if (problem !== '') account.refuse('malformed', problem, 0);
      problem = '';
    },
  });
  const take = (bytes: Buffer): void => {
    // By lines, also in a datagram; what is not UTF-8 becomes U+FFFD.
    for (const line of bytes.toString('utf8').split('\n')) {
      const text = line.trim();
      if (text === '') continue;
      try {
        const refused = aggregation.add(parseLine(text));
        if (refused) account.refuse(refused, REFUSED[refused]);
      } catch (error) {
        if (!(error instanceof OtlpError)) throw error;
        problem = `A line of StatsD: ${error.message}`;
        account.refuse('malformed', problem);
      }
    }
  };
  const streams = new Set<MessageStream>();
  const share = { heldBytes: 0 };
  const onConnection = (socket: Socket): void => {
    const stream = new MessageStream(socket, {
      ...{ maxBytes: limits.maxAttributeBytes, budget, share, account, linesOnly: true },
      add: (bytes) => {
        take(bytes);
        return true;
      },
      whenRoom: (wake) => void setTimeout(wake, RETRY_MS),
      tooLarge: (bytes) =>
        account.refuse('message_too_large', `A line has ${bytes} bytes or more, the limit is ${limits.maxAttributeBytes}.`),
    });
    streams.add(stream);
    socket.once('close', () => streams.delete(stream));
  };
  const ports = await openPorts(listeners, account, openPort, {
    statsd: (address) => listenPair({ address, account, onConnection, onDatagram: take, log }),
  });

  let startNs = BigInt(nowMs()) * 1_000_000n;
  const flush = (): void => {
    const endNs = BigInt(nowMs()) * 1_000_000n;
    // A clock that was set back must not make an interval that ends before it begins.
    const interval = { startNs: startNs < endNs ? startNs : endNs, endNs };
    startNs = endNs;
    for (const points of parted(aggregation.take())) {
      const body = writePoints(points, interval);
      if (!queue.add({ body, points: points.length }, body.length))
        account.refuse('backpressure', 'Points came while the journal took no more; they are lost.', points.length);
    }
  };
  const timer = setInterval(flush, listeners.statsdFlushMs);
  let closing: Promise<void> | null = null;
  return {
    account,
    addresses: ports.addresses,
    close: (deadlineMs) => {
      account.stopped = true;
      closing ??= (async () => {
        for (const stream of streams) stream.finish();
        await ports.close(0);
        clearInterval(timer);
        flush();
        await queue.close(deadlineMs);
      })();
      return closing;
    },
  };
}
/** Parts of about a record each. */
function parted(points: readonly StatsdPoint[]): StatsdPoint[][] {
  const parts: StatsdPoint[][] = [];
  let bytes = RECORD_BYTES;
  for (const point of points) {
    if (bytes >= RECORD_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(point);
    bytes += sizeOf(point);
  }
  return parts;
}
const sizeOf = ({ name, tags, distribution }: StatsdPoint): number =>
  100 + name.length + tags.reduce((sum, tag) => sum + tag.length + 8, 0) + (distribution ? distribution.bounds.length * 16 : 0);
