import { OtlpError } from './otlp-error.ts';

/**
 * Reading protobuf's wire format by hand (https://protobuf.dev/programming-guides/encoding/). A `WireInput` is the
 * bytes, a view of the same bytes, and out-registers: returning an object per number would cost more than the read.
 */
export interface WireInput {
  bytes: Uint8Array;
  view: DataView;
  /** Where the last read ended. */
  pos: number;
  /** Low and high 32 bits of the last varint, unsigned. */
  lo: number;
  hi: number;
}
export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

export const malformed = (what: string, at: number): OtlpError => new OtlpError('malformed', `${what} at byte ${at}`);

/** Input over a body as received; reads past its end are refused by the functions below. */
export function wireInput(body: Uint8Array): WireInput {
  return { bytes: body, view: new DataView(body.buffer, body.byteOffset, body.byteLength), pos: 0, lo: 0, hi: 0 };
}

/**
 * Varint of up to ten bytes at `input.pos`, not reading at or past `end`. Bits above 64 are lost, as in every protobuf.
 * @returns low 32 bits, unsigned; `input.lo`, `input.hi` hold all 64
 */
export function readVarint(input: WireInput, end: number): number {
  const { bytes } = input;
  let p = input.pos;
  let lo = 0;
  let hi = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (p >= end) throw malformed('a number is cut off', p);
    const byte = bytes[p++] as number;
    const bits = byte & 0x7f;
    if (shift < 28) lo |= bits << shift;
    else if (shift === 28) {
      lo |= bits << 28;
      hi = bits >>> 4;
    } else if (shift < 63) hi |= bits << (shift - 32);
    else hi |= bits << 31;
    if (byte < 0x80) {
      input.pos = p;
      input.lo = lo >>> 0;
      input.hi = hi >>> 0;
      return lo >>> 0;
    }
  }
  throw malformed('a number is longer than ten bytes', p);
}

/** Field number and wire type. Groups, reserved wire types, number 0 and numbers over 2^29 - 1 are refused. */
export function readTag(input: WireInput, end: number): number {
  const at = input.pos;
  const tag = readVarint(input, end);
  if (input.hi !== 0 || input.pos - at > 5) throw malformed('a field number is out of range', at);
  if (tag < 8) throw malformed('field number 0', at);
  return tag;
}

/** Length of a length-delimited field; `input.pos` is then its first byte and the field lies before `end`. */
export function readLength(input: WireInput, end: number): number {
  const at = input.pos;
  const length = readVarint(input, end);
  if (input.hi !== 0 || length > end - input.pos) throw malformed('a length runs past the end', at);
  return length;
}

/** Steps over the value of a field nobody knows. */
export function skipField(input: WireInput, tag: number, end: number): void {
  const at = input.pos;
  switch (tag & 7) {
    case WIRE_VARINT:
      readVarint(input, end);
      return;
    case WIRE_FIXED64:
      if (end - at < 8) throw malformed('a 64-bit number is cut off', at);
      input.pos = at + 8;
      return;
    case WIRE_BYTES: {
      const length = readLength(input, end);
      input.pos += length;
      return;
    }
    case WIRE_FIXED32:
      if (end - at < 4) throw malformed('a 32-bit number is cut off', at);
      input.pos = at + 4;
      return;
    default:
      throw malformed(`wire type ${tag & 7} (groups are not part of proto3)`, at);
  }
}
