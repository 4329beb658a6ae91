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
const ZSTD_MAGIC = 0xfd2fb528;
/** A block holds no more. */
const ZSTD_BLOCK_BYTES = 128 * 1024;
/** What the first block of a zstd frame (RFC 8878, 3.1.1) holds; nothing where it is not all there. */
function firstZstdBlock(body: Uint8Array): Uint8Array {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (body.length < 9 || view.getUint32(0, true) !== ZSTD_MAGIC) return new Uint8Array(0);
  const descriptor = view.getUint8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number) + sizeBytes;
  const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  // A block of one byte, repeated, tells no size of its own.
  const end = at + 3 + ((head >> 1) % 4 === 1 ? 1 : head >> 3);
  if (end > body.length) return new Uint8Array(0);
  const part = { finishFlush: zlib.constants.ZSTD_e_flush, maxOutputLength: ZSTD_BLOCK_BYTES };
  return zlib.zstdDecompressSync(body.subarray(0, end), { ...part, params: { [zlib.constants.ZSTD_d_windowLogMax]: 25 } });
}
/** The same of a body as sent; '' for what cannot be looked into cheaply. */
export function firstServiceOf(body: Uint8Array, encoding: ContentEncoding): string {
  if (encoding === 'identity') return firstService(body);
  try {
    if (encoding === 'zstd') return firstService(firstZstdBlock(body));
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
