import { lstat, opendir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { JournalError } from '#collectors/pipeline/journal-error.ts';
import type { JournalEntry, JournalPosition } from '#contracts/journal.ts';
import type { SourceStatus } from '#contracts/processes.ts';
import type { Limits } from '#contracts/settings.ts';
import { TAIL_WHYS, type TailedFileStatus, type TailSettings, type TailWhy } from '#contracts/tailing.ts';
import { type FileIdentity, hasCompressedName, identityOf, keyOf, statFile, TAIL_BYTES, whyNotFile } from './file-place.ts';
import { findFiles, fitsGlob, type Glob, parseGlob } from './glob.ts';
import { type BookPlace, TailBook } from './tail-book.ts';
import { type TailContext, TailedFile } from './tailed-file.ts';

export interface TailingOptions {
  readonly tails: readonly TailSettings[];
  readonly dataDir: string;
  readonly journalDir: string;
  readonly append: (entry: JournalEntry) => Promise<JournalPosition>;
  /** End of the journal now. */
  readonly committed: () => JournalPosition;
  readonly limits: Limits;
  readonly retentionSeconds: number;
  /** safePosition has moved. */
  readonly onSaved: () => void;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  readonly pollMs?: number;
}
export interface Tailing {
  statuses(): SourceStatus[];
  /** The journal must keep everything from here on: how far files are read is known from it alone. */
  readonly safePosition: JournalPosition;
  /** The journal would like to release up to here: the book follows. */
  want(position: JournalPosition): void;
  /** Ends after the piece at hand; writes the book. Safe twice. */
  stop(): Promise<void>;
}
const POLL_MS = 250;
/** Polls between two looks round; a file nothing is added to is polled less and less often, down to this. */
const LOOK_POLLS = 4;
/** A look round may take this share of the time. */
const LOOK_SHARE = 20;
const SAVE_MS = 1_000;
const FAILING_WAIT_MS = 5_000;
const REFUSED_WAIT_MS = 1_000;
const PIECE_BYTES = 128 * 1024;
const MAX_LINE_BYTES = 1024 * 1024;
/** Pieces of different files on their way at once. */
const WORKERS = 4;
export const MAX_FILES = 10_000;
export const MAX_OPEN = 256;
const MAX_ENTRIES = 100_000;
const MAX_LISTED = 100;
/** A copy that is longer than its original for this long is none any more. */
const APART_MS = 10_000;

/** Something that fits a pattern and is not read. @param why '' = as the system says */
type Odd = (file: string, why: TailWhy | '', says?: string) => void;
interface Tail {
  readonly context: TailContext;
  readonly globs: readonly Glob[];
  readonly exclude: readonly Glob[];
  /** What fits the pattern and is not read, by path. */
  oddities: Map<string, TailedFileStatus>;
}

/** Loads what was read before, then follows the files until stop(). @throws Error for a pattern that is none */
export function startTailing(options: TailingOptions): Tailing {
  const tailing = new FileTailing(options);
  tailing.start();
  return tailing;
}

class FileTailing implements Tailing {
  private readonly options: TailingOptions;
  private readonly book: TailBook;
  private readonly tails: readonly Tail[];
  /** By device and inode. */
  private readonly files = new Map<string, TailedFile>();
  private readonly tailOf = new Map<TailedFile, Tail>();
  private readonly pieceBytes: number;
  private readonly pollMs: number;
  private wanted: JournalPosition = 0;
  private nextLookMs = 0;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private saveTimer: NodeJS.Timeout | null = null;
  private saving: Promise<void> = Promise.resolve();
  private said = '';
  /** The book of this process is written. */
  private saved = false;

  constructor(options: TailingOptions) {
    this.options = options;
    this.pollMs = options.pollMs ?? POLL_MS;
    const { limits, nowMs, append, retentionSeconds } = options;
    this.book = new TailBook(options.dataDir, options.log);
    const maxLineBytes = Math.min(limits.maxAttributeBytes, MAX_LINE_BYTES);
    this.pieceBytes = Math.max(PIECE_BYTES, 2 * maxLineBytes) + TAIL_BYTES;
    const host = hostname();
    this.tails = options.tails.map((settings) => {
      const account = new SourceAccount(`tail:${settings.pattern}`, 'tail', nowMs);
      account.address = settings.pattern;
      const context: TailContext = { settings, account, book: this.book, append, maxLineBytes, retentionSeconds, host, nowMs };
      return { context, globs: parseGlob(settings.pattern), exclude: settings.exclude.flatMap(parseGlob), oddities: new Map() };
    });
  }
  get safePosition(): JournalPosition {
    return this.book.safePosition;
  }
  want(position: JournalPosition): void {
    this.wanted = Math.max(this.wanted, position);
  }
  start(): void {
    const { nowMs, committed } = this.options;
    const end = committed();
    // Without a book nothing was ever read: the journal before now has nothing to say.
    if (!this.book.load(nowMs())) this.book.safePosition = end;
    this.saveTimer = setInterval(() => void this.save(), SAVE_MS);
    this.running = this.run(end).catch((error: Error) => this.options.log(`BUG: tails: ${error.stack}`));
  }
  private async run(end: JournalPosition): Promise<void> {
    await this.book.recover(this.options.journalDir, end, this.options.nowMs());
    // Before the first line: should this process die, the next one must know from where on the journal speaks.
    for (await this.save(true); !this.saved && !this.stopping; await this.save(true)) await this.pause(REFUSED_WAIT_MS);
    while (!this.stopping) {
      if (this.tails.length > 0) {
        if (this.options.nowMs() >= this.nextLookMs) await this.look();
        await this.readAll();
      }
      await this.pause(this.pollMs);
    }
  }
  private pause(ms: number): Promise<void> {
    if (this.stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  private save(anyway = false): Promise<void> {
    this.saving = this.saving
      .then(async () => {
        if (!this.book.ready) return;
        const before = this.book.safePosition;
        await this.book.save(this.options.committed(), anyway ? Number.POSITIVE_INFINITY : this.wanted, this.options.nowMs());
        this.saved = true;
        if (this.book.safePosition !== before) this.options.onSaved();
      })
      .catch((error: Error) => this.say(`tails: cannot write how far files are read: ${error.message}`));
    return this.saving;
  }
  /** Not the same line every second. */
  private say(line: string): void {
    if (line !== this.said) this.options.log(line);
    this.said = line;
  }

  /** Looks which files there are now. */
  private async look(): Promise<void> {
    const { nowMs } = this.options;
    const startedMs = nowMs();
    const seen = new Set<string>();
    for (const tail of this.tails) if (!this.stopping) await this.lookAt(tail, seen);
    if (this.stopping) return;
    for (const [key, file] of this.files) {
      if (seen.has(key)) this.book.seen(file.life, startedMs);
      else if (file.goneSinceMs === null) file.goneSinceMs = startedMs;
    }
    await this.findMoved();
    for (const tail of this.tails) this.book.know(tail.context.settings.pattern);
    await this.closeSurplus();
    this.nextLookMs = nowMs() + Math.max(LOOK_POLLS * this.pollMs, (nowMs() - startedMs) * LOOK_SHARE);
  }
  private async lookAt(tail: Tail, seen: Set<string>): Promise<void> {
    const { account } = tail.context;
    const { files, problems, cut } = await findFiles(tail.globs, tail.exclude, { maxEntries: MAX_ENTRIES, maxFiles: MAX_FILES });
    const before = tail.oddities;
    const oddities = new Map<string, TailedFileStatus>();
    const odd: Odd = (file, why, says = '') => {
      const state = why === '' || why === 'too_many' ? 'failing' : 'skipped';
      oddities.set(file, { path: file, state, offset: 0, size: 0, lines: 0, why, says: why === '' ? says : TAIL_WHYS[why] });
      const known = before.get(file);
      if (known?.why === why && (why !== '' || known.says === says)) return;
      account.note(why === 'too_many' ? 'tail_too_many_files' : why === '' ? 'tail_file_failed' : 'tail_file_skipped');
    };
    for (const problem of problems) odd(problem.path, '', problem.says);
    if (cut) odd(tail.context.settings.pattern, 'too_many');
    for (const file of files) {
      if (this.stopping) return;
      if (hasCompressedName(file)) odd(file, 'compressed');
      else await this.lookAtFile(tail, file, seen, odd);
    }
    tail.oddities = oddities;
  }
  private async lookAtFile(tail: Tail, file: string, seen: Set<string>, odd: Odd): Promise<void> {
    try {
      const stats = await statFile(file);
      const why = whyNotFile(stats);
      if (why !== '') return odd(file, why);
      const identity = identityOf(stats);
      const key = keyOf(identity);
      // Two names of one file, by a link or by two patterns: it is read once.
      if (seen.has(key)) return;
      seen.add(key);
      const known = this.files.get(key);
      if (known) return this.sighted(known, file, Number(stats.size));
      if (this.files.size >= MAX_FILES) {
        seen.delete(key);
        return odd(file, 'too_many');
      }
      const found = new TailedFile(file, identity, Number(stats.size), tail.context);
      if (await this.welcome(found, tail)) this.add(key, found, tail);
    } catch (error) {
      // Gone since it was listed is no trouble; a link to nowhere is.
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || (await lstat(file).catch(() => null)) !== null) odd(file, '', message);
    }
  }
  private sighted(file: TailedFile, at: string, size: number): void {
    file.path = at;
    file.goneSinceMs = null;
    if (size !== file.size || file.copyOf !== null) file.nextMs = 0;
  }
  private add(key: string, file: TailedFile, tail: Tail): void {
    this.files.set(key, file);
    this.tailOf.set(file, tail);
  }
  /** Where a file that was not known to this process is read from. @returns false when it is another one by now */
  private async welcome(file: TailedFile, tail: Tail): Promise<boolean> {
    if (!(await file.open())) return false;
    const { book } = this;
    const { device, inode } = file.identity;
    // After a restart of the machine a disk may have another number.
    const own = book.ofInode(inode).filter((each) => !each.retired && (each.device === device || each.path === file.path));
    for (const place of own.reverse()) {
      if (await file.resume(place)) return true;
      if (place.device === device) book.retire(place.file);
    }
    for (const place of book.ofFolder(path.dirname(file.path)).reverse()) {
      if (!isCalledLike(file.path, place.path)) continue;
      const original = [...this.files.values()].find((each) => each.life === place.file) ?? null;
      if ((await file.resembles(place, original)) === 'other') continue;
      file.copyOf = { life: place.file, original };
      return true;
    }
    if (tail.context.settings.from === 'end' && !book.knows(tail.context.settings.pattern)) await file.skipToEnd();
    return true;
  }
  /**
   * copytruncate: app.log is copied to app.log.1, then truncated. A file beside a known one, called like it and with the same bytes
   * as far as that one is read, is its copy: it is read from there on, once that one is truncated.
   * @returns whether the file may be read now
   */
  private async mayRead(file: TailedFile): Promise<boolean> {
    if (file.copyOf === null) return true;
    const { life, original } = file.copyOf;
    const place = this.book.places.get(life);
    const alive = place && !place.retired && original && original.goneSinceMs === null && original.life === life;
    if (alive) {
      const how = await file.resembles(place, original);
      // The copy is still being made, or the original is a moment behind.
      if (how !== 'other' && file.size <= original.size) file.grownMs = this.options.nowMs();
      if (how !== 'other' && this.options.nowMs() - file.grownMs < APART_MS) {
        file.say('waiting', 'copy', TAIL_WHYS.copy);
        return false;
      }
    }
    if (place) await file.beginAsCopy(place);
    file.copyOf = null;
    return true;
  }
  /** Files that were renamed out of sight while nobody looked: their last lines first. */
  private async findMoved(): Promise<void> {
    const missing = new Map<string, BookPlace[]>();
    for (const place of this.book.places.values()) {
      if (place.retired || this.files.has(keyOf(place)) || this.searched.has(place.file)) continue;
      this.searched.add(place.file);
      const folder = path.dirname(place.path);
      missing.set(folder, [...(missing.get(folder) ?? []), place]);
    }
    for (const [folder, places] of missing) await this.searchFolder(folder, places).catch(() => undefined);
  }
  private readonly searched = new Set<string>();
  private async searchFolder(folder: string, places: readonly BookPlace[]): Promise<void> {
    let left = MAX_FILES;
    for await (const entry of await opendir(folder)) {
      if (this.stopping || --left < 0) return;
      if (!entry.isFile() || hasCompressedName(entry.name)) continue;
      const at = path.join(folder, entry.name);
      const stats = await statFile(at).catch(() => null);
      if (!stats || this.files.has(keyOf(identityOf(stats)))) continue;
      const place = places.find((each) => keyOf(each) === keyOf(identityOf(stats)));
      const tail = place && this.tails.find(({ globs }) => globs.some((glob) => fitsGlob(glob, place.path)));
      if (place && tail) await this.finishMoved(at, place, tail, identityOf(stats), Number(stats.size));
    }
  }
  private async finishMoved(at: string, place: BookPlace, tail: Tail, identity: FileIdentity, size: number): Promise<void> {
    const file = new TailedFile(place.path, identity, size, tail.context);
    file.path = at;
    file.goneSinceMs = this.options.nowMs();
    if ((await file.open()) && (await file.resume(place))) this.add(keyOf(identity), file, tail);
    else await file.close();
  }

  /** Reads what is due, files that are gone first: until there is nothing more, or the journal refuses. */
  private async readAll(): Promise<void> {
    const now = this.options.nowMs();
    const due = [...this.files.values()].filter((file) => file.nextMs <= now && file.state !== 'gone');
    due.sort((a, b) => (a.goneSinceMs ?? Number.POSITIVE_INFINITY) - (b.goneSinceMs ?? Number.POSITIVE_INFINITY) || 0);
    const untilMs = now + LOOK_POLLS * this.pollMs;
    let refused = false;
    const worker = async (): Promise<void> => {
      const piece = Buffer.allocUnsafeSlow(this.pieceBytes);
      for (let file = due.shift(); file !== undefined && !refused && !this.stopping; file = due.shift()) {
        try {
          // Whoever has more waits for the others; and after a second it is time to look round again.
          if ((await this.stepOf(file, piece)) && this.options.nowMs() < untilMs) due.push(file);
        } catch (error) {
          refused = (await this.failed(file, error as Error)) || refused;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(WORKERS, due.length) }, worker));
    if (refused) await this.pause(REFUSED_WAIT_MS);
  }
  /** @returns whether there is more of it at once */
  private async stepOf(file: TailedFile, piece: Buffer): Promise<boolean> {
    if (!(await this.mayRead(file))) {
      file.nextMs = this.options.nowMs() + LOOK_POLLS * this.pollMs;
      return false;
    }
    const offset = file.offset;
    const step = await file.step(piece);
    if (step === 'more') return true;
    if (step === 'end') {
      this.files.delete(keyOf(file.identity));
      this.tailOf.delete(file);
      return false;
    }
    file.waitMs = file.offset !== offset ? this.pollMs : Math.min(LOOK_POLLS * this.pollMs, Math.max(this.pollMs, file.waitMs * 2));
    file.nextMs = this.options.nowMs() + file.waitMs;
    return false;
  }
  /** @returns whether it was the journal that failed */
  private async failed(file: TailedFile, error: Error): Promise<boolean> {
    const account = this.tailOf.get(file)?.context.account;
    if (error instanceof JournalError) {
      // Not lost: the files keep it.
      account?.refuse(error.reason, error.message);
      return true;
    }
    const known = error as NodeJS.ErrnoException;
    if (known.code === undefined) this.options.log(`BUG: tails: ${file.path}: ${error.stack}`);
    if (file.says !== error.message) account?.note('tail_file_failed');
    file.say('failing', '', error.message);
    await file.rewind();
    file.nextMs = this.options.nowMs() + FAILING_WAIT_MS;
    return false;
  }
  /** Files at rest give their handles back, those that rest longest first: they are opened again when they grow. */
  private async closeSurplus(): Promise<void> {
    const open = [...this.files.values()].filter((file) => file.isOpen);
    if (open.length <= MAX_OPEN) return;
    const resting = open.filter((file) => file.rests).sort((a, b) => a.grownMs - b.grownMs);
    for (const file of resting.slice(0, open.length - MAX_OPEN)) {
      await file.close();
      // Until the next look round sees another size.
      file.nextMs = Number.POSITIVE_INFINITY;
    }
  }

  statuses(): SourceStatus[] {
    const now = this.options.nowMs();
    return this.tails.map((tail) => {
      const files = [...this.files.values()].filter((file) => this.tailOf.get(file) === tail).map((file) => file.status());
      const all = [...tail.oddities.values(), ...files].sort((a, b) => rank(a) - rank(b) || b.size - b.offset - (a.size - a.offset));
      const status = tail.context.account.status();
      const failing = all.find((file) => file.state === 'failing');
      const none = all.length === 0 && now > 0 ? 'no file fits the pattern yet' : '';
      return {
        ...status,
        state: failing && status.state !== 'stopped' ? 'failing' : status.state,
        error: status.error || (failing ? `${failing.path}: ${failing.says}` : none),
        files: all.slice(0, MAX_LISTED),
        filesTotal: all.length,
      };
    });
  }
  async stop(): Promise<void> {
    if (this.saveTimer) clearInterval(this.saveTimer);
    this.saveTimer = null;
    this.stopping = true;
    this.wake();
    await this.running;
    await this.save();
    for (const file of this.files.values()) await file.close();
    for (const { context } of this.tails) context.account.stopped = true;
  }
}
const RANK = ['failing', 'reading', 'waiting', 'following', 'gone', 'skipped'] as const;
const rank = ({ state }: TailedFileStatus): number => RANK.indexOf(state);

/** app.log.1, app.log-20261121, app-20261121.log and app.1.log are called like app.log. */
export function isCalledLike(copy: string, original: string): boolean {
  if (path.dirname(copy) !== path.dirname(original) || copy === original) return false;
  const name = path.basename(original);
  const other = path.basename(copy);
  if (other.startsWith(name)) return true;
  const { name: stem, ext } = path.parse(name);
  return ext !== '' && other.startsWith(stem) && other.endsWith(ext) && /^[-._]?\d/.test(other.slice(stem.length));
}
