import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { type LogAttributes, writeLogGroups } from '#collectors/otlp/log-writer.ts';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { closeFile, readAt } from '#collectors/pipeline/disk-file.ts';
import { BodyEncoding, BodyFormat, type JournalEntry, type JournalPosition, RecordKind } from '#contracts/journal.ts';
import { TAIL_WHYS, type TailedFileStatus, type TailMeta, type TailPlace, type TailSettings, type TailWhy } from '#contracts/tailing.ts';
import {
  type FileIdentity,
  fingerprint,
  type HeldBytes,
  identityOf,
  NO_HEAD,
  openToRead,
  SNIFF_BYTES,
  stands,
  statOpen,
  TAIL_BYTES,
  whyNotFile,
  whyNotText,
} from './file-place.ts';
import { type JoinedRecord, LineJoiner } from './join-lines.ts';
import { type LogLine, readLogLine, serviceOfFile } from './log-line.ts';
import { LineSplitter, type SplitLine } from './split-lines.ts';
import type { BookPlace, TailBook } from './tail-book.ts';

export interface TailContext {
  readonly settings: TailSettings;
  readonly account: SourceAccount;
  readonly book: TailBook;
  readonly append: (entry: JournalEntry) => Promise<JournalPosition>;
  readonly maxLineBytes: number;
  readonly retentionSeconds: number;
  readonly host: string;
  readonly nowMs: () => number;
}
/** A record of lines that is not durable yet. Sent again as it is: should an attempt have come through unseen, its repeat is known. */
interface Batch {
  readonly entry: JournalEntry;
  readonly place: TailPlace;
}
/** more: there is something to read at once. rest: nothing new. end: gone, and read to its end. */
export type Step = 'more' | 'rest' | 'end';
/** A file that is gone gets this long for its writer's last lines: rotation tells writers late. */
const LAST_LINES_MS = 60_000;

/** One file that is read as it grows. One step at a time; how far it is read moves only when the lines are durable. */
export class TailedFile {
  readonly identity: FileIdentity;
  /** Where it was first seen: rotation does not rename the lines' origin. */
  readonly origin: string;
  /** Where it is now. */
  path: string;
  size: number;
  /** Not in sight any more. */
  goneSinceMs: number | null = null;
  /** Reads nothing while it may be the copy of a file that is about to be truncated (copytruncate). */
  copyOf: { readonly life: string; readonly original: TailedFile | null } | null = null;
  /** When it is to be looked at next, and how long it waits when nothing has changed. */
  nextMs = 0;
  waitMs = 0;
  grownMs: number;
  lines = 0;
  why: TailWhy | '' = '';
  says = '';
  state: TailedFileStatus['state'] = 'reading';
  /** One life of the file; a truncation begins another. */
  life: string;
  private fd: number | null = null;
  private acked: number;
  private head = NO_HEAD;
  private splitter: LineSplitter;
  private joiner: LineJoiner;
  /** The bytes before what is read next: if they are others by then, the file was written anew. */
  private before: Buffer = Buffer.alloc(0);
  private batch: Batch | null = null;
  private rewound = false;
  private sniffed = false;
  /** The file's size when nothing whole stood in what is left of it. */
  private partialAt = -1;
  private readonly context: TailContext;

  constructor(file: string, identity: FileIdentity, size: number, context: TailContext) {
    this.origin = file;
    this.path = file;
    this.identity = identity;
    this.size = size;
    this.context = context;
    this.life = randomBytes(6).toString('hex');
    this.acked = 0;
    this.splitter = new LineSplitter(0, context.maxLineBytes);
    this.joiner = new LineJoiner(context.settings.multiline, context.maxLineBytes);
    this.grownMs = context.nowMs();
  }
  get isOpen(): boolean {
    return this.fd !== null;
  }
  /** Read to its end, in sight, and nothing of it waits. */
  get rests(): boolean {
    const done = this.state === 'skipped' || this.state === 'following';
    return done && this.goneSinceMs === null && this.copyOf === null && this.batch === null && !this.joiner.waits;
  }
  /** Read and durable, bytes. */
  get offset(): number {
    return this.acked;
  }
  status(): TailedFileStatus {
    const { path, state, acked, size, lines, why, says } = this;
    return { path, state, offset: acked, size, lines, why, says };
  }

  /** @returns false: it is not there any more, or another one is; the next look round says which */
  async open(): Promise<boolean> {
    if (this.fd !== null) return true;
    const fd = await openToRead(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (fd === null) return false;
    const stats = await statOpen(fd).catch(() => null);
    const same = stats !== null && whyNotFile(stats) === '' && identityOf(stats).inode === this.identity.inode;
    if (!same) {
      await closeFile(fd);
      return false;
    }
    this.fd = fd;
    this.size = Number(stats.size);
    if (this.rewound) await this.startAt(this.acked);
    this.rewound = false;
    return true;
  }
  /** After a failure between reading and writing: what was read and is not in a batch is read again. */
  async rewind(): Promise<void> {
    if (this.batch !== null) return;
    this.joiner = new LineJoiner(this.context.settings.multiline, this.context.maxLineBytes);
    this.rewound = true;
    await this.close();
  }
  async close(): Promise<void> {
    const { fd } = this;
    this.fd = null;
    if (fd !== null) await closeFile(fd);
  }
  /** Goes on where an earlier process stood. @returns false when something else stands there now */
  async resume(place: BookPlace): Promise<boolean> {
    if (this.fd === null || !(await stands(this.fd, this.size, place))) return false;
    this.head = { headBytes: place.headBytes, headCrc: place.headCrc };
    await this.startAt(place.offset);
    if (place.device === this.identity.device) this.life = place.file;
    else await this.settle();
    return true;
  }
  /** Begins behind what is there: after the last line feed. */
  async skipToEnd(): Promise<void> {
    if (this.fd === null) return;
    const piece = Buffer.allocUnsafe(Math.min(this.size, this.context.maxLineBytes));
    const from = this.size - piece.length;
    const bytes = piece.subarray(0, await readAt(this.fd, piece, from));
    const feed = bytes.lastIndexOf(0x0a);
    await this.startAt(feed < 0 ? this.size : from + feed + 1);
    await this.settle();
  }
  private async startAt(offset: number): Promise<void> {
    this.splitter = new LineSplitter(offset, this.context.maxLineBytes);
    this.acked = offset;
    const before = Buffer.allocUnsafe(Math.min(TAIL_BYTES, offset));
    if (this.fd !== null) await readAt(this.fd, before, offset - before.length);
    this.before = before;
  }
  /** Where it begins is no journal's business: the book alone knows it. */
  private async settle(): Promise<void> {
    if (this.fd === null || this.acked === 0) return;
    const { book, nowMs } = this.context;
    const print = await fingerprint(this.fd, this.acked, NO_HEAD, null);
    this.head = { headBytes: print.headBytes, headCrc: print.headCrc };
    book.put({ file: this.life, path: this.origin, ...this.identity, offset: this.acked, ...print }, nowMs());
  }
  /** copy: it holds what was read of that file. part: it may come to. */
  async resembles(place: BookPlace, original: TailedFile | null): Promise<'copy' | 'part' | 'other'> {
    if (!(await this.open())) return 'other';
    const fd = this.fd as number;
    this.size = Number((await statOpen(fd)).size);
    if (this.size >= place.offset) return (await stands(fd, this.size, place)) ? 'copy' : 'other';
    if (this.size < place.headBytes) return (await this.beginsLike(original)) ? 'part' : 'other';
    return (await stands(fd, this.size, { ...place, offset: this.size, tailBytes: 0, tailCrc: 0 })) ? 'part' : 'other';
  }
  private async beginsLike(original: TailedFile | null): Promise<boolean> {
    if (this.fd === null || !original || original.fd === null) return false;
    const [own, others] = [Buffer.alloc(this.size), Buffer.alloc(this.size)];
    await Promise.all([readAt(this.fd, own, 0), readAt(original.fd, others, 0)]);
    return own.equals(others);
  }
  /** A copy is read from where its original was read to. */
  async beginAsCopy(place: BookPlace): Promise<void> {
    const how = await this.resembles(place, this.copyOf?.original ?? null);
    this.copyOf = null;
    if (how === 'other') return;
    await this.startAt(Math.min(place.offset, this.size));
    await this.settle();
  }

  /** Reads one piece, as far as the file goes. @param piece memory to read into, lent @throws JournalError, or what the file says */
  async step(piece: Buffer): Promise<Step> {
    if (this.batch) await this.send();
    // Until the next look round says whether another one took its place.
    if (!(await this.open())) return this.goneSinceMs === null ? 'rest' : 'end';
    const fd = this.fd as number;
    const size = Number((await statOpen(fd)).size);
    if (size !== this.size) this.grownMs = this.context.nowMs();
    const known = this.size;
    this.size = size;
    if (size < this.splitter.readFrom || (this.state === 'skipped' && size < known)) return this.beginAgain(known);
    if (size === this.splitter.readFrom || size === this.partialAt || this.state === 'skipped') return this.rest(piece);
    const { before } = this;
    const from = this.splitter.readFrom - before.length;
    const bytes = piece.subarray(0, await readAt(fd, piece, from, Math.min(piece.length, size - from)));
    if (!bytes.subarray(0, before.length).equals(before)) return this.beginAgain(known);
    const records: JoinedRecord[] = [];
    const moved = this.take(bytes, before.length, (record) => records.push(record));
    this.partialAt = moved ? -1 : size;
    await this.keep(records, { bytes, from });
    return moved && this.splitter.readFrom < this.size ? 'more' : this.rest(piece);
  }
  /** @returns whether anything of it was whole */
  private take(bytes: Buffer, skip: number, onRecord: (record: JoinedRecord) => void): boolean {
    const at = this.splitter.readFrom;
    const fresh = bytes.subarray(skip);
    if (!this.sniffed && !this.sniff(fresh)) return false;
    const valid = isUtf8(fresh);
    this.splitter.split(fresh, (line) => this.addLine(line, valid, onRecord));
    const moved = this.splitter.readFrom - at;
    if (moved > 0) this.before = Buffer.from(bytes.subarray(Math.max(0, skip + moved - TAIL_BYTES), skip + moved));
    return moved > 0;
  }
  private sniff(bytes: Buffer): boolean {
    this.sniffed = true;
    const why = this.splitter.readFrom > 0 ? '' : whyNotText(bytes.subarray(0, SNIFF_BYTES));
    if (why === '') return true;
    // Looked at again when it has been truncated.
    this.say('skipped', why, TAIL_WHYS[why]);
    this.context.account.note('tail_file_skipped');
    return false;
  }
  say(state: TailedFileStatus['state'], why: TailWhy | '', says: string): void {
    this.state = state;
    this.why = why;
    this.says = says;
  }
  private addLine({ bytes, end, cutBytes }: SplitLine, valid: boolean, onRecord: (record: JoinedRecord) => void): void {
    const { account, nowMs } = this.context;
    // A cut may lie within a character.
    const whole = cutBytes === 0 ? bytes : withoutHalfCharacter(bytes);
    if (!valid && !isUtf8(whole)) account.note('tail_not_utf8');
    if (cutBytes > 0) account.note('tail_line_cut');
    // An empty line says nothing, but it may stand within a record.
    if (whole.length > 0 || this.joiner.waits) this.joiner.add(whole.toString('utf8'), end, nowMs(), onRecord);
  }
  /** Nothing new: what waits may be due, and a file that is gone comes to its end. */
  private async rest(piece: Buffer): Promise<Step> {
    const { nowMs, settings } = this.context;
    const records: JoinedRecord[] = [];
    if (this.joiner.waitsSince(nowMs() - settings.multilineMs)) this.joiner.flush((record) => records.push(record));
    await this.keep(records);
    if (this.state !== 'skipped') this.state = this.splitter.start < this.size ? 'waiting' : 'following';
    const over = this.goneSinceMs !== null && nowMs() - Math.max(this.goneSinceMs, this.grownMs) >= LAST_LINES_MS;
    if (!over) return 'rest';
    await this.finish(piece);
    return 'end';
  }
  /** The last line need not have ended. */
  private async finish(piece: Buffer): Promise<void> {
    const records: JoinedRecord[] = [];
    const add = (record: JoinedRecord): void => void records.push(record);
    if (this.fd !== null && this.state !== 'skipped') {
      const rest = piece.subarray(
        0,
        await readAt(this.fd, piece, this.splitter.readFrom, Math.min(piece.length, this.size - this.splitter.readFrom)),
      );
      this.splitter.finish(rest, (line) => this.addLine(line, false, add));
    }
    this.joiner.flush(add);
    await this.keep(records);
    await this.close();
    this.state = 'gone';
  }
  /** The file was truncated, or written anew under its name: another life, from its first byte. */
  private async beginAgain(knownSize: number): Promise<Step> {
    const { context, splitter } = this;
    const unread = Math.max(0, knownSize - splitter.start);
    // What was read of the former life is still to be kept, as far as it was read.
    const records: JoinedRecord[] = [];
    this.joiner.flush((record) => records.push(record));
    await this.keep(records);
    if (unread > 0 && this.state !== 'skipped') context.account.note('tail_truncated');
    context.book.retire(this.life);
    this.life = randomBytes(6).toString('hex');
    this.acked = 0;
    this.head = NO_HEAD;
    this.before = Buffer.alloc(0);
    this.partialAt = -1;
    this.splitter = new LineSplitter(0, context.maxLineBytes);
    this.sniffed = false;
    this.say('reading', '', '');
    return 'more';
  }

  private async keep(records: readonly JoinedRecord[], held: HeldBytes | null = null): Promise<void> {
    if (this.splitter.nulBytes > 0) {
      this.context.account.note('tail_nul_bytes', this.splitter.nulBytes);
      this.splitter.nulBytes = 0;
    }
    const last = records.at(-1);
    if (last === undefined || this.fd === null) return;
    const { life, origin, identity, acked } = this;
    const { book, settings, nowMs, retentionSeconds, account, host } = this.context;
    const print = await fingerprint(this.fd, last.end, this.head, held);
    this.head = { headBytes: print.headBytes, headCrc: print.headCrc };
    const place: TailPlace = { file: life, path: origin, ...identity, offset: last.end, ...print };
    const now = nowMs();
    const clock = { nowMs: now, zone: settings.zone };
    let bytes = 256;
    const lines = records.map(({ text }): LogLine => {
      bytes += text.length * 2 + 64;
      return readLogLine(text, settings.format, clock);
    });
    const unparsed = lines.reduce((sum, line) => sum + (line.unparsed ? 1 : 0), 0);
    if (unparsed > 0) account.note('tail_unparsed', unparsed);
    const service = settings.service || serviceOfFile(origin);
    const resource: LogAttributes = [
      ['service.name', service],
      ['host.name', host],
      ['log.file.path', origin],
    ];
    const meta: TailMeta = { batch: `${book.sender}.${life}.${acked}.${last.end}`, tail: place };
    const entry: JournalEntry = {
      kind: RecordKind.logs,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.identity,
      receivedUnixNano: BigInt(now) * 1_000_000n,
      retentionSeconds,
      items: lines.length,
      source: account.source,
      meta: JSON.stringify(meta),
      body: writeLogGroups([{ resource, items: lines }], bytes),
    };
    this.batch = { entry, place };
    await this.send();
  }
  private async send(): Promise<void> {
    const { entry, place } = this.batch as Batch;
    const { append, book, account, nowMs } = this.context;
    await append(entry);
    // At once: the book must hold it before it is told how far the journal goes.
    book.put(place, nowMs());
    this.batch = null;
    this.lines += entry.items;
    account.accept('logs', entry.items, place.offset - this.acked);
    this.acked = place.offset;
    this.say('reading', '', '');
  }
}
/** A character cut in two is left out. */
function withoutHalfCharacter(bytes: Buffer): Buffer {
  let end = bytes.length;
  for (let back = 1; back <= 4 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (needs > back) end = bytes.length - back;
    break;
  }
  return bytes.subarray(0, end);
}
