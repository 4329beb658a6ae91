import type { IncomingMessage } from 'node:http';
import type { BufferPool } from '#collectors/pipeline/buffer-pool.ts';
import type { MemoryBudget, Reservation } from '#collectors/pipeline/memory-budget.ts';
import { Refusal } from './receiver-refusal.ts';

export interface BodyOptions {
  readonly maxBytes: number;
  readonly pool: BufferPool;
  readonly budget: MemoryBudget;
}
/** A request body in lent memory. */
export interface HttpBody {
  readonly bytes: Uint8Array;
  /** Gives memory and budget back; `bytes` must not be read after. */
  free(): void;
}
/** The sender went away before its body was whole. */
export class SenderGone extends Error {}

/** A declared length up to here gets its memory at once; more only as it really arrives, or sixteen idle senders hold it all. */
const TRUSTED_BYTES = 1024 * 1024;
const FIRST_BYTES = 64 * 1024;

/** @returns declared length, null when the body is chunked */
export function declaredLength(request: IncomingMessage): number | null {
  const header = request.headers['content-length'];
  return header === undefined ? null : Number(header);
}

/** Collects the body. @throws Refusal body_too_large, backpressure; SenderGone */
export function readBody(request: IncomingMessage, options: BodyOptions): Promise<HttpBody> {
  const declared = declaredLength(request);
  const { maxBytes } = options;
  if (declared !== null && declared > maxBytes)
    return Promise.reject(new Refusal('body_too_large', `The body has ${declared} bytes, the limit is ${maxBytes}`));
  const collecting = new Collecting(options, declared);
  return collecting.run(request);
}

class Collecting {
  private readonly options: BodyOptions;
  private readonly reservation: Reservation | null;
  private buffer: Buffer;
  private length = 0;

  constructor(options: BodyOptions, declared: number | null) {
    this.options = options;
    const bytes = options.pool.sizeFor(declared !== null && declared <= TRUSTED_BYTES ? declared : FIRST_BYTES);
    this.reservation = options.budget.reserve(bytes);
    this.buffer = this.reservation ? options.pool.take(bytes) : Buffer.alloc(0);
  }
  run(request: IncomingMessage): Promise<HttpBody> {
    if (!this.reservation) return Promise.reject(new Refusal('backpressure'));
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        request.removeListener('data', take);
        this.free();
        reject(error);
      };
      const take = (chunk: Buffer): void => {
        const refusal = this.add(chunk);
        if (refusal) fail(refusal);
      };
      request.on('data', take);
      request.once('end', () => resolve({ bytes: this.buffer.subarray(0, this.length), free: () => this.free() }));
      request.once('error', () => fail(new SenderGone()));
      request.once('close', () => {
        if (!request.complete) fail(new SenderGone());
      });
    });
  }
  private add(chunk: Buffer): Refusal | null {
    const { maxBytes } = this.options;
    const length = this.length + chunk.length;
    if (length > maxBytes) return new Refusal('body_too_large', `The body has more than ${maxBytes} bytes`);
    if (length > this.buffer.length && !this.growTo(length)) return new Refusal('backpressure');
    chunk.copy(this.buffer, this.length);
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
  private free(): void {
    if (!this.reservation || this.buffer.length === 0) return;
    this.reservation.free();
    this.options.pool.give(this.buffer);
    this.buffer = Buffer.alloc(0);
  }
}
