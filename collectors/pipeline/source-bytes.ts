import { readFileSync, renameSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { firstServiceOf } from '#collectors/otlp/first-service.ts';
import { writeServices } from '#collectors/prometheus/write-services.ts';
import { BodyEncoding, type JournalEntry, type JournalPosition, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import {
  type CompiledLimit,
  compileLimits,
  DAY_MS,
  dayOf,
  keyOf,
  type LimitedSource,
  MAX_COUNTED,
  OTHER_SOURCES,
  SOURCE_BYTES_FILE,
  type SourceBytes as SourceBytesTold,
} from '#contracts/limited-source.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';
import { syncFolder } from './disk-file.ts';
import { JournalError } from './journal-error.ts';
import { openJournalReader } from './journal-reader.ts';

interface Count extends LimitedSource {
  /** Of what was taken, also when it is not durable yet. */
  bytes: number;
  /** Of records that are durable: what the book may say. */
  durable: number;
  refused: number;
}
interface BookText {
  readonly version: 1;
  readonly day: string;
  readonly journal: JournalPosition;
  readonly bytes: Readonly<Record<string, number>>;
}
export interface SourceBytesOptions {
  readonly dataDir: string;
  readonly limits: SourceLimits;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
interface Part {
  readonly count: Count;
  readonly size: number;
}
/** Shares of a whole as whole numbers that add up to it. */
function wholeParts(shares: readonly number[], whole: number): number[] {
  let [told, sum] = [0, 0];
  return shares.map((share, i) => {
    sum += share;
    const upTo = i === shares.length - 1 ? whole : Math.round(sum * whole);
    const size = upTo - told;
    told = upTo;
    return size;
  });
}
type Append = (entry: JournalEntry, sender?: string) => Promise<JournalPosition>;
const READ_BYTES = 4 * 1024 * 1024;
const MAX_TOLD = 100;
const OTLP: readonly number[] = [RecordKind.traces, RecordKind.metrics, RecordKind.logs, RecordKind.profiles];

/**
 * Whose the bytes of a record are, each service's share: of OTLP the first resource's service, of a scrape the target's, of remote write each
 * series' own. '' where none is named. The same of the record and of its replay.
 */
function servicesOf({
  kind,
  encoding,
  body,
  meta,
}: Pick<JournalEntry, 'kind' | 'encoding' | 'body' | 'meta'>): ReadonlyMap<string, number> {
  if (kind === RecordKind.write1 || kind === RecordKind.write2) return writeServices(kind === RecordKind.write1 ? 1 : 2, body);
  return new Map([[kind === RecordKind.scrape ? targetService(meta) : otlpService({ kind, encoding, body }), 1]]);
}
function otlpService({ kind, encoding, body }: Pick<JournalEntry, 'kind' | 'encoding' | 'body'>): string {
  if (!OTLP.includes(kind)) return '';
  return firstServiceOf(body, encoding === BodyEncoding.gzip ? 'gzip' : encoding === BodyEncoding.zstd ? 'zstd' : 'identity');
}
function targetService(meta: string): string {
  const { labels } = JSON.parse(meta) as Pick<ScrapeMeta, 'labels'>;
  return labels['service_name'] ?? labels['job'] ?? '';
}

/**
 * Bytes of the UTC day by source (contracts/source-limits.ts maxBytesPerDay). A record that would go over is refused before it is
 * journaled, so nothing acknowledged is lost to a limit. The counts survive as the tails' book does: DATA/source-bytes.json is written
 * behind the journal, says up to which position it counts, and the records after it are read again at start; the journal keeps those
 * (`safePosition`). A day ends by the clock of arrival, never before one that was counted already.
 */
export class SourceBytes {
  /** Everything in the journal before it stands in the file. */
  safePosition: JournalPosition = Number.MAX_SAFE_INTEGER;
  private compiled: readonly CompiledLimit[] = [];
  private counts = new Map<string, Count>();
  private day: string;
  private ready: Promise<void> = Promise.resolve();
  /** Records before it are durable and counted. */
  private reached: JournalPosition = 0;
  private saved = 0;
  private changes = 0;
  private saving: Promise<void> = Promise.resolve();
  private readonly options: SourceBytesOptions;

  constructor(options: SourceBytesOptions) {
    this.options = options;
    this.day = dayOf(options.nowMs());
    this.setLimits(options.limits);
  }
  get hasLimits(): boolean {
    return this.compiled.length > 0;
  }
  /** Counts of names that stay go on, others begin at nothing. @param committed end of the journal, where counting begins */
  setLimits(limits: SourceLimits, committed: JournalPosition = this.reached): void {
    this.compiled = compileLimits(limits).filter(({ limit }) => limit.maxBytesPerDay !== undefined);
    const names = new Set(this.compiled.map(({ name }) => name));
    for (const [key, { name }] of this.counts) if (!names.has(name)) this.counts.delete(key);
    this.changes++;
    if (!this.hasLimits) this.safePosition = Number.MAX_SAFE_INTEGER;
    else if (this.safePosition === Number.MAX_SAFE_INTEGER) {
      this.reached = Math.max(this.reached, committed);
      this.safePosition = this.reached;
    }
  }
  /** Reads the book, and what the journal holds after it. Records wait until it is done. @param end of the journal when it was opened */
  recover(journalDir: string, end: JournalPosition): void {
    this.reached = end;
    if (!this.hasLimits) return;
    this.safePosition = 0;
    this.ready = this.load(journalDir, end).catch((error: Error) =>
      this.options.log(`limits by source: the bytes of today before this start are not all counted: ${error.message}`),
    );
  }
  private async load(journalDir: string, end: JournalPosition): Promise<void> {
    const book = this.readBook();
    if (book && book.day >= this.day) this.day = book.day;
    this.safePosition = Math.min(book?.journal ?? 0, end);
    for (const [key, bytes] of Object.entries(book?.day === this.day ? book.bytes : {})) this.restore(key, bytes);
    const reader = await openJournalReader(journalDir, this.safePosition, { lend: true });
    try {
      let day = book?.day ?? '';
      for (let done = this.safePosition >= end; !done; ) {
        const records = await reader.read(READ_BYTES);
        done = records.length === 0;
        for (const record of records) {
          if (record.position >= end) done = true;
          // A forwarded record brings an older arrival along: it came after the one before it.
          const own = dayOf(Number(record.receivedUnixNano / 1_000_000n));
          day = own > day ? own : day;
          if (record.position >= end || day !== this.day) continue;
          for (const { count, size } of this.partsOf(record)) {
            count.bytes += size;
            count.durable += size;
          }
        }
      }
    } finally {
      await reader.close();
    }
  }
  private readBook(): BookText | null {
    const file = path.join(this.options.dataDir, SOURCE_BYTES_FILE);
    try {
      const book = JSON.parse(readFileSync(file, 'utf8')) as BookText;
      if (book.version !== 1 || typeof book.journal !== 'number' || typeof book.bytes !== 'object') throw new Error('not of version 1');
      return book;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      renameSync(file, `${file}.unreadable`);
      this.options.log(`${file} cannot be read (${(cause as Error).message}) and is set aside; what the journal still holds counts`);
      return null;
    }
  }
  private restore(key: string, bytes: number): void {
    const [name = '', source = '', service = ''] = key.split('\n');
    const known = this.compiled.find((each) => each.name === name);
    if (known) this.counts.set(key, { name, source, service: known.ofService ? service : null, bytes, durable: bytes, refused: 0 });
  }

  /** Takes the bytes of an entry and appends it. @throws JournalError source_bytes, before anything is written */
  async append(entry: JournalEntry, sender: string | undefined, append: Append): Promise<JournalPosition> {
    await this.ready;
    this.turnDay();
    const { day } = this;
    const parts = this.partsOf(entry);
    this.check(parts, entry.body.length);
    for (const { count, size } of parts) count.bytes += size;
    try {
      const position = await append(entry, sender);
      if (day === this.day) for (const { count, size } of parts) count.durable += size;
      this.changes++;
      return this.noted(position);
    } catch (error) {
      if (day === this.day) for (const { count, size } of parts) count.bytes -= size;
      throw error;
    }
  }
  private noted(position: JournalPosition): JournalPosition {
    this.reached = Math.max(this.reached, position);
    return position;
  }
  /**
   * One service of many in a body that has no room does not stop the others: what it has is counted, and a body in which nobody has room
   * is refused.
   */
  private check(parts: readonly Part[], size: number): void {
    if (size === 0) return;
    const full = parts.filter((part) => part.count.bytes + part.size > this.limitOf(part.count));
    for (const part of full) {
      const { name, source, service } = part.count;
      const ofName = parts.filter(({ count }) => count.name === name);
      const isAll = service === null || ofName.every((each) => full.includes(each) || each.size === 0);
      const left = size - ofName.reduce((sum, each) => sum + each.size, 0);
      if (!isAll || left > 0) continue;
      for (const { count } of ofName) count.refused++;
      const who = service === null ? source : `${service} by ${source}`;
      const hours = Math.ceil((Date.parse(this.day) + DAY_MS - this.options.nowMs()) / 360_000) / 10;
      throw new JournalError(
        'source_bytes',
        `${who} has sent ${part.count.bytes} of the ${this.limitOf(part.count)} bytes it may send on a day (UTC), and these are ${part.size}; the next day begins in ${hours} h`,
      );
    }
  }
  private limitOf({ name }: Count): number {
    return this.compiled.find((each) => each.name === name)?.limit.maxBytesPerDay ?? Number.POSITIVE_INFINITY;
  }
  private turnDay(): void {
    const today = dayOf(this.options.nowMs());
    if (today <= this.day) return;
    this.day = today;
    for (const count of this.counts.values()) {
      count.bytes = 0;
      count.durable = 0;
    }
    this.changes++;
  }
  /** What an entry counts for: of each name that fits, all of it or the services' parts. Whole bytes, together what it has. */
  private partsOf(entry: Pick<JournalEntry, 'source' | 'kind' | 'encoding' | 'body' | 'meta'>): Part[] {
    const { source, body } = entry;
    const fitting = this.compiled.filter((each) => each.source(source));
    if (fitting.length === 0) return [];
    const shares = fitting.some(({ ofService }) => ofService) ? [...servicesOf(entry)] : [];
    const sizes = wholeParts(
      shares.map(([, share]) => share),
      body.length,
    );
    return fitting.flatMap(({ name, ofService, service }): Part[] => {
      if (!ofService) return [{ count: this.count({ name, source, service: null }), size: body.length }];
      return shares.flatMap(([of], i) =>
        service(of) ? [{ count: this.count({ name, source, service: of }), size: sizes[i] as number }] : [],
      );
    });
  }
  private count(of: LimitedSource): Count {
    const known = this.counts.get(keyOf(of));
    if (known) return known;
    if (this.counts.size >= MAX_COUNTED && of.source !== OTHER_SOURCES)
      return this.count({ name: of.name, source: OTHER_SOURCES, service: null });
    const count: Count = { ...of, bytes: 0, durable: 0, refused: 0 };
    this.counts.set(keyOf(of), count);
    return count;
  }

  /** Writes the book, if anything changed. One at a time. */
  save(): Promise<void> {
    if (!this.hasLimits) return Promise.resolve();
    this.saving = this.saving.then(() => this.write()).catch((error: Error) => this.options.log(`limits by source: ${error.message}`));
    return this.saving;
  }
  private async write(): Promise<void> {
    await this.ready;
    this.turnDay();
    if (this.changes === this.saved && this.safePosition === this.reached) return;
    const { changes, reached, day } = this;
    const bytes = Object.fromEntries([...this.counts].filter(([, { durable }]) => durable > 0).map(([key, { durable }]) => [key, durable]));
    const file = path.join(this.options.dataDir, SOURCE_BYTES_FILE);
    const text: BookText = { version: 1, day, journal: reached, bytes };
    await writeFile(`${file}.draft`, JSON.stringify(text), { mode: 0o600, flush: true });
    await rename(`${file}.draft`, file);
    await syncFolder(this.options.dataDir);
    this.saved = changes;
    if (this.hasLimits) this.safePosition = reached;
  }
  /** Those with most bytes first; absent without limits. */
  statuses(): SourceBytesTold[] {
    return [...this.counts.values()]
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, MAX_TOLD)
      .map(({ name, source, service, bytes, refused }) => ({ name, source, service, bytes, refused }));
  }
}
