import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** Bytes a compressed bill may become: a bomb must not keep the engine busy for hours. */
export const MAX_BILL_BYTES = 32 * 1024 ** 3;
export type BillCompression = 'none' | 'gzip' | 'zstd';
export interface BillHeader {
  readonly columns: readonly string[];
  readonly delimiter: string;
  readonly compression: BillCompression;
  readonly newLine: '\n' | '\r\n';
}
/** A header longer than this is no header. */
const MAX_HEADER_BYTES = 256 * 1024;
const DELIMITERS = [',', ';', '\t', '|'];

export function compressionOf(bytes: Uint8Array): BillCompression {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return 'zstd';
  return 'none';
}
/** First line of delimited text, quotes and a byte order mark taken off; null: not such text. */
export function parseHeader(text: string): Omit<BillHeader, 'compression'> | null {
  const end = text.search(/\r?\n/);
  const line = (end < 0 ? text : text.slice(0, end)).replace(/^\uFEFF/, '');
  if (line.includes('\0') || line.includes('\uFFFD')) return null;
  const delimiter = DELIMITERS.reduce((best, each) => (line.split(each).length > line.split(best).length ? each : best));
  const columns = line.split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  return { columns, delimiter, newLine: text[end] === '\r' ? '\r\n' : '\n' };
}
/** The header of a file on disk, compressed or not. null: no text; throws what the decompression throws. */
export async function readHeader(path: string): Promise<BillHeader | null> {
  let compression: BillCompression = 'none';
  for await (const chunk of createReadStream(path, { start: 0, end: 3 })) compression = compressionOf(chunk as Buffer);
  const file = createReadStream(path);
  const plain = compression === 'none' ? file : file.pipe(compression === 'gzip' ? createGunzip() : createZstdDecompress());
  // A pipe does not pass errors on: its end would be waited for without end.
  if (plain !== file) file.once('error', (error) => plain.destroy(error));
  const decoder = new StringDecoder('utf8');
  let text = '';
  try {
    for await (const chunk of plain) {
      text += decoder.write(chunk as Buffer);
      if (text.includes('\n') || text.length > MAX_HEADER_BYTES) break;
    }
  } finally {
    file.destroy();
    if (plain !== file) plain.destroy();
  }
  const parsed = text.length > MAX_HEADER_BYTES && !text.includes('\n') ? null : parseHeader(text);
  return parsed && { ...parsed, compression };
}

/** Reads a compressed file to its end: DuckDB takes one that is cut off for a short one. Throws what is wrong with it. */
export async function checkWhole(path: string, compression: BillCompression): Promise<void> {
  if (compression === 'none') return;
  let size = 0;
  const count = new Writable({
    write(chunk: Buffer, _, done) {
      size += chunk.length;
      done(size > MAX_BILL_BYTES ? new Error(`it becomes more than ${MAX_BILL_BYTES} bytes`) : null);
    },
  });
  await pipeline(createReadStream(path), compression === 'gzip' ? createGunzip() : createZstdDecompress(), count);
}
