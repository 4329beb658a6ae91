import { readLength, readTag, readVarint, skipField, WIRE_BYTES, type WireInput } from './wire.ts';

/** Small messages of other protocols, field by field; OTLP's own way is decode.ts. */
export type OnField = (number: number, wireType: number, start: number, end: number) => void;

/** Calls `on` for each field of [input.pos, end) with where its value lies; it may move `input.pos`. */
export function eachField(input: WireInput, end: number, on: OnField): void {
  while (input.pos < end) {
    const tag = readTag(input, end);
    let start = input.pos;
    skipField(input, tag, end);
    const next = input.pos;
    if ((tag & 7) === WIRE_BYTES) {
      input.pos = start;
      start = next - readLength(input, end);
    }
    on(tag >>> 3, tag & 7, start, next);
    input.pos = next;
  }
}
/** The varint at `start` as 64 unsigned bits. */
export function varintAt(input: WireInput, start: number, end: number): bigint {
  input.pos = start;
  readVarint(input, end);
  return (BigInt(input.hi) << 32n) | BigInt(input.lo);
}
