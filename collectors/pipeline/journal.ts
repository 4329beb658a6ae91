import { statfs } from 'node:fs/promises';
import { type JournalEntry, type JournalPosition, positionOf, segmentOf } from '#contracts/journal.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { Durability } from '#contracts/settings.ts';
import { closeFile, syncData, writeAt } from './disk-file.ts';
import { FairQueue } from './fair-queue.ts';
import { JournalError, journalErrorOf } from './journal-error.ts';
import { encodeRecord, encodeSeal, RECORD_HEADER_BYTES, recordBytes, SEGMENT_HEADER_BYTES } from './journal-format.ts';
import { lockJournal } from './journal-lock.ts';
import { type EvictedSegment, JournalSegments, type OpenSegment } from './journal-segments.ts';
import { LatencyWindow } from './latency-window.ts';

export interface JournalOptions {
  readonly durability: Durability;
  /** Segment files holding unreleased records may take this much; then appends reject with journal_full. */
  readonly maxBytes: number;
  readonly segmentBytes?: number;
  /** Free disk below this: appends reject with disk_full, so that the store can still write. */
  readonly diskReserveBytes: number;
  /** Released segments that forwarding still wants may take this much beside `maxBytes`; absent: none is kept. */
  readonly keepMaxBytes?: number;
  /** Forwarding wants everything from here on, until hold() says otherwise; absent: nothing. */
  readonly heldFrom?: JournalPosition;
  /** A segment forwarding still wanted is about to go. Its harm is counted before its file is used again. */
  readonly onEvict?: (evicted: EvictedSegment, reason: EvictReason) => Promise<void>;
  /** What the engine has stored already; new records get positions after it. */
  readonly startAfter?: JournalPosition;
  /** After every group commit. */
  readonly onCommitted?: (position: JournalPosition) => void;
  readonly nowMs?: () => number;
  readonly log?: (line: string) => void;
}
export type EvictReason = Extract<ReasonCode, 'queue_full' | 'queue_disk_full'>;
export interface JournalStats {
  /** All files of the journal, spare ones included. */
  readonly bytes: number;
  /** Of those, released segments kept for forwarding. */
  readonly keptBytes: number;
  /** From append to durable, over the last seconds. */
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly diskFreeBytes: number;
  readonly groups: number;
  readonly records: number;
  /** Why appends are refused at the moment; '' when they are not. */
  readonly refusing: ReasonCode | '';
}
export interface Journal {
  /**
   * Resolves with the position after the record once it is durable as `durability` says. The body is lent until then.
   * Rejects with JournalError before any harm: disk_full, journal_full, journal_failed, backpressure, shutting_down.
   * @param sender whose turn it takes; records of one sender keep their order. Absent: the entry's source
   */
  append(entry: JournalEntry, sender?: string): Promise<JournalPosition>;
  readonly committed: JournalPosition;
  readonly released: JournalPosition;
  /** Everything before `position` is stored elsewhere; its segments may be used again. Going back is ignored. */
  release(position: JournalPosition): void;
  /** Forwarding wants everything from here on: segments before are free as soon as they are released. */
  hold(position: JournalPosition): void;
  stats(): JournalStats;
  /** Writes what was appended, seals, unlocks. Safe twice. */
  close(): Promise<void>;
}

const SEGMENT_BYTES = 32 * 1024 * 1024;
/** One writev takes 1024 pieces on Linux, and a record has up to three. */
const MAX_GROUP_RECORDS = 300;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** A backstop: the receivers' own memory budget refuses first. */
const MAX_WAITING_BYTES = 512 * 1024 * 1024;
const DISK_CHECK_MS = 1_000;
/** Segments of room above the reserve below which spare files and what is kept for forwarding go: they must go before anything is refused. */
const KEEP_MARGIN_SEGMENTS = 3;

interface Waiting {
  readonly entry: JournalEntry;
  readonly sizeBytes: number;
  readonly sinceMs: number;
  readonly resolve: (position: JournalPosition) => void;
  readonly reject: (error: JournalError) => void;
}

/**
 * Opens the journal for writing. Never writes into a segment of a former process: what that one acknowledged stays.
 * @throws FaultlineError data_dir_locked, data_dir_not_writable
 */
export async function openJournal(dir: string, options: JournalOptions): Promise<Journal> {
  const unlock = lockJournal(dir);
  try {
    const segments = new JournalSegments(
      dir,
      options.segmentBytes ?? SEGMENT_BYTES,
      options.nowMs ?? Date.now,
      options.durability === 'sync',
    );
    const journal = new JournalWriter(dir, segments, options, unlock);
    await journal.open();
    return journal;
  } catch (error) {
    unlock();
    throw error;
  }
}

class JournalWriter implements Journal {
  committed: JournalPosition = 0;
  released: JournalPosition = 0;
  private readonly dir: string;
  private readonly segments: JournalSegments;
  private readonly options: JournalOptions;
  private readonly unlock: () => void;
  private held: JournalPosition;
  private readonly latencies = new LatencyWindow(performance.now());
  private current: OpenSegment | null = null;
  private offset = 0;
  /** By sender, so that the records of one do not wait for all of another's. */
  private readonly waiting = new FairQueue<Waiting>();
  private waitingBytes = 0;
  /** Every change of files waits for the one before: commits, releases, preparation. */
  private running: Promise<void> = Promise.resolve();
  private committing = false;
  private preparing: Promise<void> = Promise.resolve();
  private closing: Promise<void> | null = null;
  private diskFreeBytes = Number.POSITIVE_INFINITY;
  private diskTimer: NodeJS.Timeout | null = null;
  private syncTimer: NodeJS.Timeout | null = null;
  private unsynced = false;
  private failure: ReasonCode | '' = '';
  private groups = 0;
  private records = 0;

  constructor(dir: string, segments: JournalSegments, options: JournalOptions, unlock: () => void) {
    this.dir = dir;
    this.segments = segments;
    this.options = options;
    this.unlock = unlock;
    this.held = options.heldFrom ?? Number.MAX_SAFE_INTEGER;
  }

  async open(): Promise<void> {
    await this.segments.open();
    if (this.options.startAfter !== undefined) this.segments.skipTo(segmentOf(this.options.startAfter));
    await this.lookAtDisk();
    this.committed = positionOf(this.segments.nextSequence, SEGMENT_HEADER_BYTES);
    this.diskTimer = setInterval(() => void this.lookAtDisk(), DISK_CHECK_MS);
    this.diskTimer.unref();
    // Ready before the first record asks for it, but nobody waits for it here; when it fails, that record is told why.
    this.inTurn(() => this.segments.examineNewest().then(() => this.roll(0))).catch(() => undefined);
    const { durability } = this.options;
    if (typeof durability !== 'object') return;
    this.syncTimer = setInterval(() => this.syncSoon(), durability.intervalMs);
    this.syncTimer.unref();
  }

  append(entry: JournalEntry, sender = entry.source): Promise<JournalPosition> {
    const sizeBytes = recordBytes(entry);
    const refused = this.refusal(sizeBytes);
    if (refused) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      this.waiting.push(sender, { entry, sizeBytes, sinceMs: performance.now(), resolve, reject }, sizeBytes);
      this.waitingBytes += sizeBytes;
      if (this.committing) return;
      this.committing = true;
      // Whatever else arrives in this turn of the event loop joins the first group.
      queueMicrotask(() => void this.inTurn(() => this.commitAll()));
    });
  }
  private refusal(sizeBytes: number): JournalError | null {
    if (this.closing) return new JournalError('shutting_down', 'the collector is stopping');
    const { diskReserveBytes } = this.options;
    if (this.diskFreeBytes < diskReserveBytes)
      return new JournalError('disk_full', `${this.diskFreeBytes} bytes of disk are free, ${diskReserveBytes} are kept in reserve`);
    if (this.waitingBytes + sizeBytes > MAX_WAITING_BYTES)
      return new JournalError('backpressure', `${this.waitingBytes} bytes already wait to be written`);
    return null;
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.running.then(work);
    this.running = done.catch(() => undefined);
    return done;
  }
  private async commitAll(): Promise<void> {
    while (this.waiting.length > 0) {
      let group: readonly Waiting[] = [];
      try {
        await this.ensureRoom((this.waiting.peek() as Waiting).sizeBytes);
        group = this.takeGroup();
        await this.writeGroup(group);
      } catch (cause) {
        // Without a group no room could be made: everything that waits would meet the same end.
        if (group.length === 0) group = this.waiting.takeAll();
        this.fail(group, journalErrorOf(cause));
      }
    }
    this.committing = false;
  }
  private roomBytes(): number {
    return this.current === null ? 0 : this.current.sizeBytes - RECORD_HEADER_BYTES - this.offset;
  }
  private async ensureRoom(sizeBytes: number): Promise<void> {
    if (sizeBytes > this.roomBytes()) await this.roll(sizeBytes);
  }
  private takeGroup(): readonly Waiting[] {
    let room = this.roomBytes();
    let groupBytes = 0;
    const group: Waiting[] = [];
    for (let next = this.waiting.peek(); next !== undefined && group.length < MAX_GROUP_RECORDS; next = this.waiting.peek()) {
      const { sizeBytes } = next;
      if (sizeBytes > room || (group.length > 0 && groupBytes + sizeBytes > MAX_GROUP_BYTES)) break;
      room -= sizeBytes;
      groupBytes += sizeBytes;
      group.push(next);
      this.waiting.take();
    }
    return group;
  }
  private async writeGroup(group: readonly Waiting[]): Promise<void> {
    const segment = this.current as OpenSegment;
    const buffers: Uint8Array[] = [];
    const ends: number[] = [];
    let offset = this.offset;
    for (const { entry } of group) {
      offset += encodeRecord(entry, segment.sequence, offset, buffers);
      ends.push(offset);
    }
    try {
      await writeAt(segment.fd, buffers, this.offset);
      if (this.options.durability !== 'sync') this.unsynced = true;
      else if (!this.segments.durableWrites) await syncData(segment.fd);
    } catch (cause) {
      await this.abandon();
      throw cause;
    }
    this.offset = offset;
    this.committed = positionOf(segment.sequence, offset);
    this.failure = '';
    this.groups++;
    this.records += group.length;
    this.settle(group, ends, segment.sequence);
  }
  private settle(group: readonly Waiting[], ends: readonly number[], sequence: number): void {
    const nowMs = performance.now();
    for (let i = 0; i < group.length; i++) {
      const { sizeBytes, sinceMs, resolve } = group[i] as Waiting;
      this.waitingBytes -= sizeBytes;
      this.latencies.add(nowMs - sinceMs, nowMs);
      resolve(positionOf(sequence, ends[i] as number));
    }
    this.options.onCommitted?.(this.committed);
  }
  private fail(group: readonly Waiting[], error: JournalError): void {
    if (this.failure !== error.reason) this.options.log?.(`journal: ${error.message}`);
    this.failure = error.reason;
    for (const { sizeBytes, reject } of group) {
      this.waitingBytes -= sizeBytes;
      reject(error);
    }
  }

  /** After a failed flush nobody knows what the disk holds: this segment is never written again. */
  private async abandon(): Promise<void> {
    const segment = this.current;
    if (!segment) return;
    this.current = null;
    // Its unacknowledged tail may be read or not; kept whole until everything in it is released.
    this.segments.old.push({ sequence: segment.sequence, sizeBytes: segment.sizeBytes, endOffset: segment.sizeBytes });
    await closeFile(segment.fd);
  }
  private async finishCurrent(): Promise<void> {
    const segment = this.current;
    if (!segment) return;
    await writeAt(segment.fd, [encodeSeal(segment.sequence, this.offset)], this.offset).catch(() => undefined);
    if (this.unsynced && this.options.durability !== 'none') await syncData(segment.fd).catch(() => undefined);
    this.unsynced = false;
    this.current = null;
    this.segments.old.push({ sequence: segment.sequence, sizeBytes: segment.sizeBytes, endOffset: this.offset });
    await closeFile(segment.fd);
  }
  /** Goes on in a new segment with room for a record of this size. */
  private async roll(sizeBytes: number): Promise<void> {
    await this.preparing;
    const neededBytes = SEGMENT_HEADER_BYTES + sizeBytes + RECORD_HEADER_BYTES;
    await this.segments.release(this.released, this.held);
    await this.makeRoom(neededBytes);
    const newBytes = this.segments.newBytesFor(neededBytes);
    this.checkLimits(Math.max(neededBytes, this.options.segmentBytes ?? SEGMENT_BYTES), newBytes);
    // The next file must exist before the old one is sealed, or a full disk would leave none to write to.
    await this.segments.prepare(neededBytes);
    await this.finishCurrent();
    this.current = await this.segments.next(neededBytes, this.options.durability === 'sync');
    this.offset = SEGMENT_HEADER_BYTES;
    this.committed = Math.max(this.committed, positionOf(this.current.sequence, SEGMENT_HEADER_BYTES));
    await this.segments.release(this.released, this.held);
    await this.keepWithin();
    this.prepareSoon();
  }
  private checkLimits(segmentBytes: number, newBytes: number): void {
    const { diskReserveBytes } = this.options;
    // Before the store has spoken nobody knows which of the old segments are only kept for forwarding.
    const maxBytes = this.options.maxBytes + (this.released === 0 ? (this.options.keepMaxBytes ?? 0) : 0);
    const heldBytes = this.segments.oldBytes + (this.current?.sizeBytes ?? 0);
    if (heldBytes > 0 && heldBytes + segmentBytes > maxBytes)
      throw new JournalError('journal_full', `the journal holds ${heldBytes} bytes that are not stored yet, the limit is ${maxBytes}`);
    if (this.diskFreeBytes - newBytes < diskReserveBytes)
      throw new JournalError(
        'disk_full',
        `a new segment needs ${newBytes} of ${this.diskFreeBytes} free bytes, ${diskReserveBytes} are kept in reserve`,
      );
  }
  /** A new segment never waits for a destination: what only forwarding wants makes room first. */
  private async makeRoom(neededBytes: number): Promise<void> {
    const lacks = (): boolean => this.diskFreeBytes - this.segments.newBytesFor(neededBytes) < this.options.diskReserveBytes;
    while (lacks() && this.segments.kept.length > 0) await this.evict('queue_disk_full');
  }
  private async keepWithin(): Promise<void> {
    while (this.segments.keptBytes > (this.options.keepMaxBytes ?? 0)) await this.evict('queue_full');
  }
  private async evict(reason: EvictReason): Promise<void> {
    try {
      const evicted = await this.segments.countOldestKept();
      if (evicted) await this.options.onEvict?.(evicted, reason);
    } catch (cause) {
      // The disk may be too full to write down what is lost: the way in goes first all the same, and the log says it.
      this.options.log?.(`journal: a segment kept for forwarding goes uncounted: ${(cause as Error).message}`);
    }
    await this.segments.dropOldestKept();
  }
  private prepareSoon(): void {
    if (this.diskFreeBytes - this.segments.newBytesFor(0) < this.options.diskReserveBytes) return;
    // Outside the turn: only the next roll needs it, and that one waits for it.
    this.preparing = this.segments.prepare().catch(() => undefined);
  }

  release(position: JournalPosition): void {
    if (position <= this.released || this.closing) return;
    this.released = position;
    void this.inTurn(async () => {
      await this.preparing;
      if (position > this.committed) await this.jumpBeyond(position);
      await this.segments.release(position, this.held);
      await this.keepWithin();
      if (this.failure === 'journal_full') this.failure = '';
    }).catch((cause: unknown) => this.options.log?.(`journal: cannot recycle: ${(cause as Error).message}`));
  }
  hold(position: JournalPosition): void {
    if (position === this.held || this.closing) return;
    this.held = position;
    void this.inTurn(async () => {
      await this.preparing;
      await this.segments.release(this.released, this.held);
    }).catch((cause: unknown) => this.options.log?.(`journal: cannot recycle: ${(cause as Error).message}`));
  }
  /** The store is ahead (the journal's folder was lost): new records must not get positions it would skip. */
  private async jumpBeyond(position: JournalPosition): Promise<void> {
    this.options.log?.(`journal: the store is at ${position}, ahead of the journal at ${this.committed}; going on after it`);
    this.segments.skipTo(segmentOf(position));
    await this.roll(0);
  }

  private syncSoon(): void {
    if (!this.unsynced) return;
    void this.inTurn(async () => {
      if (!this.unsynced || !this.current) return;
      this.unsynced = false;
      await syncData(this.current.fd);
    }).catch((cause: unknown) => this.options.log?.(`journal: cannot flush: ${(cause as Error).message}`));
  }
  private async lookAtDisk(): Promise<void> {
    try {
      let freeBytes = await this.freeBytes();
      const low = this.options.diskReserveBytes + KEEP_MARGIN_SEGMENTS * (this.options.segmentBytes ?? SEGMENT_BYTES);
      // Before the figure is believed: appends must not be refused while something else can go.
      if (freeBytes < low && (this.segments.kept.length > 0 || this.segments.spareCount > 1)) {
        await this.inTurn(() => this.thinOut(low - freeBytes));
        freeBytes = await this.freeBytes();
      }
      this.diskFreeBytes = freeBytes;
      if (this.failure === 'disk_full' && this.diskFreeBytes >= this.options.diskReserveBytes) this.failure = '';
    } catch {
      // A file system that does not tell: then only a failing write does.
    }
  }
  private async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.dir);
    return bavail * bsize;
  }
  /** Files nobody needs first, then what only forwarding wants. */
  private async thinOut(missingBytes: number): Promise<void> {
    await this.preparing;
    const spareBytes = await this.segments.giveBackSpares();
    const enoughBytes = this.segments.keptBytes - missingBytes + spareBytes;
    while (this.segments.kept.length > 0 && this.segments.keptBytes > enoughBytes) await this.evict('queue_disk_full');
    await this.segments.giveBackSpares();
  }
  stats(): JournalStats {
    const nowMs = performance.now();
    return {
      bytes: this.segments.oldBytes + this.segments.keptBytes + this.segments.idleBytes + (this.current?.sizeBytes ?? 0),
      keptBytes: this.segments.keptBytes,
      ackP50Ms: this.latencies.quantileMs(0.5, nowMs),
      ackP99Ms: this.latencies.quantileMs(0.99, nowMs),
      diskFreeBytes: Number.isFinite(this.diskFreeBytes) ? this.diskFreeBytes : 0,
      groups: this.groups,
      records: this.records,
      refusing: this.refusal(0)?.reason ?? this.failure,
    };
  }
  close(): Promise<void> {
    this.closing ??= this.inTurn(async () => {
      // Appends accepted before close() are in `waiting` or in an earlier turn.
      await this.commitAll();
      await this.preparing;
      if (this.diskTimer) clearInterval(this.diskTimer);
      if (this.syncTimer) clearInterval(this.syncTimer);
      if (this.options.durability === 'sync') this.unsynced = this.current !== null;
      await this.finishCurrent();
      await this.segments.close();
      this.unlock();
    });
    return this.closing;
  }
}
