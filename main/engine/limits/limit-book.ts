import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { DecodedRecord, Dictionary, FixedColumn } from '#contracts/columns.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { type JournalPosition, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import { dayOf } from '#contracts/limited-source.ts';
import { ALL_SOURCES, type LeftOutNews, type SourceLimitsNews } from '#contracts/processes.ts';
import { MAX_SOURCE_LIMITS, type SourceLimit, type SourceLimits, sourceLimitsSchema } from '#contracts/source-limits.ts';
import type { AppendedRecord, Store } from '#contracts/store.ts';
import type { TableName } from '#contracts/tables.ts';
import { readStoredSeries } from '#store/read/read-stored-series.ts';
import { pickRows } from '../rules/pick-rows.ts';
import { IdSet } from './id-set.ts';
import { LIMITED, LimitDictionary, SeriesLimits } from './series-limits.ts';

const STATE_KEY = 'volume.limits';
/** Series that were let in are written down this often; until then the journal keeps the records they came with. */
const SAVE_MS = 10_000;
const STORED_WITHIN_MS = 10_000;
const STORED_POLL_MS = 100;
const savedSchema = z.object({
  /** Set on the Volume page. */
  own: sourceLimitsSchema,
  /** Oldest first; the last is in force. Earlier ones are kept while a replay may begin before the next. */
  versions: z.array(
    z.object({
      from: z.number(),
      day: z.string(),
      limits: sourceLimitsSchema,
      admitted: z.array(z.object({ name: z.string(), source: z.string(), service: z.string().nullable(), ids: z.string() })),
    }),
  ),
});
const OF_SERIES: readonly TableName[] = ['samples', 'histograms', 'exemplars'];
/** Rows a limit left out. */
type Left = Record<'samples' | 'histograms' | 'exemplars', number>;
type Decoded = DecodedRecord & Pick<AppendedRecord, 'needs'>;
export interface LimitBookParts {
  readonly store: Pick<Store, 'dictionary' | 'query' | 'getState' | 'setState' | 'released'>;
  /** Limits of the configuration: each holds whatever the page says of its name. */
  readonly configured: SourceLimits;
  /** Runs `work` while no record is being taken; `from`: position of the next. */
  readonly between: <T>(work: (from: JournalPosition) => Promise<T>) => Promise<T>;
  /** The collector's copy, which it starts with. */
  readonly writeOwn: (own: SourceLimits) => Promise<void>;
  readonly send: (news: SourceLimitsNews | LeftOutNews) => void;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
/**
 * Limits by source, and which series each has let in on a day. Kept as rules are (rules/rule-book.ts): a version holds from a position of
 * the journal on and is durable before it; the series let in since the last save come again from the journal, which is kept as far back.
 */
export class LimitBook {
  readonly dictionary: LimitDictionary;
  /** Points left out since the engine started, by source. */
  readonly dropped = new Map<string, number>();
  own: SourceLimits = {};
  private readonly parts: LimitBookParts;
  private versions: readonly SeriesLimits[] = [];
  /** First record with series that no save holds, and that of the save under way. */
  private unsaved: JournalPosition | null = null;
  private saving: JournalPosition | null = null;
  private savedMs = 0;
  private toldFull = '';
  /** It had no room for a series since the engine started. */
  private isDictionaryFull = false;
  private busy = false;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(parts: LimitBookParts) {
    this.parts = parts;
    this.dictionary = new LimitDictionary(parts.store.dictionary);
  }
  async load(): Promise<void> {
    const json = await this.parts.store.getState(STATE_KEY);
    if (json === null) return;
    const saved = savedSchema.parse(JSON.parse(json));
    this.own = saved.own;
    this.versions = saved.versions.map(({ from, day, limits, admitted }) => {
      const version = new SeriesLimits(from, day, limits);
      for (const { ids, ...of } of admitted) version.put(of, IdSet.from(ids));
      return version;
    });
    // A kill may have come between the two.
    await this.parts.writeOwn(this.own);
    this.tell();
  }
  /** In force: those of the configuration go before the page's. */
  get limits(): SourceLimits {
    return { ...this.own, ...this.parts.configured };
  }
  isConfigured(name: string): boolean {
    return Object.hasOwn(this.parts.configured, name);
  }
  get current(): SeriesLimits | null {
    return this.versions.at(-1) ?? null;
  }

  /** Decodes a record by the limits that hold at its position. */
  async decode(record: JournalRecord, decode: (face: (dictionary: Dictionary) => Dictionary) => Promise<Decoded>): Promise<Decoded> {
    const left = { samples: 0, histograms: 0, exemplars: 0 };
    const decoded = await this.decodeWithin(record, decode, left);
    const missed = decoded.dropped.get('too_many_series') ?? 0;
    if (missed > 0 && !this.isDictionaryFull) {
      this.isDictionaryFull = true;
      this.tellFull(this.current);
    }
    const isWrite = record.kind === RecordKind.write1 || record.kind === RecordKind.write2;
    if (isWrite && (this.isDictionaryFull || this.dictionary.gate !== null))
      this.parts.send({ type: 'left-out', position: record.next, ...left, samples: left.samples + missed });
    return decoded;
  }
  /** @param left is counted up */
  private async decodeWithin(
    record: JournalRecord,
    decode: (face: (dictionary: Dictionary) => Dictionary) => Promise<Decoded>,
    left: Left,
  ): Promise<Decoded> {
    const version = this.versionAt(record);
    const gate = version?.watches(record.source) ? version : null;
    const { dictionary } = this;
    dictionary.gate = gate;
    if (gate === null) return this.withNeeds(await decode((given) => given));
    dictionary.source = record.source;
    dictionary.onAdmitted = () => {
      this.unsaved ??= record.position;
    };
    const decoded = await decode((given) => gate.faceOf(record.source, given));
    return this.withNeeds(gate.full.has(record.source) ? this.leaveOut(record, decoded, gate, left) : decoded);
  }
  private versionAt({ position, receivedUnixNano }: JournalRecord): SeriesLimits | null {
    const last = this.current;
    if (last === null || position < last.from) return this.versions.findLast(({ from }) => from <= position) ?? null;
    // An older arrival, which a forwarded record brings along, begins no day.
    const day = dayOf(Number(receivedUnixNano / 1_000_000n));
    if (day <= last.day || !last.hasLimits) return last;
    const next = new SeriesLimits(position, day, last.limits);
    this.versions = [...this.kept(), next];
    this.unsaved ??= position;
    return next;
  }
  private withNeeds(decoded: Decoded): Decoded {
    const open = Math.min(this.unsaved ?? Number.POSITIVE_INFINITY, this.saving ?? Number.POSITIVE_INFINITY);
    if (open === Number.POSITIVE_INFINITY) return decoded;
    return { ...decoded, needs: { rows: decoded.needs?.rows ?? null, open: Math.min(open, decoded.needs?.open ?? open) } };
  }
  private leaveOut(record: JournalRecord, decoded: Decoded, gate: SeriesLimits, count: Left): Decoded {
    const batches = decoded.batches.flatMap((batch) => {
      if (!OF_SERIES.includes(batch.table)) return batch;
      const ids = (batch.columns[0] as FixedColumn).data as Uint32Array;
      const keep: number[] = [];
      for (let row = 0; row < batch.rows; row++) if (ids[row] !== LIMITED) keep.push(row);
      if (keep.length === batch.rows) return batch;
      count[batch.table as keyof Left] += batch.rows - keep.length;
      return keep.length === 0 ? [] : pickRows(batch, Uint32Array.from(keep));
    });
    // Exemplars ride along and are no items.
    const left = count.samples + count.histograms;
    if (left === 0) return { ...decoded, batches };
    this.dropped.set(record.source, (this.dropped.get(record.source) ?? 0) + left);
    if (this.current === gate) this.tellFull(gate);
    const dropped = new Map(decoded.dropped);
    dropped.set('source_series', (dropped.get('source_series') ?? 0) + left);
    return { ...decoded, batches, dropped };
  }
  private tellFull(gate: SeriesLimits | null): void {
    const full = [...(gate?.full ?? []), ...(this.isDictionaryFull ? [ALL_SOURCES] : [])].sort();
    if (full.join('\n') === this.toldFull) return;
    this.toldFull = full.join('\n');
    this.tell(full);
  }
  private tell(fullOfSeries = [...(this.current?.full ?? []), ...(this.isDictionaryFull ? [ALL_SOURCES] : [])]): void {
    this.parts.send({ type: 'source-limits', limits: this.limits, fullOfSeries });
  }

  /** Once a second, when the journal has been read: what the configuration says now, and series let in since. */
  async tick(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      if (JSON.stringify(this.current?.limits ?? {}) !== JSON.stringify(this.limits)) await this.change(this.own);
      this.tellFull(this.current);
      if (this.unsaved !== null && this.parts.nowMs() - this.savedMs >= SAVE_MS) await this.save();
    } catch (error) {
      this.parts.log(`limits by source: ${(error as Error).message}`);
    } finally {
      this.busy = false;
    }
  }
  /** Writes down which series were let in. */
  save(): Promise<void> {
    return this.inTurn(async () => {
      if (this.unsaved === null) return;
      this.savedMs = this.parts.nowMs();
      this.saving = this.unsaved;
      this.unsaved = null;
      try {
        await this.write(this.encode(this.kept()));
      } catch (error) {
        this.unsaved = Math.min(this.saving, this.unsaved ?? this.saving);
        throw error;
      } finally {
        this.saving = null;
      }
    });
  }
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.writing.then(work);
    this.writing = done.catch(() => undefined);
    return done;
  }
  /** The ids must be those of stored rows, or a restart would give them to others. The store writes its dictionary once a second. */
  private async seriesStored(): Promise<void> {
    const last = Math.max(0, ...[...(this.current?.admitted.values() ?? [])].map(({ ids }) => ids.largest));
    for (
      const untilMs = performance.now() + STORED_WITHIN_MS;
      (await readStoredSeries(this.parts.store)) < last;
      await sleep(STORED_POLL_MS)
    )
      if (performance.now() > untilMs)
        throw new FaultlineError('data_dir_not_writable', 'New series are not stored: see what the store says of the data folder.');
  }
  private async write(json: string): Promise<void> {
    await this.seriesStored();
    await this.parts.store.setState(STATE_KEY, json);
  }
  /** Without versions that no replay reaches any more; the newest of those before it still holds at its beginning. */
  private kept(): readonly SeriesLimits[] {
    const released = this.parts.store.released();
    return this.versions.filter((_, i, all) => (all[i + 1]?.from ?? Number.POSITIVE_INFINITY) > released);
  }
  private encode(versions: readonly SeriesLimits[], own = this.own): string {
    return JSON.stringify({
      own,
      versions: versions.map(({ from, day, limits, admitted }) => ({
        ...{ from, day, limits },
        admitted: [...admitted.values()].map(({ name, source, service, ids }) => ({ name, source, service, ids: ids.toString() })),
      })),
    } satisfies z.infer<typeof savedSchema>);
  }

  /** @throws bad_request */
  async set(name: string, limit: SourceLimit): Promise<void> {
    this.checkOwn(name);
    if (Object.keys(this.own).length >= MAX_SOURCE_LIMITS && !Object.hasOwn(this.own, name))
      throw new FaultlineError('bad_request', `There are limits for ${MAX_SOURCE_LIMITS} names, which is the most.`);
    await this.change(sourceLimitsSchema.parse({ ...this.own, [name]: limit }));
  }
  /** @throws not_found, bad_request */
  async remove(name: string): Promise<void> {
    this.checkOwn(name);
    if (!Object.hasOwn(this.own, name)) throw new FaultlineError('not_found', `There is no limit for "${name}".`);
    const { [name]: _, ...rest } = this.own;
    await this.change(rest);
  }
  private checkOwn(name: string): void {
    if (this.isConfigured(name))
      throw new FaultlineError('bad_request', `The limit of "${name}" comes from the configuration: change it there.`);
  }
  private change(own: SourceLimits): Promise<void> {
    return this.parts.between((from) =>
      this.inTurn(async () => {
        const before = this.current;
        const limits = { ...own, ...this.parts.configured };
        const today = dayOf(this.parts.nowMs());
        const next = new SeriesLimits(from, before !== null && before.day > today ? before.day : today, limits);
        // Series that are in stay in, also where the limit is lower now.
        for (const { name, source, service, ids } of before?.day === next.day ? before.admitted.values() : [])
          if (limits[name]?.maxSeries !== undefined) next.put({ name, source, service }, ids.copy());
        const versions = [...this.kept().filter((each) => each.from !== from), next];
        await this.write(this.encode(versions, own));
        await this.parts.writeOwn(own);
        this.own = own;
        this.versions = versions;
        this.unsaved = null;
        this.toldFull = '';
        this.tell();
      }),
    );
  }
}
