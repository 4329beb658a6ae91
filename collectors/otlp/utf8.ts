import { isUtf8 } from 'node:buffer';

/** true when no byte in [start, end) has its high bit set. Nearly all telemetry is ASCII, so words are ORed. */
export function isAscii(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let mask = 0;
  let p = start;
  for (const last = end - 8; p <= last; p += 8) mask |= view.getInt32(p, true) | view.getInt32(p + 4, true);
  if (end - start >= 8) {
    if (p < end) mask |= view.getInt32(end - 8, true) | view.getInt32(end - 4, true);
  } else for (; p < end; p++) mask |= (bytes[p] as number) & 0x80;
  return (mask & 0x80808080) === 0;
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
