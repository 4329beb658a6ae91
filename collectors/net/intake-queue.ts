import { Refusal, refusalAnswer } from '#collectors/otlp/receiver-refusal.ts';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { MemoryBudget, Reservation } from '#collectors/pipeline/memory-budget.ts';

/** What came by a protocol without requests of its own waits here for a short time, so that one journal record holds many. */
export interface IntakeOptions<T> {
  /** Journals a batch; resolves once it is durable. @throws Refusal */
  readonly store: (batch: readonly T[], bytes: number) => Promise<void>;
  readonly account: SourceAccount;
  readonly budget: MemoryBudget;
  readonly log: (line: string) => void;
  /** How long the first of a batch waits. */
  readonly flushMs: number;
  /** A batch of this size goes at once. */
  readonly batchBytes: number;
  /** More is not taken in. */
  readonly maxBytes: number;
  /** What an item counts for when it is refused; 1 by default. */
  readonly countOf?: (item: T) => number;
}
/** What an item costs beside its bytes. */
const ITEM_BYTES = 256;
/** Of the memory budget, and a batch of the queue: an eighth. */
const QUEUE_SHARE = 8;
/** A batch the journal has no place for is offered again after this long. */
const RETRY_MS = 200;

interface Waiting<T> {
  readonly item: T;
  readonly bytes: number;
}
/**
 * One batch is under way at a time; what comes meanwhile waits, up to a size. A batch refused for now (disk full, journal
 * full) is kept and offered again: whoever cannot be told must not lose it.
 */
export class IntakeQueue<T> {
  private readonly options: IntakeOptions<T>;
  private waiting: Waiting<T>[] = [];
  private waitingBytes = 0;
  /** What waits and what is under way. */
  private readonly held: Reservation;
  private timer: NodeJS.Timeout | null = null;
  private going: Promise<void> | null = null;
  private roomListeners: (() => void)[] = [];
  private giveUpAtMs = Number.POSITIVE_INFINITY;

  constructor(options: IntakeOptions<T>) {
    // What waits must leave room for what storing it takes, or it would wait for ever.
    const maxBytes = Math.min(options.maxBytes, options.budget.maxBytes / QUEUE_SHARE);
    this.options = { ...options, maxBytes, batchBytes: Math.min(options.batchBytes, maxBytes / QUEUE_SHARE) };
    this.held = options.budget.reserve(0) as Reservation;
  }
  /** @returns false when there is no room: the item was not taken */
  add(item: T, bytes: number): boolean {
    const cost = bytes + ITEM_BYTES;
    if (this.held.bytes > 0 && this.held.bytes + cost > this.options.maxBytes) return false;
    if (!this.held.grow(cost)) return false;
    this.waiting.push({ item, bytes });
    this.waitingBytes += bytes;
    if (this.waitingBytes >= this.options.batchBytes) this.flushNow();
    else this.timer ??= setTimeout(() => this.flushNow(), this.options.flushMs);
    return true;
  }
  /** Once, when it is worth another try. */
  whenRoom(listener: () => void): void {
    this.roomListeners.push(listener);
    // Others may hold the memory: then no batch of ours will end.
    if (!this.going) setTimeout(() => this.tellRoom(), RETRY_MS);
  }
  private tellRoom(): void {
    const listeners = this.roomListeners;
    this.roomListeners = [];
    for (const listener of listeners) listener();
  }
  /** Stores what waits; what is not stored at the deadline is counted as refused. */
  async close(deadlineMs: number): Promise<void> {
    this.giveUpAtMs = performance.now() + deadlineMs;
    this.flushNow();
    while (this.going) await this.going;
  }

  private flushNow(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    if (this.going || this.waiting.length === 0) return;
    const { bytes, batch } = this.takeBatch();
    this.going = this.storeBatch(batch, bytes).finally(() => {
      this.held.shrink(bytes + batch.length * ITEM_BYTES);
      this.going = null;
      this.tellRoom();
      // Whatever waited through a whole batch waited long enough.
      this.flushNow();
    });
  }
  private takeBatch(): { readonly bytes: number; readonly batch: readonly T[] } {
    let taken = 0;
    let bytes = 0;
    while (taken < this.waiting.length && (taken === 0 || bytes + (this.waiting[taken] as Waiting<T>).bytes <= this.options.batchBytes))
      bytes += (this.waiting[taken++] as Waiting<T>).bytes;
    const batch = this.waiting.slice(0, taken).map(({ item }) => item);
    this.waiting = this.waiting.slice(taken);
    this.waitingBytes -= bytes;
    return { bytes, batch };
  }
  private async storeBatch(batch: readonly T[], bytes: number): Promise<void> {
    const { account, log, store, countOf = () => 1 } = this.options;
    for (;;) {
      try {
        await store(batch, bytes);
        return;
      } catch (error) {
        if (!(error instanceof Refusal)) log(`BUG: ${account.source}: ${(error as Error)?.stack ?? error}`);
        const refusal = error instanceof Refusal ? error : new Refusal('journal_failed', 'The batch failed inside');
        if (refusalAnswer(refusal.reason).retrySeconds === 0 || !(error instanceof Refusal) || performance.now() >= this.giveUpAtMs) {
          account.refuse(
            refusal.reason,
            refusal.sentence,
            batch.reduce((sum, item) => sum + countOf(item), 0),
          );
          return;
        }
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  }
}
