import { totalmem } from 'node:os';
import { FaultlineError } from '#contracts/errors.ts';
import { bytesText } from '#contracts/figure-text.ts';
import type { QueryOptions, QueryResult, Store } from '#contracts/store.ts';
import { machine, usableMemoryBytes } from '#store/database/database.ts';
import { HOT_BUDGET_BYTES } from './ingest-loop.ts';

/** Bytes of this process at which queries are stopped, and at which it ends itself if they do not stop. */
export interface MemoryBudget {
  readonly stopBytes: number;
  readonly endBytes: number;
}
export interface MemoryGuardOptions {
  readonly budget: MemoryBudget;
  readonly log: (line: string) => void;
  /** Queries that do not hear: this process has to go. Called once, after the callers were told. */
  readonly endProcess: (says: string) => void;
  readonly rssBytes?: () => number;
}
/** Node, judgement and results under way, beside DuckDB's own limit and the hot rows. */
const REST_BYTES = 512 * 1024 ** 2;
/** Memory freed by DuckDB and V8 comes back late: a query gets at least this much beyond what was there before it. */
const LEAST_GROWTH_BYTES = 256 * 1024 ** 2;
/** Hostile SQL grew by up to 2.9 GB/s on one thread here: 30 MB between two looks. A look costs 10 microseconds. */
const POLL_MS = 10;
/** Time a stopped query gets to give memory back before the process ends: queries that hear took 0.4 to 1.3 s, growing little meanwhile. */
const GRACE_MS = 250;
/** The answers to the callers and the word to the supervisor leave first. */
const LAST_WORDS_MS = 100;

/** What DuckDB and the hot rows may have, and the rest; never more than half of the machine (to end: five eighths). */
export function memoryBudget(limitBytes: number, totalBytes = usableMemoryBytes(totalmem(), process.constrainedMemory())): MemoryBudget {
  const own = machine(totalBytes).memoryLimitBytes + HOT_BUDGET_BYTES + REST_BYTES;
  const stopBytes = limitBytes > 0 ? limitBytes : Math.min(own, totalBytes / 2);
  return { stopBytes, endBytes: stopBytes * 1.25 };
}

type Signal = NonNullable<QueryOptions['signal']>;
const either = (asked: Signal | undefined, enough: Signal): Signal =>
  asked === undefined
    ? enough
    : {
        get aborted() {
          return asked.aborted || enough.aborted;
        },
        addEventListener(type, listener) {
          for (const signal of [asked, enough]) signal.addEventListener(type, listener);
        },
      };

interface Running {
  readonly aborter: AbortController;
  readonly stopBytes: number;
  readonly refuse: (error: Error) => void;
}

/**
 * Watches the memory of this process while queries that somebody wrote are running. A cell grown by one call of a function
 * is outside of DuckDB's memory limit and deaf to its interrupts; when such a query takes too much the process ends on
 * purpose, before the kernel ends something else. Nothing is lost: the journal is read again.
 */
export class MemoryGuard {
  /** Queries stopped for their memory, by this or by DuckDB's own limit. */
  stopped = 0;
  private readonly options: MemoryGuardOptions;
  private readonly rss: () => number;
  private readonly running = new Set<Running>();
  private timer: NodeJS.Timeout | null = null;
  private stoppedAt: number | null = null;
  private ending = false;

  constructor(options: MemoryGuardOptions) {
    this.options = options;
    this.rss = options.rssBytes ?? process.memoryUsage.rss;
  }
  /** Runs a query with a signal that tells it to stop. @throws FaultlineError query_memory */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { budget } = this.options;
    const before = this.rss();
    if (before >= budget.endBytes || this.ending) {
      throw new FaultlineError('query_memory', `The engine holds ${bytesText(before)}: there is no memory for a query now.`);
    }
    const stopBytes = Math.min(budget.endBytes, Math.max(budget.stopBytes, before + LEAST_GROWTH_BYTES));
    const aborter = new AbortController();
    let running!: Running;
    const doom = new Promise<never>((_, reject) => {
      running = { aborter, stopBytes, refuse: reject };
    });
    this.running.add(running);
    this.timer ??= setInterval(() => this.look(), POLL_MS);
    try {
      return await Promise.race([work(aborter.signal), doom]);
    } catch (error) {
      const isMemory = error instanceof FaultlineError && error.code === 'query_memory';
      if (isMemory && !aborter.signal.aborted) this.tellStopped(error.message);
      if (isMemory || !aborter.signal.aborted) throw error;
      throw new FaultlineError('query_memory', this.says(stopBytes), { cause: error });
    } finally {
      this.running.delete(running);
      if (this.running.size === 0) this.rest();
    }
  }
  /** The same path for every statement somebody wrote, in the SQL screen or behind a figure. */
  userQuery(store: Pick<Store, 'userQuery'>, sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    return this.run((enough) => store.userQuery(sql, { ...options, signal: either(options.signal, enough) }));
  }
  private rest(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.stoppedAt = null;
  }
  private says(stopBytes: number): string {
    return `The query was stopped: with it the engine held more than ${bytesText(stopBytes)}.`;
  }
  private tellStopped(says: string): void {
    this.stopped++;
    this.options.log(`a SQL query is stopped: ${says}`);
  }
  /** Which of several queries grows cannot be seen from outside: all that are over their limit are stopped. */
  private look(): void {
    const rss = this.rss();
    for (const { aborter, stopBytes } of this.running) {
      if (rss < stopBytes || aborter.signal.aborted) continue;
      this.stoppedAt ??= performance.now();
      this.tellStopped(`the engine holds ${bytesText(rss)}, more than ${bytesText(stopBytes)}`);
      aborter.abort();
    }
    const graceOver = this.stoppedAt !== null && performance.now() - this.stoppedAt >= GRACE_MS;
    if (graceOver && rss >= this.options.budget.endBytes) this.end(rss);
  }
  private end(rss: number): void {
    if (this.ending) return;
    this.ending = true;
    const says = `A SQL query took the engine to ${bytesText(rss)} of memory and could not be stopped: the engine ended itself and was started again.`;
    for (const { refuse } of this.running) refuse(new FaultlineError('query_memory', says));
    setTimeout(() => this.options.endProcess(says), LAST_WORDS_MS);
  }
}
