import { type FileHandle, open } from 'node:fs/promises';
import { BrokenChunk } from './bit-reader.ts';

/** The index of a TSDB block, version 2: prometheus/tsdb/docs/format/index.md. Read series by series in the order they stand. */
const MAGIC = 0xbaaad700;
const TOC_BYTES = 52;
const MAX_SYMBOL_BYTES = 512 * 1024 * 1024;

export interface IndexedChunk {
  readonly minMs: number;
  readonly maxMs: number;
  /** Number of the chunk file (from 0) and offset in it. */
  readonly file: number;
  readonly offset: number;
}
export interface IndexedSeries {
  /** As tombstones name it. */
  readonly ref: number;
  readonly labels: readonly (readonly [string, string])[];
  readonly chunks: readonly IndexedChunk[];
}
class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  uvarint(): number {
    const big = this.uvarint64();
    if (big > BigInt(Number.MAX_SAFE_INTEGER)) throw new BrokenChunk('the index says a number that cannot be');
    return Number(big);
  }
  uvarint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new BrokenChunk('the index is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new BrokenChunk('the index says a number of more than 64 bits');
  }
  varint(): number {
    const value = this.uvarint64();
    return Number(value & 1n ? -(value >> 1n) - 1n : value >> 1n);
  }
}
async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(buffer, at, length - at, offset + at);
    if (bytesRead === 0) throw new BrokenChunk('the index is cut off');
    at += bytesRead;
  }
  return buffer;
}
/** Where symbols and series begin, and the series end. */
async function readToc(file: FileHandle): Promise<{ readonly symbols: number; readonly series: number; readonly end: number }> {
  const { size } = await file.stat();
  if (size < TOC_BYTES + 5) throw new BrokenChunk('the index is too short to be one');
  const head = await readAt(file, 0, 5);
  if (head.readUInt32BE(0) !== MAGIC) throw new BrokenChunk('the index does not begin as one');
  if (head[4] !== 2) throw new BrokenChunk(`the index is of version ${head[4]}, only 2 is read`);
  const toc = await readAt(file, size - TOC_BYTES, TOC_BYTES);
  const offsets = Array.from({ length: 6 }, (_, i) => Number(toc.readBigUInt64BE(i * 8)));
  const [symbols = 0, series = 0] = offsets;
  const end = Math.min(size - TOC_BYTES, ...offsets.filter((each) => each > series));
  if (symbols < 5 || symbols >= size || series < symbols || end > size)
    throw new BrokenChunk('the table of contents of the index points outside of it');
  return { symbols, series, end };
}
async function readSymbols(file: FileHandle, at: number): Promise<string[]> {
  const head = await readAt(file, at, 8);
  const length = head.readUInt32BE(0);
  const count = head.readUInt32BE(4);
  if (length > MAX_SYMBOL_BYTES) throw new BrokenChunk(`the symbols of the index take ${length} bytes`);
  const bytes = await readAt(file, at + 8, Math.max(0, length - 4));
  const cursor = new Cursor(bytes);
  const symbols: string[] = [];
  for (let i = 0; i < count; i++) {
    const size = cursor.uvarint();
    if (cursor.at + size > bytes.length) throw new BrokenChunk('the symbols of the index are cut off');
    symbols.push(bytes.toString('utf8', cursor.at, cursor.at + size));
    cursor.at += size;
  }
  return symbols;
}
const PIECE = 1024 * 1024;

/** @param path of the index file @throws BrokenChunk */
export async function* readIndex(path: string): AsyncGenerator<IndexedSeries> {
  const file = await open(path);
  try {
    const { symbols: symbolsAt, series, end } = await readToc(file);
    const symbols = await readSymbols(file, symbolsAt);
    let piece: Uint8Array = new Uint8Array();
    let from = series;
    /** Bytes of the index from `at`, at least `length` where there are as many. */
    const need = async (at: number, length: number): Promise<Cursor> => {
      if (at < from || at + length > from + piece.length) {
        piece = await readAt(file, at, Math.min(Math.max(PIECE, length), end - at));
        from = at;
      }
      return new Cursor(piece, at - from);
    };
    for (let at = series; at < end; ) {
      // Entries begin at multiples of sixteen.
      at = Math.ceil(at / 16) * 16;
      if (at >= end) break;
      const head = await need(at, Math.min(10, end - at));
      const start = head.at;
      const length = head.uvarint();
      if (length === 0) break;
      const lengthBytes = head.at - start;
      if (at + lengthBytes + length + 4 > end + 16) throw new BrokenChunk('a series of the index is cut off');
      const cursor = await need(at, lengthBytes + length);
      cursor.at += lengthBytes;
      yield readSeries(cursor, symbols, at / 16);
      at += lengthBytes + length + 4;
    }
  } finally {
    await file.close();
  }
}
function readSeries(cursor: Cursor, symbols: readonly string[], ref: number): IndexedSeries {
  const symbol = (): string => {
    const text = symbols[cursor.uvarint()];
    if (text === undefined) throw new BrokenChunk('a label of the index is no symbol');
    return text;
  };
  const count = cursor.uvarint();
  if (count > 10_000) throw new BrokenChunk(`a series of the index has ${count} labels`);
  const labels = Array.from({ length: count }, () => [symbol(), symbol()] as const);
  const chunkCount = cursor.uvarint();
  if (chunkCount > 1_000_000) throw new BrokenChunk(`a series of the index has ${chunkCount} chunks`);
  const chunks: IndexedChunk[] = [];
  let maxMs = 0;
  let chunkRef = 0n;
  for (let i = 0; i < chunkCount; i++) {
    const minMs = i === 0 ? cursor.varint() : maxMs + cursor.uvarint();
    maxMs = minMs + cursor.uvarint();
    chunkRef = i === 0 ? cursor.uvarint64() : chunkRef + BigInt(cursor.varint());
    chunks.push({ minMs, maxMs, file: Number(chunkRef >> 32n), offset: Number(chunkRef & 0xffffffffn) });
  }
  return { ref, labels, chunks };
}
