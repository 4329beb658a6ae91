import zlib from 'node:zlib';
import type { ContentEncoding } from '#collectors/pipeline/decompress.ts';

const KEY = Buffer.from('service.name');
const MAX_NAME_BYTES = 256;
/** Of a compressed body, this much is inflated for a look: resources stand first. */
const PEEK_BYTES = 2_048;

/** Reads a varint below 2^28 and moves on; -1 at the end of the bytes or for a larger one. */
class Peek {
  pos = 0;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.bytes[this.pos++];
      if (byte === undefined) return -1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }
  /** Into the length-delimited field `tag`, over others of its kind. @returns where it ends; -1: it does not come */
  enter(tag: number, end: number): number {
    while (this.pos < end) {
      const found = this.varint();
      if (found < 0 || (found & 7) !== 2) return -1;
      const length = this.varint();
      if (length < 0) return -1;
      if (found === tag) return Math.min(end, this.pos + length);
      this.pos += length;
    }
    return -1;
  }
}
/**
 * service.name of the first resource of an OTLP body, also of the beginning of one; '' when it is not where every SDK puts
 * it. Nothing depends on it but whose turn it is.
 */
export function firstService(body: Uint8Array): string {
  const peek = new Peek(body);
  const resources = peek.enter(0x0a, body.length);
  const resource = resources < 0 ? -1 : peek.enter(0x0a, resources);
  while (resource > 0) {
    const attribute = peek.enter(0x0a, resource);
    if (attribute < 0) return '';
    const keyEnd = peek.enter(0x0a, attribute);
    const key = keyEnd < 0 ? null : body.subarray(peek.pos, keyEnd);
    peek.pos = keyEnd < 0 ? attribute : keyEnd;
    if (key && KEY.equals(key)) {
      const value = peek.enter(0x12, attribute);
      const text = value < 0 ? -1 : peek.enter(0x0a, value);
      if (text < 0) return '';
      return Buffer.from(body.buffer, body.byteOffset + peek.pos, Math.min(text - peek.pos, MAX_NAME_BYTES)).toString('utf8');
    }
    peek.pos = attribute;
  }
  return '';
}
/** The same of a body as sent; '' for what cannot be looked into cheaply. */
export function firstServiceOf(body: Uint8Array, encoding: ContentEncoding): string {
  if (encoding === 'identity') return firstService(body);
  if (encoding !== 'gzip') return '';
  try {
    const head = zlib.gunzipSync(body.subarray(0, PEEK_BYTES), { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: 64 * 1024 });
    return firstService(head);
  } catch {
    return '';
  }
}
/** The same of OTLP/JSON, as far as it stands in the first bytes. */
export function firstServiceInJson(body: Uint8Array): string {
  const head = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, PEEK_BYTES)).toString('utf8');
  return /"service\.name"\s{0,9},\s{0,9}"value"\s{0,9}:\s{0,9}\{\s{0,9}"stringValue"\s{0,9}:\s{0,9}"([^"\\]{1,256})"/.exec(head)?.[1] ?? '';
}
