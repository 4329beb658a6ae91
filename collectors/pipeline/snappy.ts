import { DecompressError } from './decompress.ts';

/**
 * One snappy block (not the framed format), as remote write sends it: a varint with the length, then literals and copies.
 * Format: https://github.com/google/snappy/blob/main/format_description.txt
 */
const broken = (what: string, at: number): DecompressError =>
  new DecompressError('bad_compression', `the snappy body ${what} at byte ${at}`);
/** Left readable behind the content, and written over by copies of eight bytes. */
const MARGIN = 32;
const FIRST_BYTES = 256 * 1024;
const MAX_KEPT_BYTES = 8 * 1024 * 1024;
/** No block of so many bytes becomes more: a copy of 64 takes three. */
const MAX_RATIO = 22;

export interface SnappyHead {
  /** Length of the content as stated; a lie is found while decoding. */
  readonly plainBytes: number;
  /** Where the elements begin. */
  readonly start: number;
}

/** @throws DecompressError bad_compression; decompressed_too_large when the stated length is over `maxBytes` */
export function snappyHead(body: Uint8Array, maxBytes: number): SnappyHead {
  let plainBytes = 0;
  for (let at = 0; at < 5; at++) {
    const byte = body[at];
    if (byte === undefined) throw broken('is cut off in its length', at);
    plainBytes += (byte & 0x7f) * 2 ** (7 * at);
    if (byte >= 0x80) continue;
    if (plainBytes > 0xffff_ffff) break;
    if (plainBytes > maxBytes)
      throw new DecompressError('decompressed_too_large', `the snappy body inflates to ${plainBytes} bytes, the limit is ${maxBytes}`);
    if (plainBytes > (body.length - at - 1) * MAX_RATIO) throw broken('is too short for the length it states', at);
    return { plainBytes, start: at + 1 };
  }
  throw broken('states a length over 32 bits', 0);
}

/**
 * Decodes into `into`, which must hold `plainBytes` and 16 more; never writes beyond that. Eight bytes move as one bigint, which V8
 * keeps in a register: a third less time than two numbers of 32 bits.
 * @throws DecompressError bad_compression
 */
export function decodeSnappy(body: Uint8Array, { plainBytes, start }: SnappyHead, into: Uint8Array): void {
  const from = new DataView(body.buffer, body.byteOffset, body.length);
  const to = new DataView(into.buffer, into.byteOffset, into.length);
  const end = body.length;
  let p = start;
  let out = 0;
  while (p < end) {
    const tag = body[p++] as number;
    if ((tag & 3) === 0) {
      let length = (tag >>> 2) + 1;
      // Short literals between copies are most elements of a series list.
      if (length <= 16 && p + 16 <= end && length <= plainBytes - out) {
        to.setBigUint64(out, from.getBigUint64(p, true), true);
        if (length > 8) to.setBigUint64(out + 8, from.getBigUint64(p + 8, true), true);
      } else {
        if (length > 60) {
          const bytes = length - 60;
          if (p + bytes > end) throw broken('is cut off', p);
          length = 1;
          for (let i = 0; i < bytes; i++) length += (body[p++] as number) * 2 ** (8 * i);
        }
        if (length > end - p) throw broken('is cut off', p);
        if (length > plainBytes - out) throw broken('is longer than it states', p);
        if (length < 64) for (let i = 0; i < length; i++) into[out + i] = body[p + i] as number;
        else into.set(body.subarray(p, p + length), out);
      }
      p += length;
      out += length;
      continue;
    }
    let length: number;
    let distance: number;
    if ((tag & 3) === 1) {
      if (p >= end) throw broken('is cut off', p);
      length = ((tag >>> 2) & 7) + 4;
      distance = ((tag >>> 5) << 8) | (body[p++] as number);
    } else if ((tag & 3) === 2) {
      if (p + 2 > end) throw broken('is cut off', p);
      length = (tag >>> 2) + 1;
      distance = (body[p] as number) | ((body[p + 1] as number) << 8);
      p += 2;
    } else {
      if (p + 4 > end) throw broken('is cut off', p);
      length = (tag >>> 2) + 1;
      distance = from.getUint32(p, true);
      p += 4;
    }
    if (distance === 0 || distance > out) throw broken('copies from before its beginning', p);
    if (length > plainBytes - out) throw broken('is longer than it states', p);
    const source = out - distance;
    if (distance >= 8) {
      for (let i = 0; i < length; i += 8) to.setBigUint64(out + i, to.getBigUint64(source + i, true), true);
    } else for (let i = 0; i < length; i++) into[out + i] = into[source + i] as number;
    out += length;
  }
  if (out !== plainBytes) throw broken('ends before the length it states', end);
}

/** Memory for inflated bodies, used again; after a very large one it is given back. */
export class SnappyBuffer {
  /** Readable for 32 bytes past the content. */
  bytes = new Uint8Array(FIRST_BYTES);
  length = 0;
  /** @throws DecompressError */
  fill(body: Uint8Array, maxBytes: number): void {
    const head = snappyHead(body, maxBytes);
    const needed = head.plainBytes + MARGIN;
    if (needed > this.bytes.length || this.bytes.length > Math.max(MAX_KEPT_BYTES, needed))
      this.bytes = new Uint8Array(Math.max(needed, FIRST_BYTES));
    decodeSnappy(body, head, this.bytes);
    this.length = head.plainBytes;
  }
}
