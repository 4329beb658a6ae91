import type { Reservation } from '#collectors/pipeline/memory-budget.ts';
import { type Body, BodyBuffer, type BodyOptions } from './receiver-body.ts';
import { Refusal } from './receiver-refusal.ts';

/** Length-Prefixed-Message: one byte "compressed", four of length, then the message. Spec: grpc doc/PROTOCOL-HTTP2.md. */
const PREFIX_BYTES = 5;
const CHECK_SENDER = 'Check that the exporter speaks OTLP over gRPC.';

/** Prefix and message in one buffer. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/**
 * The one message of a unary call, out of DATA chunks cut anywhere. A message within one chunk is not copied at all, a
 * longer one once, into memory of the pool. One over the limit is refused at its prefix, before any of it is kept.
 */
export class MessageReader implements Body {
  /** The message is compressed as the call's grpc-encoding says. */
  compressed = false;
  private readonly options: BodyOptions;
  /** Bytes of a prefix cut by the end of a chunk. */
  private prefix: Buffer | null = null;
  /** Of the message, -1 before the prefix is whole. */
  private length = -1;
  private missing = 0;
  private whole: Buffer | null = null;
  private reservation: Reservation | null = null;
  private parts: BodyBuffer | null = null;

  constructor(options: BodyOptions) {
    this.options = options;
  }
  /** Anything has arrived. */
  get begun(): boolean {
    return this.prefix !== null || this.length >= 0;
  }
  /** @returns why the call must be refused */
  add(chunk: Buffer): Refusal | null {
    if (this.length < 0) return this.begin(this.prefix ? Buffer.concat([this.prefix, chunk]) : chunk);
    return this.append(chunk, 0);
  }
  private begin(bytes: Buffer): Refusal | null {
    if (bytes.length < PREFIX_BYTES) {
      this.prefix = bytes;
      return null;
    }
    this.prefix = null;
    const flag = bytes[0] as number;
    if (flag > 1) return new Refusal('malformed', `The first byte of the gRPC message is ${flag}, not 0 or 1`, CHECK_SENDER);
    this.compressed = flag === 1;
    this.length = bytes.readUInt32BE(1);
    this.missing = this.length;
    const { maxBytes, budget, connection, learn } = this.options;
    learn?.(bytes.subarray(PREFIX_BYTES), this.compressed);
    if (this.length > maxBytes) return new Refusal('body_too_large', `The message has ${this.length} bytes, the limit is ${maxBytes}`);
    if (this.length === bytes.length - PREFIX_BYTES) {
      // What is kept alive is all that came with it in one read of the socket.
      this.reservation = budget.reserve(bytes.buffer.byteLength, connection?.sender ?? null);
      if (!this.reservation) return new Refusal(budget.denial);
      this.missing = 0;
      this.whole = bytes.subarray(PREFIX_BYTES);
      return null;
    }
    return this.append(bytes, PREFIX_BYTES);
  }
  private append(chunk: Buffer, start: number): Refusal | null {
    const size = chunk.length - start;
    if (size === 0) return null;
    if (size > this.missing) return new Refusal('malformed', 'More than one message was sent in one call', CHECK_SENDER);
    this.parts ??= new BodyBuffer(this.options, this.length);
    if (!this.parts.hasMemory) return new Refusal(this.options.budget.denial);
    this.missing -= size;
    return this.parts.add(chunk, start);
  }
  /** The stream has ended. @returns why the call must be refused, null when `bytes` is its message */
  end(): Refusal | null {
    if (this.length < 0) return new Refusal('malformed', 'The call ended without a message', CHECK_SENDER);
    if (this.missing === 0) return null;
    const { length, missing } = this;
    return new Refusal('malformed', `The call ended after ${length - missing} of the ${length} bytes of its message`, CHECK_SENDER);
  }
  get bytes(): Buffer {
    return this.whole ?? this.parts?.bytes ?? Buffer.alloc(0);
  }
  free(): void {
    this.whole = null;
    this.reservation?.free();
    this.parts?.free();
  }
}
