import type { BufferPool } from '#collectors/pipeline/buffer-pool.ts';
import type { ContentEncoding } from '#collectors/pipeline/decompress.ts';
import type { MemoryBudget, Reservation } from '#collectors/pipeline/memory-budget.ts';
import type { SenderConnection, Senders } from '#collectors/pipeline/senders.ts';
import { firstServiceInJson, firstServiceOf } from './first-service.ts';
import { Refusal } from './receiver-refusal.ts';

export interface BodyOptions {
  readonly maxBytes: number;
  readonly pool: BufferPool;
  readonly budget: MemoryBudget;
  /** Whose share of the budget it takes; absent: nobody's. */
  readonly connection?: SenderConnection;
  /**
   * Where the connection has not told yet who sends: learns it from the first bytes of the body, as sent, which count apart from
   * the rest; of a compressed message of gRPC it is told so.
   */
  readonly learn?: Learn | null;
}
export type Learn = (bytes: Uint8Array, compressed: boolean) => void;
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
  private growth: Reservation | null = null;
  private buffer: Buffer;
  private length = 0;

  /** @param declared length the sender states, null when it does not */
  constructor(options: BodyOptions, declared: number | null) {
    this.options = options;
    const { connection, learn } = options;
    const trusted = learn ? FIRST_BYTES : TRUSTED_BYTES;
    const bytes = options.pool.sizeFor(declared !== null && declared <= trusted ? declared : FIRST_BYTES);
    this.reservation = options.budget.reserve(bytes, (learn ? connection?.newcomers : connection?.sender) ?? null);
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
    const { maxBytes, learn } = this.options;
    const length = this.length + end - start;
    if (length > maxBytes) return new Refusal('body_too_large', `The body has more than ${maxBytes} bytes`);
    if (this.length === 0 && learn && start === 0) learn(chunk.subarray(0, end), false);
    if (length > this.buffer.length && !this.growTo(length)) return new Refusal(this.options.budget.denial);
    chunk.copy(this.buffer, this.length, start, end);
    this.length = length;
    return null;
  }
  private growTo(length: number): boolean {
    const { pool, budget, connection } = this.options;
    const wanted = Math.max(length, this.buffer.length * 2);
    const missing = pool.sizeFor(wanted) - this.buffer.length;
    if (this.growth) {
      if (!this.growth.grow(missing)) return false;
    } else {
      this.growth = budget.reserve(missing, connection?.sender ?? null);
      if (!this.growth) return false;
    }
    const larger = pool.take(wanted);
    this.buffer.copy(larger, 0, 0, this.length);
    pool.give(this.buffer);
    this.buffer = larger;
    return true;
  }
  free(): void {
    if (!this.reservation || this.buffer.length === 0) return;
    this.reservation.free();
    this.growth?.free();
    this.options.pool.give(this.buffer);
    this.buffer = Buffer.alloc(0);
  }
}
/** @param encodingOf how the body is compressed, as far as it is OTLP; null: it tells nothing @returns null: the sender is known */
export function learnerOf(
  senders: Senders,
  connection: SenderConnection,
  encodingOf: (compressed: boolean) => ContentEncoding | 'json' | null,
): Learn | null {
  if (!connection.isNew) return null;
  return (bytes, compressed) => {
    const encoding = encodingOf(compressed);
    if (encoding !== null) senders.learn(connection, encoding === 'json' ? firstServiceInJson(bytes) : firstServiceOf(bytes, encoding));
  };
}
