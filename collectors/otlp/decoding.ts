import type { Dictionary } from '#contracts/columns.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';
import { OtlpError } from './otlp-error.ts';
import { TimeWindow } from './time-window.ts';
import { isValidUtf8, utf8CutLength } from './utf8.ts';
import type { WireInput } from './wire.ts';

/** What holds for every part of a body. */
export interface DecodeLimits {
  readonly receivedUnixNano: bigint;
  /** 0 = off. */
  readonly retentionSeconds: number;
  readonly limits: Pick<Limits, 'maxDepth' | 'maxAttributes' | 'maxAttributeBytes'>;
  /**
   * true: the batches are lent, their memory is used again by the next decodeOtlp with this dictionary. For callers
   * that copy rows at once, as the store's append does: saves the allocations and the collections they cause.
   */
  readonly lend?: boolean;
}
/** @see decodeOtlp */
export interface DecodeContext extends DecodeLimits {
  readonly dictionary: Dictionary;
}
/** Not the plain form (canonical.ts): thrown, caught once by decodeOtlp, which rewrites the body and starts again. */
export const IRREGULAR = new Error('BUG: irregular form seen outside decodeOtlp');

/** Reads go up to this far past the end of the body, so that words need no bounds of their own. */
const PADDING = 32;
/** Room for the texts nearly every body needs: a service name, a few letters and numbers. */
const FIRST_SCRATCH = 1024;
const MAX_KEPT_HEAP = 4 * 1024 * 1024;
const EMPTY = new Uint8Array(PADDING);
/** Text of 0 .. 999 as the word of a string cell: status codes, ports and counts are nearly always small. */
const SMALL_NUMBERS = Uint32Array.from({ length: 1000 }, (_, n) =>
  [...String(n)].reduce((word, digit, i) => word | (digit.charCodeAt(0) << (8 * i)), 0),
);

/**
 * What every part of one decode shares: the body, the scratch behind it in the same array (together the batch's
 * heap), counters, limits. Kept between calls for its hints; `begin` starts the next body.
 */
export class Decoding implements WireInput {
  /** The heap: body, padding, scratch. Replaced when the scratch grows; the body's part is the same in both. */
  bytes: Uint8Array = EMPTY;
  view: DataView = new DataView(EMPTY.buffer);
  pos = 0;
  lo = 0;
  hi = 0;
  bodyLength = 0;
  scratchEnd = 0;
  window = new TimeWindow(0n, 0);
  maxDepth = 32;
  maxAttributes = 256;
  maxAttributeBytes = 65_536;
  readonly dropped = new Map<string, number>();
  readonly noted = new Map<string, number>();
  private buffer: Buffer = Buffer.alloc(0);
  private scratchHint = 0;
  isLent = false;
  /** String table of a profiles request: [start, end) of each text in the heap; null for every other body. */
  strings: Uint32Array | null = null;

  /** Copies the body: journal buffers are reused by their owner, a batch's heap is not. */
  begin(body: Uint8Array, context: DecodeLimits): void {
    this.bodyLength = body.length;
    this.scratchEnd = body.length + PADDING;
    // The hint is a share of the body, so that a large body does not make every later small one allocate much.
    const capacity = this.scratchEnd + Math.ceil(body.length * this.scratchHint) + FIRST_SCRATCH;
    const keeps =
      this.isLent && context.lend === true && this.bytes.length >= capacity && this.bytes.length <= Math.max(MAX_KEPT_HEAP, capacity);
    if (!keeps) this.useHeap(Buffer.allocUnsafeSlow(capacity));
    this.isLent = context.lend === true;
    this.strings = null;
    this.bytes.set(body);
    this.bytes.fill(0, body.length, this.scratchEnd);
    this.window = new TimeWindow(context.receivedUnixNano, context.retentionSeconds);
    this.maxDepth = context.limits.maxDepth;
    this.maxAttributes = context.limits.maxAttributes;
    this.maxAttributeBytes = context.limits.maxAttributeBytes;
    this.dropped.clear();
    this.noted.clear();
  }
  /** The finished heap. */
  heap(): Uint8Array {
    const used = this.scratchEnd - this.bodyLength - PADDING;
    this.scratchHint = this.bodyLength > 0 ? Math.min(2, (used * 1.1) / this.bodyLength) : 0;
    const heap = this.bytes.subarray(0, this.scratchEnd);
    if (!this.isLent) this.useHeap(Buffer.alloc(0));
    return heap;
  }
  private useHeap(buffer: Buffer): void {
    this.buffer = buffer;
    // Not the Buffer itself: element access must always see the same hidden class.
    this.bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  drop(reason: ReasonCode): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
  }
  note(reason: ReasonCode): void {
    this.noted.set(reason, (this.noted.get(reason) ?? 0) + 1);
  }

  /** Reserves scratch. @returns its offset in the heap */
  private scratch(length: number): number {
    const at = this.scratchEnd;
    if (at + length + PADDING > this.bytes.length) {
      const old = this.bytes;
      this.useHeap(Buffer.allocUnsafeSlow(Math.max(at + length, Math.ceil(old.length * 1.5)) + PADDING));
      this.bytes.set(old.subarray(0, at));
    }
    this.scratchEnd = at + length;
    return at;
  }

  /** Where text `index` of the string table lies; empty for 0 and, noted, for one there is no such text of. */
  stringRange(index: number): readonly [start: number, end: number] {
    const { strings } = this;
    if (strings === null || index === 0) return [0, 0];
    if (index * 2 < strings.length) return [strings[index * 2] as number, strings[index * 2 + 1] as number];
    this.note('profile_index');
    return [0, 0];
  }
  /** Body bytes as text; what is not UTF-8 becomes U+FFFD. */
  text(start: number, end: number): string {
    return this.buffer.toString('utf8', start, end);
  }
  base64(start: number, end: number): string {
    return this.buffer.toString('base64', start, end);
  }

  /**
   * String cell (contracts/columns.ts) at word `at` of `cells` for bytes of the heap.
   * @throws OtlpError invalid_utf8
   */
  writeCell(cells: Uint32Array, at: number, start: number, length: number): void {
    const { view } = this;
    cells[at] = length;
    let mask = 0;
    if (length <= 12) {
      let a = 0;
      let b = 0;
      let c = 0;
      if (length > 8) {
        a = view.getInt32(start, true);
        b = view.getInt32(start + 4, true);
        c = view.getInt32(start + 8, true) & (-1 >>> (96 - length * 8));
      } else if (length > 4) {
        a = view.getInt32(start, true);
        b = view.getInt32(start + 4, true) & (-1 >>> (64 - length * 8));
      } else if (length > 0) a = view.getInt32(start, true) & (-1 >>> (32 - length * 8));
      cells[at + 1] = a;
      cells[at + 2] = b;
      cells[at + 3] = c;
      mask = a | b | c;
    } else {
      cells[at + 1] = view.getInt32(start, true);
      cells[at + 2] = start;
      cells[at + 3] = 0;
      const last = start + length - 8;
      for (let p = start; p < last; p += 8) mask |= view.getInt32(p, true) | view.getInt32(p + 4, true);
      mask |= view.getInt32(last, true) | view.getInt32(last + 4, true);
    }
    if ((mask & 0x80808080) !== 0) this.requireUtf8(start, length);
  }
  /** Cell of bytes that are not text. */
  writeBytesCell(cells: Uint32Array, at: number, start: number, length: number): void {
    const { view } = this;
    cells[at] = length;
    cells[at + 1] = view.getUint32(start, true);
    cells[at + 2] = start;
    cells[at + 3] = 0;
    if (length > 12) return;
    const inline = new Uint8Array(cells.buffer, cells.byteOffset + at * 4 + 4, 12);
    inline.fill(0);
    inline.set(this.bytes.subarray(start, start + length));
  }
  /** @throws OtlpError invalid_utf8 */
  requireUtf8(start: number, length: number): void {
    if (isValidUtf8(this.bytes, this.view, start, start + length)) return;
    throw new OtlpError('invalid_utf8', `a string at byte ${start} is not valid UTF-8`);
  }

  /** Cell of an attribute value or body: cut at the limit, between characters. */
  writeLimitedCell(cells: Uint32Array, at: number, start: number, length: number): void {
    if (length <= this.maxAttributeBytes) {
      this.writeCell(cells, at, start, length);
      return;
    }
    this.requireUtf8(start, length);
    this.note('attribute_too_long');
    this.writeCell(cells, at, start, utf8CutLength(this.bytes, start, this.maxAttributeBytes));
  }

  /** Cell of text that is not in the body. */
  writeText(cells: Uint32Array, at: number, text: string): void {
    const offset = this.scratch(Buffer.byteLength(text));
    const length = this.buffer.write(text, offset, 'utf8');
    this.writeCell(cells, at, offset, length);
    // An inline cell needs no heap.
    if (length <= 12) this.scratchEnd = offset;
  }
  writeLimitedText(cells: Uint32Array, at: number, text: string): void {
    const offset = this.scratch(Buffer.byteLength(text));
    const length = this.buffer.write(text, offset, 'utf8');
    this.writeLimitedCell(cells, at, offset, length);
    if ((cells[at] as number) <= 12) this.scratchEnd = offset;
  }

  /** Cell of the decimal digits of a signed 64-bit number in two halves. */
  writeInteger(cells: Uint32Array, at: number, lo: number, hi: number): void {
    if (hi === 0 && lo < 1000) {
      cells[at] = lo < 10 ? 1 : lo < 100 ? 2 : 3;
      cells[at + 1] = SMALL_NUMBERS[lo] as number;
      cells[at + 2] = 0;
      cells[at + 3] = 0;
    } else this.writeText(cells, at, integerText(lo, hi));
  }

  /** Cell of text that stands, ASCII, at the beginning of `text`. @param words the same memory */
  writeAscii(cells: Uint32Array, at: number, text: Uint8Array, words: Uint32Array, length: number): void {
    cells[at] = length;
    const a = words[0] as number;
    if (length <= 12) {
      cells[at + 1] = length >= 4 ? a : length === 0 ? 0 : a & (-1 >>> (32 - length * 8));
      cells[at + 2] = length >= 8 ? (words[1] as number) : length <= 4 ? 0 : (words[1] as number) & (-1 >>> (64 - length * 8));
      cells[at + 3] = length <= 8 ? 0 : (words[2] as number) & (-1 >>> (96 - length * 8));
      return;
    }
    const offset = this.scratch(length);
    const { bytes } = this;
    for (let i = 0; i < length; i++) bytes[offset + i] = text[i] as number;
    cells[at + 1] = a;
    cells[at + 2] = offset;
    cells[at + 3] = 0;
  }
}

/** Decimal digits of a signed 64-bit number. @param lo low half, unsigned @param hi high half, signed or unsigned */
export function integerText(lo: number, hi: number): string {
  const signed = hi | 0;
  if (signed >= -0x200000 && signed < 0x200000) return String(signed * 0x100000000 + (lo >>> 0));
  return String((BigInt(signed) << 32n) | BigInt(lo >>> 0));
}

/** Shortest decimal text that reads back as the same double; -0, NaN, Infinity and -Infinity by name. */
export const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
