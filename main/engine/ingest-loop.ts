import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JournalDamage, JournalReader } from '#collectors/pipeline/journal-reader.ts';
import type { DecodedRecord } from '#contracts/columns.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { BatchMeta } from '#contracts/forward-headers.ts';
import { type JournalPosition, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { AppendedRecord, Store } from '#contracts/store.ts';
import type { TableName } from '#contracts/tables.ts';
import { eventExtent, type IngestAccount } from './ingest-account.ts';

export interface IngestOptions {
  readonly reader: JournalReader;
  readonly store: Pick<Store, 'append' | 'hot' | 'relieve' | 'firstOfBatch'>;
  readonly account: IngestAccount;
  /** `needs`: see contracts/store.ts AppendedRecord. */
  readonly decode: (record: JournalRecord) => Promise<DecodedRecord & Pick<AppendedRecord, 'needs'>>;
  readonly quarantine: (record: JournalRecord, error: unknown) => Promise<void>;
  /** Rows with these event times are now visible. */
  readonly onVisible: (table: TableName, rows: number, oldestMs: number, newestMs: number) => void;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** Hot rows above this many bytes stop the reading until the store has written some of them. */
  readonly hotBudgetBytes?: number;
  readonly pollMs?: number;
}
const READ_BYTES = 4 * 1024 * 1024;
/** Hot rows above this many bytes stop the reading of the journal. */
export const HOT_BUDGET_BYTES = 384 * 1024 * 1024;
const POLL_MS = 250;
/** After so many polls without a record the engine is idle and polls half as often; the collector's word still wakes it at once. */
const IDLE_POLLS = 40;
/** The loop hands the thread over after this much work, so that an answer waits no longer than that. */
const TURN_MS = 8;

/** Id under which a forwarding console sent the record; null for everything else. The signal is part of it: an id is one body. */
function batchOf({ kind, meta }: JournalRecord): string | null {
  if (meta === '' || kind === RecordKind.scrape) return null;
  return `${(JSON.parse(meta) as BatchMeta).batch}.${kind}`;
}
/**
 * Reads the journal from where the store wants it, decodes and appends, in order, for as long as the engine lives.
 * Woken by the collector's word, and by a poll in case the word is lost.
 */
export class IngestLoop {
  position: JournalPosition;
  /** The journal's end has been seen at least once. */
  caughtUp = false;
  paused = false;
  private readonly options: IngestOptions;
  private stopping = false;
  private wakeUp: () => void = () => undefined;
  private woken = false;
  private quietPolls = 0;
  /** What later records will need of earlier ones: a record without rows changes nothing about it. */
  private stillNeeds: NonNullable<AppendedRecord['needs']> | null = null;
  private toldPlaces = 0;
  private interludes: (() => Promise<void>)[] = [];
  private waiters: { resolve: (position: JournalPosition) => void; reject: (error: unknown) => void }[] = [];
  private running: Promise<void> = Promise.resolve();

  constructor(options: IngestOptions) {
    this.options = options;
    this.position = options.reader.position;
  }
  /** What of the journal could not be read since the engine started. */
  get damage(): JournalDamage {
    return this.options.reader.damage;
  }
  start(): void {
    this.running = this.run();
  }
  /** @param committed end of the journal, as the collector tells it */
  wake(committed?: JournalPosition): void {
    if (committed !== undefined) this.options.reader.told(committed);
    this.woken = true;
    this.wakeUp();
  }
  /** Resolves with the position once everything acknowledged before the call is visible. */
  drained(): Promise<JournalPosition> {
    if (this.stopping) return Promise.reject(new FaultlineError('starting', 'The engine is stopping.'));
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.wake();
    });
  }
  /** Runs `work` while no record is being taken; `from`: position of the next one. */
  between<T>(work: (from: JournalPosition) => Promise<T>): Promise<T> {
    if (this.stopping) return Promise.reject(new FaultlineError('starting', 'The engine is stopping.'));
    return new Promise((resolve, reject) => {
      this.interludes.push(() => work(this.position).then(resolve, reject));
      this.wake();
    });
  }
  private async interlude(): Promise<void> {
    for (let work = this.interludes.shift(); work; work = this.interludes.shift()) await work();
  }
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const waiting = this.waiters;
      this.waiters = [];
      const records = await this.readSome();
      await this.interlude();
      if (records === null) {
        // Not the end: who waits for everything to be visible goes on waiting.
        this.waiters.push(...waiting);
        await this.rest();
        continue;
      }
      if (records.length === 0) {
        this.caughtUp = true;
        for (const { resolve } of waiting) resolve(this.position);
        if (this.waiters.length === 0) await this.rest();
        continue;
      }
      this.quietPolls = 0;
      this.waiters.push(...waiting);
      await this.takeAll(records);
      await this.relieve();
    }
    await this.interlude();
    for (const { reject } of this.waiters) reject(new FaultlineError('starting', 'The engine is stopping.'));
  }
  /** @returns null when the journal could not be read */
  private async readSome(): Promise<readonly JournalRecord[] | null> {
    try {
      const records = await this.options.reader.read(READ_BYTES);
      this.tellDamage();
      return records;
    } catch (error) {
      this.options.log(`cannot read the journal at ${this.position}: ${error instanceof Error ? error.message : error}`);
      return null;
    }
  }
  /** What stood there was acknowledged, so it must be said that it is gone. */
  private tellDamage(): void {
    const { places, bytes } = this.damage;
    if (places > this.toldPlaces)
      this.options.log(`the journal was damaged at ${places} places: ${bytes} bytes of acknowledged requests are lost`);
    this.toldPlaces = places;
  }
  private async takeAll(records: readonly JournalRecord[]): Promise<void> {
    let turnStartedMs = performance.now();
    for (const record of records) {
      if (this.interludes.length > 0) await this.interlude();
      await this.take(record);
      this.position = record.next;
      if (performance.now() - turnStartedMs < TURN_MS) continue;
      await nextTurn();
      turnStartedMs = performance.now();
    }
  }
  private async take(record: JournalRecord): Promise<void> {
    const { account, store, decode, nowMs } = this.options;
    const batch = batchOf(record);
    if (batch !== null && !store.firstOfBatch(batch, record.position)) {
      account.note(record.source, 'repeated_batch', record.items);
      store.append({ position: record.position, next: record.next, needs: this.stillNeeds }, []);
      return;
    }
    let decoded: DecodedRecord & Pick<AppendedRecord, 'needs'>;
    let reason: ReasonCode = 'engine_cannot_decode';
    try {
      decoded = await decode(record);
      reason = 'store_failed';
      const { needs } = decoded;
      this.stillNeeds = needs?.open ? { rows: null, open: needs.open } : null;
      store.append({ position: record.position, next: record.next, ...(needs === undefined ? {} : { needs }) }, decoded.batches);
    } catch (error) {
      account.drop(record.source, reason, Math.max(1, record.items));
      this.options.log(
        `cannot ${reason === 'store_failed' ? 'append' : 'decode'} record ${record.position} of ${record.source}: ${error instanceof Error ? error.message : error}`,
      );
      await this.options.quarantine(record, error);
      // The store must still learn that this record is done, or the journal would be kept for ever.
      store.append({ position: record.position, next: record.next, needs: this.stillNeeds }, []);
      return;
    }
    account.take(record, decoded, nowMs());
    for (const batch of decoded.batches) {
      if (batch.rows === 0 || batch.table === 'exemplars' || batch.table === 'profile_samples') continue;
      const { oldestMs, newestMs } = eventExtent(batch);
      this.options.onVisible(batch.table, batch.rows, oldestMs, newestMs);
    }
  }
  /** Memory is a limit: reading waits while the store holds more than its budget (the journal keeps the rest). */
  private async relieve(): Promise<void> {
    const { store, hotBudgetBytes = HOT_BUDGET_BYTES, log } = this.options;
    const hotBytes = (): number => Object.values(store.hot()).reduce((sum, table) => sum + table.bytes, 0);
    let said = '';
    // The collector's word wakes this 200 times a second.
    const tell = (error: unknown): void => {
      const line = `cannot write hot rows: ${error instanceof Error ? error.message : error}`;
      if (line !== said) log(line);
      said = line;
    };
    while (!this.stopping && hotBytes() > hotBudgetBytes) {
      this.paused = true;
      const before = hotBytes();
      await store.relieve().catch(tell);
      // Nothing got smaller: it could not be written, or a reader still looks at it.
      if (hotBytes() >= before) await this.rest();
    }
    this.paused = false;
  }
  private async rest(): Promise<void> {
    if (this.woken) {
      this.woken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const pollMs = this.options.pollMs ?? POLL_MS;
      const timer = setTimeout(resolve, this.quietPolls++ > IDLE_POLLS ? pollMs * 2 : pollMs);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.woken = false;
  }
}
