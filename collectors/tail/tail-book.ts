import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '#collectors/pipeline/disk-file.ts';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import type { JournalPosition } from '#contracts/journal.ts';
import { TAIL_BOOK_FILE, type TailMeta, type TailPlace } from '#contracts/tailing.ts';

/**
 * How far files are read: DATA/tails.json, written behind the journal. Each record of lines says in its meta where its file is read
 * to; what the journal holds after the position named here is newer than what stands here. So the journal decides, the file only
 * spares reading all of it, and may be older, never newer: lines are neither lost nor read twice whenever the process dies. For
 * this the journal must keep everything after `safePosition`.
 */
export interface BookPlace extends TailPlace {
  /** Another life of the same file has begun, or the file was not seen for long: kept to recognise a copy of it. */
  readonly retired: boolean;
  /** When it was last seen, Unix milliseconds. */
  seenMs: number;
}
interface BookText {
  readonly version: 1;
  readonly sender: string;
  readonly journal: JournalPosition;
  readonly patterns: readonly string[];
  readonly places: readonly BookPlace[];
}
const READ_BYTES = 4 * 1024 * 1024;
/** Places of files that are gone are kept this long, and so many at most. */
const KEEP_GONE_MS = 30 * 24 * 3600 * 1000;
const MAX_PLACES = 20_000;

export class TailBook {
  /** By `file`. In the order of the journal. */
  readonly places = new Map<string, BookPlace>();
  /** Patterns whose files were seen before: only at the first sight of a pattern `from: end` counts. */
  readonly patterns = new Set<string>();
  /** Names this book in batch ids. */
  sender = `tail-${randomBytes(8).toString('hex')}`;
  /** Everything in the journal before it stands in the file. */
  safePosition: JournalPosition = 0;
  /** The journal has been read: places are true. */
  ready = false;
  private changed = false;
  private readonly byInode = new Map<string, string[]>();
  private readonly byFolder = new Map<string, string[]>();
  private readonly file: string;
  private readonly dataDir: string;
  private readonly log: (line: string) => void;

  constructor(dataDir: string, log: (line: string) => void) {
    this.dataDir = dataDir;
    this.file = path.join(dataDir, TAIL_BOOK_FILE);
    this.log = log;
  }
  /** @returns false when there is no book yet */
  load(nowMs: number): boolean {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    try {
      const book = JSON.parse(text) as BookText;
      if (book.version !== 1 || !Array.isArray(book.places) || typeof book.journal !== 'number') throw new Error('not of version 1');
      this.sender = book.sender;
      this.safePosition = book.journal;
      for (const pattern of book.patterns) this.patterns.add(pattern);
      // Counted from now on: nobody looked while nothing ran.
      for (const place of book.places) {
        this.put(place, nowMs);
        if (place.retired) this.retire(place.file);
      }
    } catch (cause) {
      renameSync(this.file, `${this.file}.unreadable`);
      this.log(`tails: ${this.file} cannot be read (${(cause as Error).message}) and is set aside; what the journal still holds counts`);
    }
    return true;
  }
  /** Brings places up to what the journal holds. @param end where the journal ended when this process opened it */
  async recover(journalDir: string, end: JournalPosition, nowMs: number): Promise<void> {
    const reader = await openJournalReader(journalDir, this.safePosition, { lend: true });
    try {
      for (let done = this.safePosition >= end; !done; ) {
        const records = await reader.read(READ_BYTES);
        done = records.length === 0;
        for (const { position, meta } of records) {
          if (position >= end) done = true;
          else if (meta.includes('"tail":')) this.put((JSON.parse(meta) as TailMeta).tail, nowMs);
        }
      }
    } finally {
      await reader.close();
    }
    this.ready = true;
  }
  /** A record with this place is durable. */
  put(place: TailPlace, nowMs: number): void {
    const known = this.places.get(place.file);
    if (!known) for (const other of this.ofInode(place.inode)) if (other.device === place.device) this.retire(other.file);
    const next = { ...place, retired: known?.retired ?? false, seenMs: nowMs };
    this.places.set(place.file, next);
    if (!known) {
      listOf(this.byInode, place.inode).push(place.file);
      listOf(this.byFolder, path.dirname(place.path)).push(place.file);
    }
    this.changed = true;
  }
  /** Oldest first. */
  ofInode(inode: string): BookPlace[] {
    return this.among(this.byInode.get(inode));
  }
  ofFolder(folder: string): BookPlace[] {
    return this.among(this.byFolder.get(folder));
  }
  private among(files: readonly string[] = []): BookPlace[] {
    return files.flatMap((file) => this.places.get(file) ?? []);
  }
  retire(file: string): void {
    const place = this.places.get(file);
    if (!place || place.retired) return;
    this.places.set(file, { ...place, retired: true });
    this.changed = true;
  }
  private forget(place: BookPlace): void {
    this.places.delete(place.file);
    for (const [index, key] of [
      [this.byInode, place.inode],
      [this.byFolder, path.dirname(place.path)],
    ] as const) {
      const rest = (index.get(key) ?? []).filter((each) => each !== place.file);
      if (rest.length > 0) index.set(key, rest);
      else index.delete(key);
    }
  }
  /** Not worth a write of its own. */
  seen(file: string, nowMs: number): void {
    const place = this.places.get(file);
    if (place) place.seenMs = nowMs;
  }
  knows(pattern: string): boolean {
    return this.patterns.has(pattern);
  }
  know(pattern: string): void {
    if (this.patterns.has(pattern)) return;
    this.patterns.add(pattern);
    this.changed = true;
  }
  private forgetOld(nowMs: number): void {
    for (const place of this.places.values()) if (nowMs - place.seenMs > KEEP_GONE_MS) this.forget(place);
    const surplus = this.places.size - MAX_PLACES;
    if (surplus <= 0) return;
    const oldest = [...this.places.values()].sort((a, b) => a.seenMs - b.seenMs).slice(0, surplus);
    for (const place of oldest) this.forget(place);
  }
  /**
   * @param committed end of the journal, read before any `put` could be missing: all records before it are in `places`
   * @param wanted the journal would be released up to here
   */
  async save(committed: JournalPosition, wanted: JournalPosition, nowMs: number): Promise<void> {
    if (!this.changed && wanted <= this.safePosition) return;
    this.forgetOld(nowMs);
    this.changed = false;
    const text: BookText = {
      version: 1,
      sender: this.sender,
      journal: committed,
      patterns: [...this.patterns],
      places: [...this.places.values()],
    };
    const draft = `${this.file}.draft`;
    try {
      await writeFile(draft, JSON.stringify(text), { mode: 0o600, flush: true });
      await rename(draft, this.file);
      await syncFolder(this.dataDir);
      this.safePosition = committed;
    } catch (cause) {
      this.changed = true;
      throw cause;
    }
  }
}
function listOf(index: Map<string, string[]>, key: string): string[] {
  const list = index.get(key) ?? [];
  index.set(key, list);
  return list;
}
