import { createHash } from 'node:crypto';
import { createReadStream, ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { constants, createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { FILE_LIMITS } from '#contracts/file-formats.ts';

export type Compression = 'none' | 'gzip' | 'zstd';
/** What ends the reading of a file, with a code of contracts/reasons.ts. */
export class FileError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
export function compressionOf(bytes: Uint8Array): Compression {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd ? 'zstd' : 'none';
}

export interface FileHead {
  readonly compression: Compression;
  /** First bytes, decompressed and in UTF-8. */
  readonly bytes: Uint8Array;
  /** The file is not longer than that. */
  readonly whole: boolean;
  /** Why the content cannot be looked at; '' otherwise. */
  readonly problem: string;
}
/** The first bytes of a file as its readers will see them. */
export function headOf(raw: Uint8Array, isWholeFile: boolean): FileHead {
  const compression = compressionOf(raw);
  if (compression === 'none') return { compression, ...asUtf8(raw, isWholeFile), problem: '' };
  const maxOutputLength = 16 * 1024 * 1024;
  try {
    const plain =
      compression === 'gzip'
        ? gunzipSync(raw, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength })
        : zstdDecompressSync(raw, { finishFlush: constants.ZSTD_e_flush, maxOutputLength });
    const cut = isWholeFile && plain.length === 0 ? 'it does not decompress: nothing comes of it' : '';
    const problem = compressionOf(plain) === 'none' ? cut : 'the file is compressed twice';
    return { compression, ...asUtf8(plain, isWholeFile), problem };
  } catch (error) {
    // What becomes 64 times as long is no reason to refuse it: its reader has limits of its own.
    const large = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const plain = large ? firstOf(raw, compression) : new Uint8Array();
    return { compression, bytes: plain, whole: false, problem: large ? '' : `it does not decompress: ${(error as Error).message}` };
  }
}
/** A little of what expands very much: less of the input gives less. */
function firstOf(raw: Uint8Array, compression: Compression): Uint8Array {
  for (let length = raw.length >> 3; length >= 32; length >>= 3) {
    const head = headOf(raw.subarray(0, length), false);
    if (head.problem === '' && head.compression === compression && head.bytes.length > 0) return head.bytes;
  }
  return new Uint8Array();
}
export async function readHead(path: string): Promise<FileHead> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(FILE_LIMITS.headBytes);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    const { size } = await file.stat();
    return headOf(buffer.subarray(0, length), size <= length);
  } finally {
    await file.close();
  }
}

/** UTF-16 as PowerShell writes it, told by its byte order mark. */
function utf16Of(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
}
const BOM = [0xef, 0xbb, 0xbf];
const hasBom = (bytes: Uint8Array): boolean => BOM.every((byte, at) => bytes[at] === byte);
function asUtf8(bytes: Uint8Array, whole: boolean): { readonly bytes: Uint8Array; readonly whole: boolean } {
  const utf16 = utf16Of(bytes);
  if (utf16) return { bytes: new TextEncoder().encode(new TextDecoder(utf16).decode(bytes, { stream: !whole })), whole };
  return { bytes: hasBom(bytes) ? bytes.subarray(3) : bytes, whole };
}

export interface OpenFile {
  /** Bytes read from disk so far. */
  readBytes(): number;
  /** Content, decompressed, in UTF-8 where it was UTF-16. @throws FileError bad_compression, decompressed_too_large */
  content(): AsyncGenerator<Uint8Array>;
  close(): void;
}
export interface OpenOptions {
  /** As it lies on disk. */
  readonly raw?: boolean;
  /** Bytes of the file that are read: what is written behind them meanwhile is another content. */
  readonly bytes?: number | undefined;
}
export function openFile(path: string, { raw = false, bytes = Number.POSITIVE_INFINITY }: OpenOptions = {}): OpenFile {
  const file = bytes === 0 ? Readable.from([]) : createReadStream(path, { highWaterMark: 256 * 1024, end: bytes - 1 });
  const read = (): number => (file instanceof ReadStream ? file.bytesRead : 0);
  return { readBytes: read, content: () => contentOf(file, { raw }), close: () => void file.destroy() };
}
/** Content of a stream of file bytes. */
export async function* contentOf(
  file: Readable,
  { raw = false, maxBytes = FILE_LIMITS.plainBytes }: { readonly raw?: boolean; readonly maxBytes?: number } = {},
): AsyncGenerator<Uint8Array> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let total = 0;
  try {
    let first = true;
    for await (const chunk of raw ? (file as AsyncIterable<Buffer>) : await inflate(file)) {
      total += chunk.length;
      if (total > maxBytes) throw new FileError('decompressed_too_large', `the content is over ${maxBytes} bytes`);
      let bytes: Uint8Array = chunk;
      if (first && !raw) {
        first = false;
        const utf16 = utf16Of(bytes);
        if (utf16) decoder = new TextDecoder(utf16);
        else if (hasBom(bytes)) bytes = bytes.subarray(3);
      }
      yield decoder ? new TextEncoder().encode(decoder.decode(bytes, { stream: true })) : bytes;
    }
    if (decoder) yield new TextEncoder().encode(decoder.decode());
  } catch (error) {
    if (error instanceof FileError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw /^(?:Z_|ZSTD|ERR_)/.test(code)
      ? new FileError('bad_compression', `the content does not decompress after ${total} bytes: ${(error as Error).message}`)
      : new FileError('unreadable', (error as Error).message);
  } finally {
    file.destroy();
  }
}
/** By its first bytes, which stay in the stream. */
async function inflate(file: Readable): Promise<AsyncIterable<Buffer>> {
  const chunks = (file as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const begin: Buffer[] = [];
  // Long enough for every mark at the beginning.
  while (begin.reduce((sum, each) => sum + each.length, 0) < 4) {
    const { done, value } = await chunks.next();
    if (done) break;
    begin.push(value);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (begin.length > 0) yield Buffer.concat(begin);
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  const compression = compressionOf(Buffer.concat(begin));
  if (compression === 'none') return all();
  const inflater = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  // Errors of either end arrive at who reads.
  return pipeline(Readable.from(all()), inflater, () => undefined);
}

/** Lets a long reading rest or end from outside. */
export interface ReadControl {
  readonly paused: Promise<void> | null;
  readonly cancelled: boolean;
}
export interface HashOptions extends Pick<OpenOptions, 'bytes'> {
  readonly control?: ReadControl;
}
/**
 * SHA-256 of the content: a file and its compressed copy are the same import. What does not decompress to its end is known by its own
 * bytes. @throws Error when it is cancelled
 */
export async function hashFile(path: string, { bytes, control }: HashOptions = {}): Promise<string> {
  try {
    return await hashOf(openFile(path, { bytes }), control);
  } catch (error) {
    if (!(error instanceof FileError) || error.reason !== 'bad_compression') throw error;
    return hashOf(openFile(path, { bytes, raw: true }), control);
  }
}
async function hashOf(file: OpenFile, control?: ReadControl): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.content()) {
    await control?.paused;
    if (control?.cancelled) throw new Error('cancelled');
    hash.update(chunk);
  }
  return hash.digest('hex');
}
