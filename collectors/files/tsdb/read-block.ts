import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { FileReading, FileRecord } from '../file-record.ts';
import { NO_META, SampleBatch, sortLabels } from '../sample-batch.ts';
import { BrokenChunk } from './bit-reader.ts';
import { decodeHistogram, decodeXor, ENCODING } from './decode-chunk.ts';
import { type IndexedChunk, readIndex } from './read-index.ts';

/** A block of Prometheus' TSDB, as a snapshot holds several of: a folder with index, chunks and tombstones. */
export const isBlockFolder = (folder: string): boolean =>
  existsSync(path.join(folder, 'index')) && existsSync(path.join(folder, 'chunks')) && statSync(path.join(folder, 'chunks')).isDirectory();
/** Its files in a fixed order: what makes the block what it is. */
export function blockFiles(folder: string): string[] {
  const chunks = readdirSync(path.join(folder, 'chunks'))
    .filter((name) => /^\d{6}$/.test(name))
    .sort();
  const tombstones = existsSync(path.join(folder, 'tombstones')) ? ['tombstones'] : [];
  return ['index', ...chunks.map((name) => `chunks/${name}`), ...tombstones].map((name) => path.join(folder, name));
}
const CHUNK_MAGIC = 0x85bd40dd;
/** Length (at most five bytes), encoding, and what a chunk of 120 samples takes. */
const FIRST_READ = 1_024;
const MAX_CHUNK_BYTES = 64 * 1024 * 1024;

class ChunkFiles {
  private readonly folder: string;
  private readonly names: readonly string[];
  private readonly open = new Map<number, FileHandle>();
  constructor(folder: string) {
    this.folder = folder;
    this.names = readdirSync(path.join(folder, 'chunks'))
      .filter((name) => /^\d{6}$/.test(name))
      .sort();
  }
  async read({ file, offset }: IndexedChunk): Promise<{ readonly encoding: number; readonly data: Uint8Array }> {
    const handle = await this.file(file);
    let bytes = Buffer.alloc(FIRST_READ);
    const { bytesRead } = await handle.read(bytes, 0, FIRST_READ, offset);
    bytes = bytes.subarray(0, bytesRead);
    let length = 0;
    let at = 0;
    for (; at < 5; at++) {
      const byte = bytes[at];
      if (byte === undefined) throw new BrokenChunk('a chunk is cut off');
      length += (byte & 0x7f) * 2 ** (7 * at);
      if (byte < 0x80) break;
    }
    const start = at + 1;
    if (length > MAX_CHUNK_BYTES) throw new BrokenChunk(`a chunk says that it has ${length} bytes`);
    if (start + 1 + length > bytes.length) {
      bytes = Buffer.alloc(start + 1 + length);
      const again = await handle.read(bytes, 0, bytes.length, offset);
      if (again.bytesRead < bytes.length) throw new BrokenChunk('a chunk is cut off');
    }
    return { encoding: bytes[start] as number, data: bytes.subarray(start + 1, start + 1 + length) };
  }
  private async file(number: number): Promise<FileHandle> {
    const known = this.open.get(number);
    if (known) return known;
    const name = this.names[number];
    if (name === undefined) throw new BrokenChunk(`chunk file ${number + 1} is missing`);
    const handle = await open(path.join(this.folder, 'chunks', name));
    this.open.set(number, handle);
    const head = Buffer.alloc(8);
    await handle.read(head, 0, 8, 0);
    if (head.readUInt32BE(0) !== CHUNK_MAGIC || head[4] !== 1)
      throw new BrokenChunk(`chunks/${name} does not begin as a chunk file of version 1`);
    return handle;
  }
  async close(): Promise<void> {
    for (const handle of this.open.values()) await handle.close();
  }
}

type Interval = readonly [minMs: number, maxMs: number];
/** What was deleted and not yet compacted away: tsdb/docs/format/tombstones.md. */
function readTombstones(folder: string): Map<number, Interval[]> {
  const deleted = new Map<number, Interval[]>();
  const file = path.join(folder, 'tombstones');
  if (!existsSync(file)) return deleted;
  const bytes = readFileSync(file);
  if (bytes.length < 9 || bytes.readUInt32BE(0) !== 0x0130ba30 || bytes[4] !== 1) throw new BrokenChunk('tombstones does not begin as one');
  let at = 5;
  const uvarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new BrokenChunk('tombstones is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const varint = (): number => {
    const value = uvarint();
    return Number(value & 1n ? -(value >> 1n) - 1n : value >> 1n);
  };
  while (at < bytes.length - 4) {
    const ref = Number(uvarint());
    const interval: Interval = [varint(), varint()];
    deleted.set(ref, [...(deleted.get(ref) ?? []), interval]);
  }
  return deleted;
}

/** Samples and integer native histograms of a block, series by series. What is broken takes no other chunk with it. */
export async function* readBlock(folder: string): FileReading {
  const batch = new SampleBatch();
  const files = new ChunkFiles(folder);
  let number = 0;
  let floatHistograms = 0;
  try {
    const deleted = readTombstones(folder);
    for await (const { ref, labels, chunks } of readIndex(path.join(folder, 'index'))) {
      number++;
      const own = sortLabels(labels);
      const key = JSON.stringify(own);
      const gone = deleted.get(ref) ?? [];
      const isGone = (ms: number): boolean => gone.some(([min, max]) => ms >= min && ms <= max);
      for (const chunk of chunks) {
        const full: FileRecord[] = [];
        try {
          const { encoding, data } = await files.read(chunk);
          if (encoding === ENCODING.xor)
            decodeXor(data, (ms, value, isStale) => {
              const record = isGone(ms) ? null : batch.add(number, key, own, NO_META, ms, value, isStale);
              if (record) full.push(record);
            });
          else if (encoding === ENCODING.histogram)
            decodeHistogram(data, (histogram) => {
              const record = isGone(histogram.timestampMs) ? null : batch.addHistogram(number, key, own, NO_META, histogram);
              if (record) full.push(record);
            });
          else if (encoding === ENCODING.floatHistogram) floatHistograms++;
          else throw new BrokenChunk(`its encoding ${encoding} is not known`);
        } catch (error) {
          if (!(error instanceof BrokenChunk)) throw error;
          yield { line: number, reason: 'malformed', message: `series ${number} ${key.slice(0, 200)}: ${error.message}` };
        }
        yield* full;
      }
    }
  } catch (error) {
    if (!(error instanceof BrokenChunk)) throw error;
    yield { line: null, reason: 'malformed', message: error.message };
  } finally {
    await files.close();
  }
  const last = batch.flush();
  if (last) yield last;
  if (floatHistograms > 0)
    yield {
      line: null,
      reason: 'float_histogram',
      message: `${floatHistograms} chunks hold native histograms with fractional counts, which have no place here yet`,
    };
}
