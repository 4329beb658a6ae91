import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { type JournalPosition, positionOf } from '#contracts/journal.ts';
import { closeFile, DURABLE_WRITES, openFile, readAt, syncData, syncFolder, writeAt } from './disk-file.ts';
import {
  alignedBytes,
  encodeSegmentHeader,
  findRecordMagic,
  readRecordHeader,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
  sequenceOfFileName,
} from './journal-format.ts';
import { addRecord, type JournalAmount, noAmount, walkHeaders } from './journal-walk.ts';

/**
 * Files kept for the next segments: a flush of the store frees two or three at once. More are deleted, so that a
 * worked-off backlog gives its disk back.
 */
const MAX_SPARES = 4;
/** Random, because a container gives every process the same number. */
const spareFileName = (): string => `spare-${randomBytes(8).toString('hex')}.journal`;
const ZEROS = Buffer.alloc(1024 * 1024);

/** A segment that is written no more. */
export interface OldSegment {
  readonly sequence: number;
  readonly sizeBytes: number;
  /** Offset after its last record; the size where a former process wrote it and nobody looked. */
  readonly endOffset: number;
}
/** What was in a segment that forwarding had not read yet when it had to go. */
export interface EvictedSegment {
  readonly sequence: number;
  readonly amount: JournalAmount;
}
/** The segment at hand. */
export interface OpenSegment {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly fd: number;
}
/** A preallocated file that has the next header already but not yet a segment's name: readers do not see it. */
interface Prepared extends OpenSegment {
  readonly file: string;
}
interface Spare {
  readonly file: string;
  readonly sizeBytes: number;
}

/** The segment files of one journal folder: which exist, which may be used again, and how one becomes the next. */
export class JournalSegments {
  readonly old: OldSegment[] = [];
  /** Released by the store, but not by forwarding: oldest first. */
  readonly kept: OldSegment[] = [];
  private readonly dir: string;
  private readonly segmentBytes: number;
  private readonly nowMs: () => number;
  /** Each write into a segment is durable when it comes back. */
  readonly durableWrites: boolean;
  private readonly spares: Spare[] = [];
  private prepared: Prepared | null = null;
  private highestSequence = 0;

  constructor(dir: string, segmentBytes: number, nowMs: () => number, durable: boolean) {
    this.dir = dir;
    this.durableWrites = durable && DURABLE_WRITES !== 0;
    this.segmentBytes = segmentBytes;
    this.nowMs = nowMs;
  }
  get nextSequence(): number {
    return this.highestSequence + 1;
  }
  /** Later segments get sequences above this one. */
  skipTo(sequence: number): void {
    this.highestSequence = Math.max(this.highestSequence, sequence);
  }
  /** Files not needed for what is unreleased. */
  get idleBytes(): number {
    return this.spares.reduce((sum, spare) => sum + spare.sizeBytes, this.prepared?.sizeBytes ?? 0);
  }
  get keptBytes(): number {
    return this.kept.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }
  get oldBytes(): number {
    return this.old.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** Takes stock of the names; looks into no file. */
  async open(): Promise<void> {
    mkdirSync(this.dir, { recursive: true });
    for (const name of readdirSync(this.dir).sort()) {
      const file = path.join(this.dir, name);
      const sequence = sequenceOfFileName(name);
      if (sequence !== null) {
        const sizeBytes = statSync(file).size;
        this.old.push({ sequence, sizeBytes, endOffset: sizeBytes });
        this.highestSequence = Math.max(this.highestSequence, sequence);
      } else if (/^spare-.*\.journal$/.test(name)) await this.keepSpare({ file, sizeBytes: statSync(file).size });
    }
  }
  /** Looks up where the newest segment ends; one without records becomes a spare. */
  async examineNewest(): Promise<void> {
    const last = this.old.pop();
    if (!last) return;
    const endOffset = await this.endOf(last);
    if (endOffset > SEGMENT_HEADER_BYTES) this.old.push({ ...last, endOffset });
    else await this.recycle(last);
  }

  /** Walks the headers; where they end, anything that could still be a record keeps the whole file. */
  private async endOf({ sequence, sizeBytes }: OldSegment): Promise<number> {
    const fd = await openFile(path.join(this.dir, segmentFileName(sequence)), 'r');
    try {
      const bytes = Buffer.allocUnsafeSlow(sizeBytes);
      const length = await readAt(fd, bytes, 0);
      let offset = SEGMENT_HEADER_BYTES;
      for (;;) {
        const header = readRecordHeader(bytes.subarray(0, length), offset, sequence, offset);
        if (header === null || header.kind === 0) break;
        offset += alignedBytes(header.lengthBytes);
      }
      for (let at = findRecordMagic(bytes, offset); at >= 0; at = findRecordMagic(bytes, at + 8)) {
        const header = readRecordHeader(bytes.subarray(0, length), at, sequence, at);
        if (header !== null && header.kind !== 0) return sizeBytes;
      }
      return offset;
    } finally {
      await closeFile(fd);
    }
  }

  /** Bytes of new disk the next segment needs: none when a file can be used again. */
  newBytesFor(minimumBytes: number): number {
    if (this.prepared && this.prepared.sizeBytes >= minimumBytes) return 0;
    return this.spares.some((spare) => spare.sizeBytes >= minimumBytes) ? 0 : Math.max(minimumBytes, this.segmentBytes);
  }
  /** Has the next segment's file ready before it is needed. Calls must not overlap. */
  async prepare(minimumBytes = this.segmentBytes): Promise<void> {
    const sequence = this.nextSequence;
    if (this.prepared?.sequence === sequence && this.prepared.sizeBytes >= minimumBytes) return;
    const former = this.prepared;
    this.prepared = null;
    if (former) {
      await closeFile(former.fd);
      await this.keepSpare(former);
    }
    const at = this.spares.findIndex((spare) => spare.sizeBytes >= minimumBytes);
    const spare = at >= 0 ? (this.spares.splice(at, 1)[0] as Spare) : await this.createSpare(Math.max(minimumBytes, this.segmentBytes));
    const fd = await openFile(spare.file, this.durableWrites ? DURABLE_WRITES : 'r+');
    try {
      await writeAt(fd, [encodeSegmentHeader(sequence, spare.sizeBytes, BigInt(this.nowMs()) * 1_000_000n)], 0);
      await syncData(fd);
    } catch (error) {
      await closeFile(fd);
      this.spares.push(spare);
      throw error;
    }
    this.prepared = { ...spare, fd, sequence };
  }
  /** Written with zeros, not just sized: then an append changes no metadata, and its flush is ten times quicker. */
  private async createSpare(sizeBytes: number): Promise<Spare> {
    const file = path.join(this.dir, spareFileName());
    const fd = await openFile(file, 'w');
    try {
      for (let at = 0; at < sizeBytes; at += ZEROS.length)
        await writeAt(fd, [ZEROS.subarray(0, Math.min(ZEROS.length, sizeBytes - at))], at);
      await syncData(fd);
    } catch (error) {
      await unlink(file).catch(() => undefined);
      throw error;
    } finally {
      await closeFile(fd);
    }
    return { file, sizeBytes };
  }
  /** The prepared file gets its name, durably: from now on readers know that older segments are complete. */
  async next(minimumBytes: number, durable: boolean): Promise<OpenSegment> {
    await this.prepare(minimumBytes);
    const segment = this.prepared as Prepared;
    await rename(segment.file, path.join(this.dir, segmentFileName(segment.sequence)));
    this.prepared = null;
    this.highestSequence = segment.sequence;
    if (durable) await syncFolder(this.dir);
    return segment;
  }
  /** Frees every old segment whose records all end at or before `released`; what lies after `held` is kept aside first. */
  async release(released: JournalPosition, held: JournalPosition): Promise<void> {
    const ended = (each: OldSegment, by: JournalPosition): boolean => positionOf(each.sequence, each.endOffset) <= by;
    for (const segment of this.old.filter((each) => ended(each, released))) {
      this.old.splice(this.old.indexOf(segment), 1);
      if (ended(segment, held)) await this.recycle(segment);
      else this.kept.push(segment);
    }
    this.kept.sort((a, b) => a.sequence - b.sequence);
    for (let first = this.kept[0]; first && ended(first, held); first = this.kept[0]) {
      this.kept.shift();
      await this.recycle(first);
    }
  }
  /** Counts what the oldest kept segment holds; null when none is kept. */
  async countOldestKept(): Promise<EvictedSegment | null> {
    const [segment] = this.kept;
    if (!segment) return null;
    const amount = noAmount();
    const fd = await openFile(path.join(this.dir, segmentFileName(segment.sequence)), 'r');
    try {
      await walkHeaders(fd, segment.sequence, SEGMENT_HEADER_BYTES, (header) => addRecord(amount, header));
    } finally {
      await closeFile(fd);
    }
    return { sequence: segment.sequence, amount };
  }
  /** Gives up the oldest kept segment: its file is used again, or deleted. */
  async dropOldestKept(): Promise<void> {
    const segment = this.kept.shift();
    if (segment) await this.recycle(segment);
  }
  get spareCount(): number {
    return this.spares.length;
  }
  /** Deletes spare files beyond one: they are disk nobody needs at once. @returns bytes given back */
  async giveBackSpares(): Promise<number> {
    let bytes = 0;
    while (this.spares.length > 1) {
      const spare = this.spares.pop() as Spare;
      await unlink(spare.file).catch(() => undefined);
      bytes += spare.sizeBytes;
    }
    return bytes;
  }
  private async recycle({ sequence, sizeBytes }: OldSegment): Promise<void> {
    const file = path.join(this.dir, segmentFileName(sequence));
    const spareFile = path.join(this.dir, spareFileName());
    await rename(file, spareFile).catch(() => undefined);
    await this.keepSpare({ file: spareFile, sizeBytes });
  }
  private async keepSpare(spare: Spare): Promise<void> {
    if (spare.sizeBytes === this.segmentBytes && this.spares.length < MAX_SPARES) this.spares.push(spare);
    else await unlink(spare.file).catch(() => undefined);
  }
  async close(): Promise<void> {
    if (this.prepared) await closeFile(this.prepared.fd);
    this.prepared = null;
  }
}
