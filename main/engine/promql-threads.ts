import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FaultlineError } from '#contracts/errors.ts';
import type { OtlpNaming } from '#contracts/settings.ts';
import type { SampleWatch, Store } from '#contracts/store.ts';
import {
  type About,
  type CacheCounts,
  COMPUTED,
  FLAG_BYTES,
  type FromThread,
  placeOfJob,
  type ThreadData,
  TIMEOUT_MS,
  type ToThread,
} from '#main/promql/messages.ts';

/** Threads at once. Another is started while those there are are at work on something long, so that a small query need not wait for it. */
const MAX_THREADS = 2;
const LONG_MS = 100;
/** Queries at once, and how many may wait for their turn. */
export const MAX_RUNNING = 20;
const MAX_WAITING = 500;
/** A thread nobody needs is ended: its labels are memory. */
const IDLE_MS = 300_000;
/** How much later than told a thread may end a query before it is ended itself. */
const GRACE_MS = 1_000;
/** A reader that takes nothing for so long has gone. */
const READER_MS = 60_000;
/** JavaScript's own memory of a thread; samples and rows are beside it and have limits of their own. */
const HEAP_MB = 1_024;

export interface PromqlRequest {
  /** Under /api/v1. */
  readonly path: string;
  readonly search: string;
  readonly form: string;
  readonly about?: About;
  readonly signal: AbortSignal;
  readonly onProgress?: (share: number) => void;
}
export interface PromqlAnswer {
  readonly status: number;
  /** The beginning of the JSON, or all of it. */
  readonly first: Uint8Array<ArrayBuffer>;
  /** What comes behind, as fast as it is read. */
  readonly rest: ReadableStream<Uint8Array> | null;
}
export interface PromqlCounts {
  started: number;
  /** Threads that had to be ended, or ended by themselves. */
  readonly ended: Record<'timeout' | 'cancelled' | 'memory' | 'crash', number>;
  answered: number;
  seconds: number;
  /** Samples that answers were made of, without reading them again and read. */
  readonly samples: Record<'reused' | 'read', number>;
}
export interface ThreadLimits {
  readonly heapMb?: number;
  readonly timeoutMs?: number;
  readonly graceMs?: number;
  readonly threads?: number;
  /** What has been at work longer is long. */
  readonly longMs?: number;
  readonly idleMs?: number;
}
const NO_CACHE: CacheCounts = { bytes: 0, reused: 0, read: 0 };
type Ended = keyof PromqlCounts['ended'];

interface Job {
  id: number;
  readonly request: PromqlRequest;
  readonly done: (answer: PromqlAnswer) => void;
  readonly fail: (error: Error) => void;
  /** Ends its statements. */
  readonly abort: AbortController;
  readonly onAbort: () => void;
  sentMs: number;
  tries: number;
  isAnswered: boolean;
  timer: NodeJS.Timeout | null;
  /** Chunks nobody has read yet. */
  readonly chunks: Uint8Array[];
  isWhole: boolean;
  reader: ReadableStreamDefaultController<Uint8Array> | null;
}
interface Thread {
  readonly worker: Worker;
  readonly flags: Int32Array;
  readonly jobs: Map<number, Job>;
  /** Of the samples it keeps. */
  readonly watch: SampleWatch;
  cache: CacheCounts;
  /** Why it is being ended. */
  ending: Ended | 'idle' | null;
  idle: NodeJS.Timeout | null;
}
/** Beside the bundle when this file is part of one, else the TypeScript source, which Node runs as it is. */
function threadEntry(here = import.meta.dirname): string {
  const bundled = join(here, 'promql.js');
  return existsSync(bundled) ? bundled : join(here, '../promql/main.ts');
}

/** PromQL is answered in threads of its own (main/promql): the engine's own thread, with the sockets, only reads the store for them. */
export class PromqlThreads {
  readonly counts: PromqlCounts = {
    started: 0,
    ended: { timeout: 0, cancelled: 0, memory: 0, crash: 0 },
    answered: 0,
    seconds: 0,
    samples: { reused: 0, read: 0 },
  };
  private readonly store: Store;
  private readonly otlpNaming: OtlpNaming | undefined;
  private readonly nowMs: () => number;
  private readonly log: (line: string) => void;
  private readonly limits: Required<ThreadLimits>;
  private readonly threads = new Set<Thread>();
  private readonly waiting: Job[] = [];
  private lastJob = 0;
  private isStopped = false;

  constructor(options: {
    readonly store: Store;
    readonly otlpNaming?: OtlpNaming | undefined;
    readonly nowMs: () => number;
    readonly log: (line: string) => void;
    readonly limits?: ThreadLimits;
  }) {
    this.store = options.store;
    this.otlpNaming = options.otlpNaming;
    this.nowMs = options.nowMs;
    this.log = options.log;
    const usual = { heapMb: HEAP_MB, timeoutMs: TIMEOUT_MS, graceMs: GRACE_MS, threads: MAX_THREADS, longMs: LONG_MS, idleMs: IDLE_MS };
    this.limits = { ...usual, ...options.limits };
  }
  get running(): number {
    let count = 0;
    for (const { jobs } of this.threads) count += jobs.size;
    return count;
  }
  get size(): number {
    return this.threads.size;
  }
  /** Bytes of samples the threads keep. */
  get cacheBytes(): number {
    let bytes = 0;
    for (const { cache } of this.threads) bytes += cache.bytes;
    return bytes;
  }
  /** @throws FaultlineError what is no matter of the request: see main/promql/answer-request.ts for what is answered as an error */
  ask(request: PromqlRequest): Promise<PromqlAnswer> {
    return new Promise<PromqlAnswer>((done, fail) => {
      if (this.isStopped || request.signal.aborted) return fail(cancelled());
      if (this.waiting.length >= MAX_WAITING) return fail(new FaultlineError('query_timeout', `${MAX_WAITING} queries wait already.`));
      const job: Job = {
        ...{ id: 0, request, done, fail, abort: new AbortController(), sentMs: 0, tries: 0, isAnswered: false },
        ...{ timer: null, chunks: [], isWhole: false, reader: null },
        onAbort: () => this.cancel(job),
      };
      request.signal.addEventListener('abort', job.onAbort, { once: true });
      this.waiting.push(job);
      this.sendWaiting();
    });
  }
  /** Ends all threads; what is not answered yet fails. */
  async stop(): Promise<void> {
    this.isStopped = true;
    for (const job of this.waiting.splice(0)) this.failed(job, cancelled());
    await Promise.all([...this.threads].map((thread) => this.end(thread, 'idle')));
  }

  private sendWaiting(): void {
    while (this.running < MAX_RUNNING) {
      const job = this.waiting.shift();
      if (!job) return;
      this.send(this.threadFor(), job);
    }
  }
  private threadFor(): Thread {
    const open = [...this.threads].filter(({ ending }) => ending === null);
    const free = open.find(({ jobs }) => jobs.size === 0);
    if (free) return free;
    const isLong = ({ jobs }: Thread): boolean => [...jobs.values()].some(({ sentMs }) => performance.now() - sentMs >= this.limits.longMs);
    if (open.length < this.limits.threads && open.every(isLong)) return this.start();
    return open.reduce((a, b) => (b.jobs.size < a.jobs.size || (b.jobs.size === a.jobs.size && isLong(a)) ? b : a));
  }
  private start(): Thread {
    const memory = new SharedArrayBuffer(FLAG_BYTES);
    const worker = new Worker(threadEntry(), {
      name: 'promql',
      workerData: { flags: memory, otlpNaming: this.otlpNaming } satisfies ThreadData,
      resourceLimits: { maxOldGenerationSizeMb: this.limits.heapMb },
    });
    worker.unref();
    const thread: Thread = {
      worker,
      flags: new Int32Array(memory),
      jobs: new Map(),
      watch: this.store.watchSamples(),
      cache: NO_CACHE,
      ending: null,
      idle: null,
    };
    this.threads.add(thread);
    this.counts.started++;
    worker.on('message', (message: FromThread) => this.hear(thread, message));
    worker.on('error', (error: NodeJS.ErrnoException) => {
      thread.ending ??= error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash';
      this.log(`a thread of PromQL ended: ${error.stack ?? error.message}`);
    });
    worker.on('exit', () => this.gone(thread));
    return thread;
  }
  private send(thread: Thread, job: Job): void {
    if (thread.idle) clearTimeout(thread.idle);
    thread.idle = null;
    const id = ++this.lastJob;
    job.id = id;
    job.sentMs = performance.now();
    job.timer = setTimeout(() => void this.end(thread, 'timeout'), this.limits.timeoutMs + this.limits.graceMs);
    job.timer.unref();
    thread.jobs.set(id, job);
    const { path, search, form, about = {} } = job.request;
    const newestSeries = this.store.dictionary.newestSeries ?? Number.POSITIVE_INFINITY;
    const changedSinceMs = thread.watch.changedSinceMs();
    this.post(thread, { type: 'ask', job: id, path, search, form, about, nowMs: this.nowMs(), newestSeries, changedSinceMs });
  }
  private post(thread: Thread, message: ToThread, memory: ArrayBuffer[] = []): void {
    thread.worker.postMessage(message, memory);
  }

  private hear(thread: Thread, message: FromThread): void {
    const job = thread.jobs.get(message.job);
    switch (message.type) {
      case 'query':
        void this.query(thread, job, message);
        break;
      case 'answer':
        if (job) this.answered(thread, job, message);
        break;
      case 'progress':
        job?.request.onProgress?.(message.share);
        break;
      case 'chunk':
        if (job) this.chunk(thread, job, message.bytes, message.isLast);
        break;
      case 'failed':
        if (!job) return;
        if (message.stack) this.log(`PromQL ${job.request.path}: ${message.stack}`);
        this.over(thread, job);
        this.failed(job, new FaultlineError(message.code, message.message));
    }
  }
  private async query(thread: Thread, job: Job | undefined, message: Extract<FromThread, { type: 'query' }>): Promise<void> {
    const { call, sql, timeoutMs, maxRows } = message;
    try {
      const result = await this.store.query(sql, [], {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(maxRows === undefined ? {} : { maxRows }),
        ...(job ? { signal: job.abort.signal } : {}),
      });
      const { parts, memory } = result.handOver();
      if (this.threads.has(thread)) this.post(thread, { type: 'rows', call, parts }, memory);
    } catch (error) {
      const code = error instanceof FaultlineError ? error.code : 'internal';
      if (this.threads.has(thread)) this.post(thread, { type: 'rows-failed', call, code, message: (error as Error).message });
    }
  }
  private answered(thread: Thread, job: Job, { status, bytes, isLast, cache }: Extract<FromThread, { type: 'answer' }>): void {
    this.counts.samples.reused += cache.reused - thread.cache.reused;
    this.counts.samples.read += cache.read - thread.cache.read;
    thread.cache = cache;
    job.isAnswered = true;
    if (job.timer) clearTimeout(job.timer);
    this.counts.answered++;
    this.counts.seconds += (performance.now() - job.sentMs) / 1000;
    if (isLast) this.over(thread, job);
    else this.awaitReader(thread, job);
    job.done({ status, first: bytes as Uint8Array<ArrayBuffer>, rest: isLast ? null : this.restOf(thread, job) });
    if (!isLast) this.post(thread, { type: 'more', job: job.id });
  }
  private restOf(thread: Thread, job: Job): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          job.reader = controller;
        },
        pull: () => this.give(thread, job),
        cancel: () => this.cancel(job),
      },
      { highWaterMark: 1 },
    );
  }
  private chunk(thread: Thread, job: Job, bytes: Uint8Array, isLast: boolean): void {
    job.chunks.push(bytes);
    job.isWhole = isLast;
    if (isLast) this.over(thread, job);
    this.give(thread, job);
  }
  /** Hands on what the reader has asked for. To hand it on makes it ask again, at once: this calls itself. */
  private give(thread: Thread, job: Job): void {
    while (job.reader && (job.reader.desiredSize ?? 0) > 0) {
      const chunk = job.chunks.shift();
      if (!chunk) break;
      if (thread.jobs.has(job.id)) {
        this.post(thread, { type: 'more', job: job.id });
        this.awaitReader(thread, job);
      }
      job.reader.enqueue(chunk);
    }
    if (!job.isWhole || job.chunks.length > 0) return;
    job.reader?.close();
    job.reader = null;
  }
  private awaitReader(thread: Thread, job: Job): void {
    if (job.timer) clearTimeout(job.timer);
    job.timer = setTimeout(() => {
      if (thread.jobs.has(job.id)) this.cancel(job);
    }, READER_MS);
    job.timer.unref();
  }

  /** Told to end; a thread that does not hear it is ended. */
  private cancel(job: Job): void {
    const at = this.waiting.indexOf(job);
    if (at >= 0) this.waiting.splice(at, 1);
    job.abort.abort();
    const thread = [...this.threads].find(({ jobs }) => jobs.has(job.id) && jobs.get(job.id) === job);
    if (!thread) {
      this.failed(job, cancelled());
      return;
    }
    Atomics.store(thread.flags, placeOfJob(job.id), job.id);
    this.post(thread, { type: 'cancel', job: job.id });
    setTimeout(() => {
      if (thread.jobs.get(job.id) === job) void this.end(thread, 'cancelled');
    }, this.limits.graceMs).unref();
  }
  private over(thread: Thread, job: Job): void {
    thread.jobs.delete(job.id);
    if (job.timer) clearTimeout(job.timer);
    job.request.signal.removeEventListener('abort', job.onAbort);
    this.sendWaiting();
    if (thread.jobs.size > 0 || thread.ending) return;
    if (thread.idle) clearTimeout(thread.idle);
    thread.idle = setTimeout(() => void this.end(thread, 'idle'), this.limits.idleMs);
    thread.idle.unref();
  }
  private failed(job: Job, error: Error): void {
    if (job.timer) clearTimeout(job.timer);
    job.request.signal.removeEventListener('abort', job.onAbort);
    if (!job.isAnswered) {
      job.fail(error);
      return;
    }
    const { reader } = job;
    job.reader = null;
    reader?.error(error);
  }
  private async end(thread: Thread, why: Ended | 'idle'): Promise<void> {
    thread.ending ??= why;
    await thread.worker.terminate();
  }
  /** A thread has ended: whose query it was at fails, the others are asked again, once. */
  private gone(thread: Thread): void {
    if (!this.threads.delete(thread)) return;
    thread.watch.end();
    if (thread.idle) clearTimeout(thread.idle);
    const why = thread.ending ?? 'crash';
    if (why !== 'idle') this.counts.ended[why]++;
    const guilty = Atomics.load(thread.flags, COMPUTED);
    for (const job of thread.jobs.values()) {
      if (job.timer) clearTimeout(job.timer);
      const isLate = why === 'timeout' && performance.now() - job.sentMs >= this.limits.timeoutMs;
      const isInnocent = guilty !== 0 && guilty !== job.id && !isLate && !job.abort.signal.aborted;
      if (isInnocent && !job.isAnswered && job.tries++ === 0 && !this.isStopped) this.waiting.unshift(job);
      else this.failed(job, why === 'idle' || job.abort.signal.aborted ? cancelled() : this.errorOf(why));
    }
    thread.jobs.clear();
    if (!this.isStopped) this.sendWaiting();
  }
  private errorOf(why: Ended): FaultlineError {
    switch (why) {
      case 'memory':
        return new FaultlineError('query_memory', `The query needed more memory than its thread may have (${this.limits.heapMb} MB).`);
      case 'timeout':
        return new FaultlineError('query_timeout', 'The query did not end in time.');
      case 'cancelled':
        return new FaultlineError('query_timeout', 'Another query that would not end took its thread down: ask again.');
      case 'crash':
        return new FaultlineError('internal', 'The thread that evaluated the query ended unexpectedly; the log says why.');
    }
  }
}
const cancelled = (): FaultlineError => new FaultlineError('cancelled', 'The query was cancelled.');
