import { fstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type JournalPosition, type JournalRecord, offsetOf, positionOf, segmentOf } from '#contracts/journal.ts';
import { closeFile, openFile, readAt } from './disk-file.ts';
import {
  alignedBytes,
  findRecordMagic,
  RECORD_HEADER_BYTES,
  readRecord,
  readRecordHeader,
  SEAL_KIND,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
  sequenceOfFileName,
} from './journal-format.ts';

export interface JournalReader {
  /**
   * Next records, at most about `maxBytes` of them (one record may be larger). Empty = caught up: ask again later.
   * Bodies are views into memory that is never used again by the reader - unless it lends: then they are gone with the
   * next read. Damage is skipped and counted, never thrown. Rejects while the disk answers with an error: ask again, nothing
   * is passed over for a while (`patienceMs`), as what stands there was acknowledged.
   */
  read(maxBytes: number): Promise<JournalRecord[]>;
  /** The writer says that everything before `committed` stands there: what is read goes by it as long as it says more than is known. */
  told(committed: JournalPosition): void;
  /** Place of the next record to be read. */
  readonly position: JournalPosition;
  readonly damage: JournalDamage;
  close(): Promise<void>;
}
/** Bytes and places passed over because no valid record stood there, although later ones did. */
export interface JournalDamage {
  readonly places: number;
  readonly bytes: number;
}

const FIRST_CHUNK_BYTES = 64 * 1024;
const SEARCH_BYTES = 256 * 1024;
const MAX_LENT_BYTES = 8 * 1024 * 1024;
/** A place the disk cannot read for so long counts as damage: what comes after it must not wait for ever. */
const PATIENCE_MS = 30_000;
/** Reads in a row that found the same unreadable place, before the rest of the segment is searched. */
const STUCK_READS = 20;

/**
 * Follows a journal another process writes. `from` may lie in a segment that is gone (everything in it was released)
 * or does not exist yet. Opens no lock and writes nothing.
 */
export async function openJournalReader(
  dir: string,
  from: JournalPosition,
  { lend = false, patienceMs = PATIENCE_MS } = {},
): Promise<JournalReader> {
  return new SegmentReader(dir, from, lend, patienceMs);
}

type Found = 'record' | 'seal' | 'nothing';

class SegmentReader implements JournalReader {
  private readonly dir: string;
  private sequence: number;
  private offset: number;
  private fd: number | null = null;
  private chunkBytes = FIRST_CHUNK_BYTES;
  private committed: JournalPosition = 0;
  private stuck = 0;
  private stuckAtMs = 0;
  private places = 0;
  private bytes = 0;
  private closed = false;
  private readonly lend: boolean;
  private readonly patienceMs: number;
  /** Where the disk answers with errors, and since when. */
  private failing: { readonly position: JournalPosition; readonly sinceMs: number } | null = null;
  /** Lent out by one read, written over by the next. */
  private memory: Buffer = Buffer.alloc(0);

  constructor(dir: string, from: JournalPosition, lend: boolean, patienceMs: number) {
    this.dir = dir;
    this.lend = lend;
    this.patienceMs = patienceMs;
    this.sequence = segmentOf(from);
    this.offset = Math.max(offsetOf(from), SEGMENT_HEADER_BYTES);
  }
  get position(): JournalPosition {
    return positionOf(this.sequence, this.offset);
  }
  get damage(): JournalDamage {
    return { places: this.places, bytes: this.bytes };
  }

  told(committed: JournalPosition): void {
    this.committed = committed;
  }

  async read(maxBytes: number): Promise<JournalRecord[]> {
    const records: JournalRecord[] = [];
    while (!this.closed && records.length === 0 && (await this.ensureOpen())) {
      const found = await this.take(records, maxBytes);
      if (found === 'record') continue;
      const later = this.laterSegment();
      // Listed first, looked at again after: a record finished in between must not be passed over.
      if (await this.overtaken()) continue;
      if (found === 'seal' && later !== null) await this.enter(later);
      else if (found === 'seal' || !(await this.overcome(later))) break;
    }
    if (records.length > 0) this.stuck = 0;
    return records;
  }

  private async ensureOpen(): Promise<boolean> {
    if (this.fd !== null) return true;
    const fd = await this.tryOpen(this.sequence);
    if (fd === null) {
      const later = this.laterSegment();
      if (later === null) return false;
      await this.enter(later);
    } else this.fd = fd;
    return this.fd !== null;
  }
  private async tryOpen(sequence: number): Promise<number | null> {
    try {
      return await openFile(path.join(this.dir, segmentFileName(sequence)), 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await this.bear(error);
      return null;
    }
  }
  /** Throws until patience is over, then lets the place be passed over. */
  private async bear(cause: unknown): Promise<void> {
    const { position } = this;
    if (this.failing?.position !== position) this.failing = { position, sinceMs: performance.now() };
    if (performance.now() - this.failing.sinceMs >= this.patienceMs) return;
    // A new handle may do what this one no longer does.
    if (this.fd !== null) await closeFile(this.fd);
    this.fd = null;
    throw new Error(`segment ${this.sequence} cannot be read at ${this.offset}: ${(cause as Error).message}`, { cause });
  }
  private laterSegment(): number | null {
    let next: number | null = null;
    let names: readonly string[] = [];
    try {
      names = readdirSync(this.dir);
    } catch {
      return null;
    }
    for (const name of names) {
      const sequence = sequenceOfFileName(name);
      if (sequence !== null && sequence > this.sequence && (next === null || sequence < next)) next = sequence;
    }
    return next;
  }
  private async enter(sequence: number): Promise<void> {
    if (this.fd !== null) await closeFile(this.fd);
    this.fd = await this.tryOpen(sequence);
    this.sequence = sequence;
    this.offset = SEGMENT_HEADER_BYTES;
    this.stuck = 0;
  }

  /** Reads one chunk and takes what is whole in it. */
  private async take(records: JournalRecord[], maxBytes: number): Promise<Found> {
    const base = this.offset;
    // Where the disk fails, only what is needed is asked of it: what lies before the bad place is still whole.
    const carefully = this.failing?.position === this.position;
    let chunk = await this.readChunk(carefully ? RECORD_HEADER_BYTES : Math.max(RECORD_HEADER_BYTES, Math.min(this.dueBytes(), maxBytes)));
    const first = readRecordHeader(chunk, 0, this.sequence, base);
    if (first !== null && first.lengthBytes > chunk.length) chunk = await this.readChunk(first.lengthBytes);
    for (;;) {
      const at = this.offset - base;
      const header = readRecordHeader(chunk, at, this.sequence, this.offset);
      if (header?.kind === SEAL_KIND) return records.length > 0 ? 'record' : 'seal';
      const record = header && readRecord(chunk, at, header, this.sequence, this.offset);
      if (!record) {
        this.adapt(at, chunk.length, maxBytes);
        return records.length > 0 ? 'record' : 'nothing';
      }
      records.push(record);
      this.offset = offsetOf(record.next);
    }
  }
  private get isTold(): boolean {
    return segmentOf(this.committed) === this.sequence;
  }
  /** What is known to stand here, or else a guess: what is read beyond the newest record is as dear, and of no use. */
  private dueBytes(): number {
    return this.isTold ? offsetOf(this.committed) - this.offset : this.chunkBytes;
  }
  /** The guess: small chunks while following the tail, large ones while catching up. */
  private adapt(usedBytes: number, chunkBytes: number, maxBytes: number): void {
    if (this.isTold) return;
    if (usedBytes * 2 > chunkBytes) this.chunkBytes = Math.min(this.chunkBytes * 4, Math.max(maxBytes, FIRST_CHUNK_BYTES));
    else if (usedBytes * 8 < chunkBytes) this.chunkBytes = FIRST_CHUNK_BYTES;
  }
  private async readChunk(length: number): Promise<Buffer> {
    const buffer = this.memoryOf(length);
    try {
      return buffer.subarray(0, await readAt(this.fd as number, buffer, this.offset));
    } catch (error) {
      await this.bear(error);
      return buffer.subarray(0, 0);
    }
  }
  private memoryOf(length: number): Buffer {
    // Own memory each time, as the records handed out are views into it: four megabytes of garbage a read.
    if (!this.lend || length > MAX_LENT_BYTES) return Buffer.allocUnsafeSlow(length);
    if (this.memory.length < length)
      this.memory = Buffer.allocUnsafeSlow(Math.min(MAX_LENT_BYTES, Math.max(length, this.memory.length * 2)));
    return this.memory.subarray(0, length);
  }
  /** Is there a whole record at the place where there was none a moment ago? */
  private async overtaken(): Promise<boolean> {
    const head = await this.readChunk(RECORD_HEADER_BYTES);
    const header = readRecordHeader(head, 0, this.sequence, this.offset);
    if (header === null || header.kind === SEAL_KIND) return false;
    const whole = await this.readChunk(header.lengthBytes);
    return readRecord(whole, 0, header, this.sequence, this.offset) !== null;
  }

  /**
   * Nothing valid stands here. Without a sign that the writer went past it, that is the tail: wait. Otherwise goes to the
   * next valid header of the segment, else to the next segment.
   * @returns false to wait
   */
  private async overcome(later: number | null): Promise<boolean> {
    const passed = later !== null || this.isStuck() || (await this.followedByRecord());
    if (!passed) return false;
    this.stuck = 0;
    const next = await this.findNextHeader();
    if (next !== null) {
      this.places++;
      this.bytes += next - this.offset;
      this.offset = next;
      return true;
    }
    if (later === null) return false;
    if (this.failing?.position === this.position) {
      this.places++;
      this.bytes += fstatSync(this.fd as number).size - this.offset;
    }
    await this.enter(later);
    return true;
  }
  /** The file goes on changing while this place stays unreadable. An idle journal never counts as stuck. */
  private isStuck(): boolean {
    const { mtimeMs } = fstatSync(this.fd as number);
    if (mtimeMs === this.stuckAtMs) return false;
    this.stuckAtMs = mtimeMs;
    return ++this.stuck >= STUCK_READS;
  }
  /** A valid header with a broken payload, and another valid header right after it. */
  private async followedByRecord(): Promise<boolean> {
    const head = await this.readChunk(RECORD_HEADER_BYTES);
    const header = readRecordHeader(head, 0, this.sequence, this.offset);
    if (header === null) return false;
    const nextOffset = this.offset + alignedBytes(header.lengthBytes);
    const next = Buffer.alloc(RECORD_HEADER_BYTES);
    const count = await readAt(this.fd as number, next, nextOffset).catch(() => 0);
    if (readRecordHeader(next.subarray(0, count), 0, this.sequence, nextOffset) === null) return false;
    // The writer works front to back: what follows is there, so by now this one is as whole as it will ever be.
    return !(await this.overtaken());
  }
  private async findNextHeader(): Promise<number | null> {
    const head = readRecordHeader(await this.readChunk(RECORD_HEADER_BYTES), 0, this.sequence, this.offset);
    // A valid header says where its record ends: never look for records inside what a sender wrote.
    for (let from = this.offset + (head ? alignedBytes(head.lengthBytes) : 8); ; ) {
      const window = Buffer.allocUnsafeSlow(SEARCH_BYTES);
      const count = await readAt(this.fd as number, window, from).catch(() => -1);
      if (count < 0) {
        // A part the disk cannot read: behind it there may be more.
        from += SEARCH_BYTES;
        if (from >= fstatSync(this.fd as number).size) return null;
        continue;
      }
      const bytes = window.subarray(0, count);
      for (let at = findRecordMagic(bytes, 0); at >= 0; at = findRecordMagic(bytes, at + 8)) {
        if (readRecordHeader(bytes, at, this.sequence, from + at) !== null) return from + at;
      }
      if (count < window.length) return null;
      from += count - RECORD_HEADER_BYTES;
    }
  }
  async close(): Promise<void> {
    this.closed = true;
    const { fd } = this;
    this.fd = null;
    if (fd !== null) await closeFile(fd);
  }
}
