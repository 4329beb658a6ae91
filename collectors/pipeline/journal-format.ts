import { crc32 } from 'node:zlib';
import { type JournalEntry, type JournalRecord, positionOf } from '#contracts/journal.ts';

/**
 * Bytes of the journal on disk, drawn in docs/journal-format.md. Little-endian. Every record says in which segment and
 * at which offset it stands, under a checksum: what an earlier life of a recycled segment left behind never validates.
 */
export const SEGMENT_HEADER_BYTES = 64;
export const RECORD_HEADER_BYTES = 48;
/** Marks the regular end of a segment; not a RecordKind. */
export const SEAL_KIND = 0;
const SEGMENT_MAGIC = 'FLTJRNL\u0001';
const FORMAT_VERSION = 1;
const RECORD_MAGIC = 0x31524c46;
const MAX_U32 = 0xffff_ffff;
const PADDING = [0, 1, 2, 3, 4, 5, 6, 7].map((bytes) => Buffer.alloc(bytes));

/** Records start at multiples of 8. */
export const alignedBytes = (length: number): number => Math.ceil(length / 8) * 8;
export const segmentFileName = (sequence: number): string => `segment-${String(sequence).padStart(10, '0')}.journal`;
/** @returns null for a name that is no segment's */
export function sequenceOfFileName(name: string): number | null {
  const match = /^segment-(\d{10})\.journal$/.exec(name);
  return match ? Number(match[1]) : null;
}

export function encodeSegmentHeader(sequence: number, sizeBytes: number, createdUnixNano: bigint): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.write(SEGMENT_MAGIC, 0, 'latin1');
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(sequence, 12);
  header.writeUInt32LE(sizeBytes, 16);
  header.writeBigUInt64LE(createdUnixNano, 24);
  header.writeUInt32LE(crc32(header.subarray(0, SEGMENT_HEADER_BYTES - 4)), SEGMENT_HEADER_BYTES - 4);
  return header;
}

/** What a record's header says; read only after its own checksum held. */
export interface RecordHeader {
  readonly kind: number;
  readonly format: number;
  readonly encoding: number;
  /** Header, source, meta and body, without padding. */
  readonly lengthBytes: number;
  readonly sourceBytes: number;
  readonly metaBytes: number;
  readonly payloadCrc: number;
  readonly receivedUnixNano: bigint;
  readonly retentionSeconds: number;
  readonly items: number;
}

const MAX_SOURCE_BYTES = 255;
/** Its length has one byte in the header, and a scrape's source is made of labels from a file: a longer one is cut. */
function sourceOf(entry: JournalEntry): Buffer {
  const source = Buffer.from(entry.source);
  if (source.length <= MAX_SOURCE_BYTES) return source;
  let end = MAX_SOURCE_BYTES;
  while (((source[end] as number) & 0xc0) === 0x80) end--;
  return source.subarray(0, end);
}
/** Bytes an entry takes in a segment, padding included. */
export const recordBytes = (entry: JournalEntry): number =>
  alignedBytes(RECORD_HEADER_BYTES + sourceOf(entry).length + Buffer.byteLength(entry.meta) + entry.body.length);

interface HeaderFields extends RecordHeader {
  readonly sequence: number;
  readonly offset: number;
}
function writeHeader(target: Buffer, fields: HeaderFields): void {
  target.writeUInt32LE(RECORD_MAGIC, 0);
  target.writeUInt32LE(fields.sequence, 8);
  target.writeUInt32LE(fields.offset, 12);
  target.writeUInt32LE(fields.payloadCrc, 16);
  target.writeUInt32LE(fields.lengthBytes, 20);
  target.writeBigUInt64LE(fields.receivedUnixNano, 24);
  target.writeUInt32LE(fields.retentionSeconds, 32);
  target.writeUInt32LE(fields.items, 36);
  target.writeUInt32LE(fields.metaBytes, 40);
  target[44] = fields.kind;
  target[45] = fields.format;
  target[46] = fields.encoding;
  target[47] = fields.sourceBytes;
  target.writeUInt32LE(crc32(target.subarray(8, RECORD_HEADER_BYTES)), 4);
}

/**
 * Appends the record's pieces to `buffers`; the body is not copied and must stay as it is until written.
 * @returns bytes added, padding included
 */
export function encodeRecord(entry: JournalEntry, sequence: number, offset: number, buffers: Uint8Array[]): number {
  const source = sourceOf(entry);
  const sourceBytes = source.length;
  const metaBytes = Buffer.byteLength(entry.meta);
  const head = Buffer.allocUnsafe(RECORD_HEADER_BYTES + sourceBytes + metaBytes);
  head.set(source, RECORD_HEADER_BYTES);
  head.write(entry.meta, RECORD_HEADER_BYTES + sourceBytes);
  const lengthBytes = head.length + entry.body.length;
  writeHeader(head, {
    sequence,
    offset,
    kind: entry.kind,
    format: entry.format,
    encoding: entry.encoding,
    lengthBytes,
    sourceBytes,
    metaBytes,
    payloadCrc: crc32(entry.body, crc32(head.subarray(RECORD_HEADER_BYTES))),
    receivedUnixNano: BigInt.asUintN(64, entry.receivedUnixNano),
    retentionSeconds: Math.min(entry.retentionSeconds, MAX_U32),
    items: Math.min(entry.items, MAX_U32),
  });
  buffers.push(head);
  if (entry.body.length > 0) buffers.push(entry.body);
  const paddedBytes = alignedBytes(lengthBytes);
  if (paddedBytes > lengthBytes) buffers.push(PADDING[paddedBytes - lengthBytes] as Buffer);
  return paddedBytes;
}

export function encodeSeal(sequence: number, offset: number): Buffer {
  const seal = Buffer.alloc(RECORD_HEADER_BYTES);
  const none = { format: 0, encoding: 0, sourceBytes: 0, metaBytes: 0, payloadCrc: 0, receivedUnixNano: 0n, retentionSeconds: 0, items: 0 };
  writeHeader(seal, { sequence, offset, kind: SEAL_KIND, lengthBytes: RECORD_HEADER_BYTES, ...none });
  return seal;
}

/**
 * Header of the record at `at` in `bytes`, which must stand at `offset` of segment `sequence`.
 * @returns null when there is no whole, valid header of that place there
 */
export function readRecordHeader(bytes: Buffer, at: number, sequence: number, offset: number): RecordHeader | null {
  if (at + RECORD_HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== RECORD_MAGIC) return null;
  if (bytes.readUInt32LE(at + 8) !== sequence || bytes.readUInt32LE(at + 12) !== offset) return null;
  if (crc32(bytes.subarray(at + 8, at + RECORD_HEADER_BYTES)) !== bytes.readUInt32LE(at + 4)) return null;
  const header: RecordHeader = {
    payloadCrc: bytes.readUInt32LE(at + 16),
    lengthBytes: bytes.readUInt32LE(at + 20),
    receivedUnixNano: bytes.readBigUInt64LE(at + 24),
    retentionSeconds: bytes.readUInt32LE(at + 32),
    items: bytes.readUInt32LE(at + 36),
    metaBytes: bytes.readUInt32LE(at + 40),
    kind: bytes[at + 44] as number,
    format: bytes[at + 45] as number,
    encoding: bytes[at + 46] as number,
    sourceBytes: bytes[at + 47] as number,
  };
  return header.lengthBytes >= RECORD_HEADER_BYTES + header.sourceBytes + header.metaBytes ? header : null;
}

/**
 * The record whose valid header stands at `at`; its body is a view into `bytes`.
 * @returns null when the payload is not whole or its checksum fails
 */
export function readRecord(bytes: Buffer, at: number, header: RecordHeader, sequence: number, offset: number): JournalRecord | null {
  const end = at + header.lengthBytes;
  if (end > bytes.length) return null;
  const payload = bytes.subarray(at + RECORD_HEADER_BYTES, end);
  if (crc32(payload) !== header.payloadCrc) return null;
  const metaEnd = header.sourceBytes + header.metaBytes;
  return {
    position: positionOf(sequence, offset),
    next: positionOf(sequence, offset + alignedBytes(header.lengthBytes)),
    // Numbers of a newer version pass as they are: the engine sets aside what it does not know.
    kind: header.kind as JournalRecord['kind'],
    format: header.format as JournalRecord['format'],
    encoding: header.encoding as JournalRecord['encoding'],
    receivedUnixNano: header.receivedUnixNano,
    retentionSeconds: header.retentionSeconds,
    items: header.items,
    source: payload.toString('utf8', 0, header.sourceBytes),
    meta: payload.toString('utf8', header.sourceBytes, metaEnd),
    body: payload.subarray(metaEnd),
  };
}
const MAGIC_BYTES = Buffer.from('FLR1', 'latin1');
/** First place at or after `from` that could be a record; -1 when there is none. */
export function findRecordMagic(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(MAGIC_BYTES, from);
  while (at >= 0 && at % 8 !== from % 8) at = bytes.indexOf(MAGIC_BYTES, at + 1);
  return at;
}
