import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { FaultlineError } from '#contracts/errors.ts';
import { SampleCache } from '#main/engine/promql/sample-cache.ts';
import { SeriesBook } from '#main/engine/promql/series-book.ts';
import { answerAlerting } from './answer-alerting.ts';
import { answerRequest } from './answer-request.ts';
import { CHUNK_BYTES, CHUNKS_AHEAD, COMPUTED, type FromThread, placeOfJob, type ThreadData, type ToThread } from './messages.ts';
import { RemoteQueries } from './remote-queries.ts';
import type { Piece } from './result-json.ts';

/**
 * A thread of the engine that answers PromQL, or replays rules: it knows the labels of all series, asks the engine for samples, evaluates and writes the
 * answer. Nothing of that holds up the sockets; at worst the thread is ended and another takes its place.
 */
const port = parentPort as MessagePort;
const { flags: shared, otlpNaming } = workerData as ThreadData;
const flags = new Int32Array(shared);
const send = (message: FromThread, memory: ArrayBuffer[] = []): void => port.postMessage(message, memory);
const queries = new RemoteQueries(send);
const book = new SeriesBook(queries.of(0), otlpNaming);
const cache = new SampleCache();
const encoder = new TextEncoder();

interface Job {
  aborted: boolean;
  readonly listeners: (() => void)[];
  /** Chunks that may still be sent. */
  credit: number;
  onCredit: (() => void) | null;
}
const jobs = new Map<number, Job>();

/** Text in chunks of at most about the same size. Pieces are written one behind the other: no longer text is made of them. */
function* chunksOf(text: Iterable<Piece>): Iterable<Uint8Array<ArrayBuffer>> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let at = 0;
  for (const piece of text) {
    // UTF-8 takes at most three bytes for a unit.
    const most = typeof piece === 'string' ? piece.length * 3 : piece.length;
    if (at > 0 && at + most > chunk.length) {
      yield chunk.subarray(0, at);
      chunk = new Uint8Array(CHUNK_BYTES);
      at = 0;
    }
    if (typeof piece !== 'string') {
      if (most > chunk.length) yield piece.slice();
      else {
        chunk.set(piece, at);
        at += most;
      }
    } else if (most > chunk.length) yield encoder.encode(piece);
    else at += encoder.encodeInto(piece, chunk.subarray(at)).written;
  }
  if (at > 0) yield chunk.subarray(0, at);
}

async function answer({ job, path, search, form, about, nowMs, newestSeries }: Extract<ToThread, { type: 'ask' }>): Promise<void> {
  const own: Job = { aborted: false, listeners: [], credit: CHUNKS_AHEAD, onCredit: null };
  jobs.set(job, own);
  const onCheck = (): void => {
    if (own.aborted || Atomics.load(flags, placeOfJob(job)) === job) throw new FaultlineError('cancelled', 'The query was cancelled.');
    Atomics.store(flags, COMPUTED, job);
  };
  try {
    const signal = {
      get aborted() {
        return own.aborted;
      },
      addEventListener: (_type: 'abort', listener: () => void) => void own.listeners.push(listener),
    };
    Atomics.store(flags, COMPUTED, job);
    const onProgress = (share: number): void => send({ type: 'progress', job, share });
    const means = { store: queries.of(job), book, signal, onCheck, onProgress, newestSeries, cache };
    const answered = path.startsWith('/console/') ? answerAlerting : answerRequest;
    const { status, text } = await answered({ path, search, form, about, nowMs }, means);
    let isFirst = true;
    const give = (bytes: Uint8Array<ArrayBuffer>, isLast: boolean): void => {
      send(isFirst ? { type: 'answer', job, status, bytes, isLast, cache: { ...cache.counts } } : { type: 'chunk', job, bytes, isLast }, [
        bytes.buffer,
      ]);
      isFirst = false;
      own.credit--;
    };
    let held: Uint8Array<ArrayBuffer> | null = null;
    for (const bytes of chunksOf(text)) {
      if (held) give(held, false);
      held = bytes;
      onCheck();
      while (own.credit <= 0) {
        Atomics.store(flags, COMPUTED, 0);
        await new Promise<void>((resolve) => {
          own.onCredit = resolve;
        });
        onCheck();
      }
    }
    give(held ?? new Uint8Array(0), true);
  } catch (error) {
    const known = error instanceof FaultlineError ? error : null;
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    send({ type: 'failed', job, code: known?.code ?? 'internal', message, ...(known ? {} : { stack }) });
  } finally {
    jobs.delete(job);
    Atomics.store(flags, COMPUTED, 0);
  }
}

port.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'ask':
      cache.drop(message.changedSinceMs);
      void answer(message);
      break;
    case 'rows':
    case 'rows-failed':
      // It goes on as soon as this is done: what it does until it waits again is its.
      Atomics.store(flags, COMPUTED, queries.hear(message));
      break;
    case 'more': {
      const job = jobs.get(message.job);
      if (!job) return;
      job.credit++;
      job.onCredit?.();
      break;
    }
    case 'cancel': {
      const job = jobs.get(message.job);
      if (!job || job.aborted) return;
      job.aborted = true;
      for (const listener of job.listeners) listener();
      job.onCredit?.();
    }
  }
});
