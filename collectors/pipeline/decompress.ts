import zlib from 'node:zlib';
import type { ReasonCode } from '#contracts/reasons.ts';

export type ContentEncoding = 'identity' | 'gzip' | 'zstd';
/** The body does not become what it should: bad_compression or decompressed_too_large. */
export class DecompressError extends Error {
  readonly reason: Extract<ReasonCode, 'bad_compression' | 'decompressed_too_large'>;
  constructor(reason: DecompressError['reason'], message: string) {
    super(message);
    this.name = 'DecompressError';
    this.reason = reason;
  }
}
/**
 * Bodies that say they are this small are inflated on the spot: half the CPU of the thread pool's way there and back,
 * about a millisecond at most. One that lies about its size starts again on the pool.
 */
const INLINE_BYTES = 2 * 1024 * 1024;
const MIN_CHUNK_BYTES = 16 * 1024;
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** A frame may ask for this much memory before it shows a single byte: 32 MiB covers every level of the usual encoders. */
const ZSTD = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 25 } };
const MAX_FRAMES = 1_000;
const ZSTD_MAGIC = 0xfd2fb528;

/** @returns null when the header names something else, or more than one encoding */
export function parseContentEncoding(header: string | undefined): ContentEncoding | null {
  const name = (header ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return 'identity';
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  return name === 'zstd' ? 'zstd' : null;
}

/** Size the body claims to inflate to, untrusted; 0 = it does not say. */
export function claimedSize(body: Uint8Array, encoding: ContentEncoding): number {
  if (encoding === 'identity') return body.length;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (encoding === 'gzip') return body.length >= 18 ? view.getUint32(body.length - 4, true) : 0;
  return zstdFrameSize(view);
}
/** RFC 8878, 3.1.1.1: the optional content size of the first frame. */
function zstdFrameSize(view: DataView): number {
  if (view.byteLength < 18 || view.getUint32(0, true) !== ZSTD_MAGIC) return 0;
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  const form = descriptor >> 6;
  if (form === 0) return single ? view.getUint8(at) : 0;
  if (form === 1) return view.getUint16(at, true) + 256;
  return form === 2 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

function failureOf(error: unknown, encoding: ContentEncoding, maxBytes: number): DecompressError {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ERR_BUFFER_TOO_LARGE'
    ? new DecompressError('decompressed_too_large', `the ${encoding} body inflates to more than ${maxBytes} bytes`)
    : new DecompressError('bad_compression', `the body is not valid ${encoding}: ${message}`);
}
type Compressed = Exclude<ContentEncoding, 'identity'>;
interface Inflated {
  readonly bytes: Buffer;
  /** Input bytes used: node:zlib stops after the first zstd frame without a word. */
  readonly usedBytes: number;
}
interface WithInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}
interface Bounds {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}
const inflateOnPool = (body: Uint8Array, encoding: Compressed, bounds: Bounds): Promise<Inflated> =>
  new Promise((resolve, reject) => {
    const done = (error: Error | null, result: unknown): void => (error ? reject(error) : resolve(inflatedOf(result as WithInfo)));
    const options = { ...bounds, info: true };
    if (encoding === 'gzip') zlib.gunzip(body, options, done);
    else zlib.zstdDecompress(body, { ...options, ...ZSTD }, done);
  });
const inflatedOf = ({ buffer, engine }: WithInfo): Inflated => ({ bytes: buffer, usedBytes: engine.bytesWritten });
/** @returns null when it is larger than it said */
function inflateInline(body: Uint8Array, encoding: Compressed, bounds: Bounds): Inflated | null {
  const options = { ...bounds, info: true };
  try {
    const result: unknown = encoding === 'gzip' ? zlib.gunzipSync(body, options) : zlib.zstdDecompressSync(body, { ...options, ...ZSTD });
    return inflatedOf(result as WithInfo);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return null;
    throw error;
  }
}
async function inflate(body: Uint8Array, encoding: Compressed, maxBytes: number): Promise<Inflated> {
  const claimed = claimedSize(body, encoding);
  // One chunk a little larger than the output saves the copying together; a lie only costs more chunks.
  const chunkSize = Math.min(Math.max(claimed + 64, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES);
  if (claimed > 0 && claimed <= INLINE_BYTES && body.length <= INLINE_BYTES) {
    const inline = inflateInline(body, encoding, { maxOutputLength: Math.min(maxBytes, INLINE_BYTES), chunkSize });
    if (inline) return inline;
  }
  return inflateOnPool(body, encoding, { maxOutputLength: maxBytes, chunkSize });
}

/**
 * The whole body, inflated. Never holds more than maxBytes plus one chunk of output.
 * @throws DecompressError
 */
export async function decompress(body: Uint8Array, encoding: ContentEncoding, maxBytes: number): Promise<Uint8Array> {
  if (encoding === 'identity') {
    if (body.length > maxBytes) throw new DecompressError('decompressed_too_large', `${body.length} bytes, the limit is ${maxBytes}`);
    return body;
  }
  if (body.length === 0) throw new DecompressError('bad_compression', `the ${encoding} body is empty`);
  try {
    const first = await inflate(body, encoding, maxBytes);
    return first.usedBytes < body.length ? await inflateFrames(body, encoding, maxBytes, first) : first.bytes;
  } catch (error) {
    throw error instanceof DecompressError ? error : failureOf(error, encoding, maxBytes);
  }
}
/**
 * Frees what decompress() made of a compressed body, once nobody reads it any more: V8 weighs such memory against a heap of a few
 * megabytes and would mark all of that every hundred requests. Never a slice of memory shared with others: those are less
 * than half of it (Buffer.poolSize), and stay.
 */
export function freeInflated({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength * 2 > buffer.byteLength) buffer.transfer(0);
}
/** Frames after the first one (RFC 8878: their contents follow each other). */
async function inflateFrames(body: Uint8Array, encoding: Compressed, maxBytes: number, first: Inflated): Promise<Uint8Array> {
  const parts = [first.bytes];
  let sizeBytes = first.bytes.length;
  let at = first.usedBytes;
  while (at < body.length) {
    if (parts.length === MAX_FRAMES)
      throw new DecompressError('bad_compression', `the ${encoding} body has more than ${MAX_FRAMES} frames`);
    const frame = await inflate(body.subarray(at), encoding, Math.max(1, maxBytes - sizeBytes));
    if (frame.usedBytes === 0) throw new DecompressError('bad_compression', `the ${encoding} body has something else after a frame`);
    parts.push(frame.bytes);
    sizeBytes += frame.bytes.length;
    if (sizeBytes > maxBytes)
      throw new DecompressError('decompressed_too_large', `the ${encoding} body inflates to more than ${maxBytes} bytes`);
    at += frame.usedBytes;
  }
  return Buffer.concat(parts, sizeBytes);
}
