import { isUtf8 } from 'node:buffer';

const HIGH_BITS = 0x80808080;
/**
 * true when some byte in [start, end), at least four of them, has its high bit set. Words are ORed, sixteen bytes a turn:
 * the last turn overlaps the one before.
 */
export function hasHighBit(view: DataView, start: number, end: number): boolean {
  let mask = view.getInt32(end - 4, true);
  let p = start;
  if (end - start >= 16) {
    for (const last = end - 16; p < last; p += 16)
      mask |= view.getInt32(p, true) | view.getInt32(p + 4, true) | view.getInt32(p + 8, true) | view.getInt32(p + 12, true);
    mask |= view.getInt32(end - 16, true) | view.getInt32(end - 12, true) | view.getInt32(end - 8, true);
  } else for (const last = end - 4; p < last; p += 4) mask |= view.getInt32(p, true);
  return (mask & HIGH_BITS) !== 0;
}
/** Nearly all telemetry is ASCII. */
export function isAscii(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  if (end - start >= 4) return !hasHighBit(view, start, end);
  let mask = 0;
  for (let p = start; p < end; p++) mask |= bytes[p] as number;
  return mask < 0x80;
}

/** true when the bytes are UTF-8. Reads stay inside [start, end); only what is not ASCII costs a call. */
export function isValidUtf8(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  return isAscii(bytes, view, start, end) || isUtf8(bytes.subarray(start, end));
}

/** Largest length <= limit that does not cut a character in two. @param start first byte of valid UTF-8 text longer than `limit` */
export function utf8CutLength(bytes: Uint8Array, start: number, limit: number): number {
  let length = limit;
  while (length > 0 && ((bytes[start + length] as number) & 0xc0) === 0x80) length--;
  return length;
}
