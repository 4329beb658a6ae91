import type { BufferPool } from '#collectors/pipeline/buffer-pool.ts';
import type { MemoryBudget, Reservation } from '#collectors/pipeline/memory-budget.ts';
import { Refusal } from './receiver-refusal.ts';

export interface BodyOptions {
  readonly maxBytes: number;
  readonly pool: BufferPool;
  readonly budget: MemoryBudget;
}
/** A request body in lent memory. */
export interface Body {
  readonly bytes: Uint8Array;
  /** Gives memory and budget back; `bytes` must not be read after. Safe twice. */
  free(): void;
}

/** A declared length up to here gets its memory at once; more only as it really arrives, or sixteen idle senders hold it all. */
const TRUSTED_BYTES = 1024 * 1024;
const FIRST_BYTES = 64 * 1024;

/** A body that arrives in pieces, put together in memory of the pool that counts against the budget: each byte is copied once. */
export class BodyBuffer implements Body {
  private readonly options: BodyOptions;
  private readonly reservation: Reservation | null;
  private buffer: Buffer;
  private length = 0;

  /** @param declared length the sender states, null when it does not */
  constructor(options: BodyOptions, declared: number | null) {
    this.options = options;
    const bytes = options.pool.sizeFor(declared !== null && declared <= TRUSTED_BYTES ? declared : FIRST_BYTES);
    this.reservation = options.budget.reserve(bytes);
    this.buffer = this.reservation ? options.pool.take(bytes) : Buffer.alloc(0);
  }
  /** False: the budget is used up, nothing can be added. */
  get hasMemory(): boolean {
    return this.reservation !== null;
  }
  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
  /** Adds `chunk` from `start` to `end`. @returns why it cannot be added */
  add(chunk: Buffer, start = 0, end = chunk.length): Refusal | null {
    const { maxBytes } = this.options;
    const length = this.length + end - start;
    if (length > maxBytes) return new Refusal('body_too_large', `The body has more than ${maxBytes} bytes`);
    if (length > this.buffer.length && !this.growTo(length)) return new Refusal('backpressure');
    chunk.copy(this.buffer, this.length, start, end);
    this.length = length;
    return null;
  }
  private growTo(length: number): boolean {
    const { pool } = this.options;
    const wanted = Math.max(length, this.buffer.length * 2);
    if (!this.reservation?.grow(pool.sizeFor(wanted) - this.buffer.length)) return false;
    const larger = pool.take(wanted);
    this.buffer.copy(larger, 0, 0, this.length);
    pool.give(this.buffer);
    this.buffer = larger;
    return true;
  }
  free(): void {
    if (!this.reservation || this.buffer.length === 0) return;
    this.reservation.free();
    this.options.pool.give(this.buffer);
    this.buffer = Buffer.alloc(0);
  }
}
