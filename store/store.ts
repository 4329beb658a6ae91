import type { ColumnBatch, Dictionary } from '#contracts/columns.ts';
import type { Bill } from '#contracts/cost.ts';
import { type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import type { JournalPosition } from '#contracts/journal.ts';
import type { Incident } from '#contracts/judgement.ts';
import type { Partition, WrittenPartition } from '#contracts/parquet-export.ts';
import type {
  AlertingStore,
  AppendedRecord,
  ModelCallStore,
  PostmortemStore,
  PrunedDay,
  QueryOptions,
  QueryResult,
  QueryValue,
  Store,
  StoreFacts,
} from '#contracts/store.ts';
import type { TableName } from '#contracts/tables.ts';
import type { VolumeFile } from '#contracts/volume.ts';
import type { BillBook, BillFile } from './bills/bill-book.ts';
import { Compactor } from './compact/compactor.ts';
import { AlertingLog } from './database/alerting-log.ts';
import { troubleOf } from './database/attach-file.ts';
import { type CatalogState, prunedDay } from './database/catalog-state.ts';
import type { DataDir } from './database/data-dir.ts';
import type { Connection, Database } from './database/database.ts';
import type { DayFiles, TimeSpan } from './database/day-files.ts';
import { ShareBook } from './database/file-shares.ts';
import { ModelCallLog } from './database/model-call-log.ts';
import { PostmortemShelf } from './database/postmortem-shelf.ts';
import { fileBytes } from './database/quarantine.ts';
import { repairDays, replaceDay, saysRepaired } from './database/repair-days.ts';
import { isDamage } from './database/salvage.ts';
import type { StoreDictionary } from './dictionary/store-dictionary.ts';
import type { HotRows } from './hot/hot-rows.ts';
import type { WantedSeries } from './native/block-functions.ts';
import type { StoreOptions } from './open-store.ts';
import { type BesideInput, besideToRemove, listBeside, removeBeside } from './retention/beside-files.ts';
import { DiskBook } from './retention/disk-parts.ts';
import { daysToPrune } from './retention/enforce-retention.ts';
import type { ConnectionPool } from './run/connection-pool.ts';
import { EXPORT_TIMEOUT_MS, type ExportDoor, listPartitions, writePartition } from './run/export-partitions.ts';
import { giveBackWith } from './run/give-back.ts';
import { DEFAULT_MAX_ROWS, type RunOptions, runQuery } from './run/run-query.ts';
import type { StartGate } from './run/start-gate.ts';
import { SCHEMA_VERSION, TELEMETRY } from './sql/ddl/ddl.ts';
import { usedIdsSql } from './sql/ddl/used-ids.ts';
import { checkUserSql } from './user-sql/check-user-sql.ts';
import { appendRecord } from './write/append-record.ts';
import { BatchWindow } from './write/batch-window.ts';
import { type Day, dayName, dayOfMs } from './write/day-of.ts';
import { HeldRecords } from './write/held-records.ts';
import { StoreWriter } from './write/store-writer.ts';
import { consumedOf, markOf, saysSetBack, setbacksOf } from './write/stored-mark.ts';

export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
}
export interface StoreParts {
  readonly options: StoreOptions & { readonly log: (line: string) => void; readonly flushAgeMs: number; readonly compaction: boolean };
  readonly dataDir: DataDir;
  readonly database: Database;
  /** Writes telemetry, attaches files, makes views: used inside the writer's queue only. */
  readonly connection: Connection;
  readonly pool: ConnectionPool;
  readonly gate: StartGate;
  readonly catalog: string;
  readonly catalogPath: string;
  readonly dictionary: StoreDictionary;
  readonly hot: HotRows;
  readonly series: WantedSeries;
  readonly days: DayFiles;
  readonly state: CatalogState;
  readonly bills: BillBook;
  /** Samples become blocks on it. */
  readonly compaction: Connection;
  /** For the postmortems, which may be large, and the calls of the model. */
  readonly documents: Connection;
  readonly problems: Problem[];
}
const TICK_MS = 1_000;
const RETENTION_EVERY_MS = 60_000;

/** Implements contracts/store.ts over the parts that open-store.ts puts together. */
export class OpenStore implements Store {
  readonly dictionary: Dictionary;
  readonly postmortems: PostmortemStore;
  readonly modelCalls: ModelCallStore;
  readonly alerting: AlertingStore;
  readonly watchSamples: Store['watchSamples'];
  private readonly parts: StoreParts;
  private readonly writer: StoreWriter;
  private readonly compactor: Compactor;
  private readonly spans = new Map<Day, TimeSpan>();
  private readonly listeners: ((position: JournalPosition) => void)[] = [];
  private prunedUntil = new Map<Day, JournalPosition>();
  private readonly quarantined = new Map<Day, number>();
  private readonly batches = new BatchWindow();
  private readonly beside = { bytes: 0, removed: 0 };
  private readonly shares = new ShareBook();
  private readonly disk: DiskBook;
  private readonly held = new HeldRecords();
  private next: JournalPosition = 0;
  private releasedAt: JournalPosition = 0;
  private timer: NodeJS.Timeout | null = null;
  private prunedAtMs = 0;
  private closing: Promise<void> | null = null;

  constructor(parts: StoreParts) {
    this.parts = parts;
    this.watchSamples = () => parts.days.watches.open();
    this.disk = new DiskBook(parts.dataDir.path);
    this.dictionary = parts.dictionary;
    this.postmortems = new PostmortemShelf(parts.documents, parts.catalog, parts.options.nowMs, () => this.writable());
    this.modelCalls = new ModelCallLog(parts.documents, parts.catalog, () => this.writable());
    this.alerting = new AlertingLog(parts.documents, parts.state, parts.catalog, () => this.writable());
    this.writer = new StoreWriter(
      { ...parts, nowMs: parts.options.nowMs },
      {
        flushAgeMs: parts.options.flushAgeMs,
        catalogPath: parts.catalogPath,
        log: parts.options.log,
        afterFlush: () => this.advance(),
        giveBack: giveBackWith(parts),
        damaged: () => this.repair().catch(() => false),
      },
    );
    this.compactor = new Compactor({
      ...parts.options,
      connection: parts.compaction,
      days: parts.days,
      gate: parts.gate,
      writer: this.writer,
      read: (sql) => this.run(sql, [], { timeoutMs: EXPORT_TIMEOUT_MS }),
      readersIdle: () => parts.pool.isIdle,
      direct: parts.hot.heap.direct,
      damaged: () => void this.repair().catch(() => false),
    });
  }

  /** Attaches what is on disk; a file that cannot be used is set aside or left, and named. */
  async attachDays(): Promise<void> {
    for (const day of this.parts.days.onDisk()) await this.attachDay(day);
  }
  async start(): Promise<void> {
    this.prunedUntil = await this.parts.state.prunedUntil();
    this.releasedAt = await this.releasedOrBefore();
    this.batches.load(await this.parts.state.batches());
    this.next = this.releasedAt;
    await this.disk.look();
    if (this.parts.dataDir.readOnly) return;
    this.timer = setInterval(() => {
      this.tick();
    }, TICK_MS);
    this.timer.unref();
  }

  /** Where the journal goes on: earlier than written down where a day file has lost what it held. */
  private async releasedOrBefore(): Promise<JournalPosition> {
    const { state, days, problems } = this.parts;
    const setbacks = setbacksOf(await state.mark(), days.files, this.quarantined);
    // That a file was set aside whole is said already.
    const untold = setbacks.filter(({ day }) => !this.quarantined.has(day));
    problems.push(...untold.map(({ day }) => ({ code: 'file_corrupt', message: saysSetBack(day) }) as const));
    return Math.min(await state.released(), ...setbacks.map(({ from }) => from));
  }
  append(record: AppendedRecord, batches: readonly ColumnBatch[]): void {
    this.writable();
    const { hot, days, options } = this.parts;
    hot.heap.sweep();
    appendRecord(
      {
        hot,
        consumed: (day, table) => days.files.get(day)?.consumed.get(table),
        prunedUntil: this.prunedUntil,
        spans: this.spans,
        nowMs: options.nowMs(),
      },
      record.position,
      batches,
    );
    days.watches.appended(batches);
    this.next = Math.max(this.next, record.next);
    if (record.needs !== undefined) this.held.append(record.position, record.needs);
    this.writer.appended(new Set(batches.map((batch) => batch.table)));
  }
  firstOfBatch(batch: string, position: JournalPosition): boolean {
    return this.batches.first(batch, position);
  }
  released(): JournalPosition {
    return this.releasedAt;
  }
  onReleased(listener: (position: JournalPosition) => void): void {
    this.listeners.push(listener);
  }
  relieve(): Promise<void> {
    this.writable();
    return this.writer.relieve();
  }
  flush(): Promise<void> {
    this.writable();
    return this.writer.flush();
  }
  compact(): Promise<void> {
    this.writable();
    return this.compactor.run(true);
  }
  hot(): Readonly<Record<TableName, { readonly rows: number; readonly bytes: number }>> {
    return Object.fromEntries(TELEMETRY.map(({ name }) => [name, this.parts.hot.table(name).counts()])) as ReturnType<Store['hot']>;
  }

  /** Ids start after those the days use: for a catalog that was lost. */
  async skipUsedIds(): Promise<void> {
    const { connection, days, dictionary } = this.parts;
    for (const { database } of days.attached) {
      const [row] = await connection.rows(usedIdsSql(database));
      dictionary.resources.skipTo(Number(row?.['resource_id'] ?? 0));
      dictionary.scopes.skipTo(Number(row?.['scope_id'] ?? 0));
      dictionary.seriesIds.skipTo(Number(row?.['series_id'] ?? 0));
    }
  }

  query(sql: string, params: readonly QueryValue[] = [], options: QueryOptions = {}): Promise<QueryResult> {
    return this.run(sql, params, options);
  }
  partitions(table: TableName, startMs: number, endMs: number, signal?: QueryOptions['signal']): Promise<readonly Partition[]> {
    return listPartitions(this.exporting(signal), table, startMs, endMs);
  }
  writePartition(
    partition: Partition,
    startMs: number,
    endMs: number,
    file: string,
    signal?: QueryOptions['signal'],
  ): Promise<WrittenPartition> {
    return writePartition(this.exporting(signal), { ...partition, startMs, endMs, file });
  }
  private exporting(signal: QueryOptions['signal']): ExportDoor {
    const options = { timeoutMs: EXPORT_TIMEOUT_MS, copies: true, ...(signal ? { signal } : {}) };
    return { days: () => [...this.parts.days.files.keys()].map(dayName), run: (sql) => this.run(sql, [], options) };
  }
  private run(sql: string, params: readonly QueryValue[], options: RunOptions): Promise<QueryResult> {
    const { pool, hot, gate, dictionary, series, days } = this.parts;
    // Without blocks there is nothing to leave out.
    const { samplesOf, ...others } = options;
    const own: RunOptions = samplesOf && days.attached.some((file) => file.blockSamples > 0) ? options : others;
    this.open();
    const beforeSnapshot = (): void => {
      dictionary.drain(hot, this.parts.options.nowMs());
    };
    const run = (): Promise<QueryResult> =>
      pool.use(async (connection) => {
        await this.attachNamedDays(sql);
        return runQuery(connection, { hot, gate, series, beforeSnapshot }, sql, params, own);
      });
    return run().catch(async (cause: Error) => {
      if (!isDamage(cause.message) || !(await this.repair())) throw cause;
      return run();
    });
  }
  async userQuery(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    this.open();
    await this.parts.pool.use((connection) => checkUserSql(connection, sql));
    return this.query(sql, [], { maxRows: DEFAULT_MAX_ROWS, ...options });
  }

  async saveIncident(incident: Incident): Promise<void> {
    this.writable();
    await this.parts.state.saveIncident(incident, this.parts.options.nowMs());
  }
  incidents(limit: number): Promise<readonly Incident[]> {
    return this.parts.state.incidents(limit);
  }
  async setState(key: string, json: string): Promise<void> {
    this.writable();
    await this.parts.state.set(key, json);
  }
  getState(key: string): Promise<string | null> {
    return this.parts.state.get(key);
  }
  async importBill(file: BillFile): Promise<Bill> {
    this.writable();
    const { bills, gate } = this.parts;
    return bills.add(file, (work) => this.writer.queue.run(() => gate.exclusive(work)));
  }
  bills(): Promise<readonly Bill[]> {
    return this.parts.bills.list();
  }
  async removeBill(id: string): Promise<void> {
    this.writable();
    await this.parts.bills.remove(id);
  }

  async facts(): Promise<StoreFacts> {
    const { days, dictionary, dataDir, problems } = this.parts;
    const spans = [...this.spans.values()];
    const list = [...days.files.values()]
      .sort((a, b) => a.day - b.day)
      .map((file) => ({ day: dayName(file.day), bytes: days.bytes(file.day), rows: { ...file.rows }, state: 'ok' as const }));
    const none = Object.fromEntries(TELEMETRY.map(({ name }) => [name, 0])) as Record<TableName, number>;
    const aside = [...this.quarantined].map(([day, bytes]) => ({ day: dayName(day), bytes, rows: none, state: 'quarantined' as const }));
    return {
      dataDir: dataDir.path,
      bytes: this.otherBytes() + this.beside.bytes + list.reduce((sum, { bytes }) => sum + bytes, 0),
      disk: this.disk.parts(),
      beside: { ...this.beside },
      forgottenBatches: { ...this.batches.forgotten },
      days: [...list, ...aside],
      pruned: await this.parts.state.pruned(),
      compaction: { on: this.parts.options.compaction && !dataDir.readOnly, ...this.compactor.facts() },
      series: dictionary.seriesIds.size,
      resources: dictionary.resources.size,
      minTimeMs: spans.length === 0 ? null : Math.min(...spans.map((span) => span.minMs)),
      maxTimeMs: spans.length === 0 ? null : Math.max(...spans.map((span) => span.maxMs)),
      readOnly: dataDir.readOnly,
      schemaVersion: SCHEMA_VERSION,
      problems: this.writer.problem ? [...problems, this.writer.problem] : [...problems],
    };
  }
  fileShares(startMs: number, endMs: number, signal?: QueryOptions['signal']): Promise<readonly VolumeFile[]> {
    const { days, catalog, catalogPath } = this.parts;
    const read = (sql: string): Promise<QueryResult> => this.run(sql, [], signal ? { signal } : {});
    return this.shares.between(days, [dayOfMs(startMs), dayOfMs(endMs - 1)], { path: catalogPath, database: catalog }, read);
  }
  enforceRetention(nowMs: number): Promise<readonly PrunedDay[]> {
    this.writable();
    return this.writer.queue.run(() => this.prune(nowMs));
  }
  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private tick(): void {
    const now = this.parts.options.nowMs();
    this.writer.tick();
    if (this.parts.options.compaction) this.compactor.tick();
    if (now - this.prunedAtMs < RETENTION_EVERY_MS) return;
    this.prunedAtMs = now;
    this.enforceRetention(now).catch((cause: unknown) => {
      this.parts.options.log(`retention failed: ${String(cause)}`);
    });
  }
  /** Says how far everything is stored, once that is written down itself. */
  private async advance(): Promise<void> {
    const position = this.held.before(this.writer.oldestHot() ?? this.next);
    if (position <= this.releasedAt) return;
    await this.parts.state.setReleased(position, markOf(this.parts.days.files.values()), this.batches.due(position));
    this.batches.written(position);
    this.releasedAt = position;
    for (const listener of this.listeners) listener(position);
  }

  private async prune(nowMs: number): Promise<readonly PrunedDay[]> {
    const { days, gate, state, hot, options } = this.parts;
    const present = [...days.files.keys()].sort((a, b) => a - b).map((day) => ({ day, bytes: days.bytes(day) }));
    const { retentionSeconds, maxSizeBytes } = options;
    const limits = { retentionSeconds, maxSizeBytes, nowMs };
    await this.pruneBeside({ ...limits, storeBytes: present.reduce((sum, { bytes }) => sum + bytes, this.otherBytes()) });
    const gone = daysToPrune({ ...limits, days: present, otherBytes: this.otherBytes() + this.beside.bytes });
    for (const { day, pruned } of gone) {
      // Written down first: after a crash in between, a replay must not bring half of the day back.
      await state.addPruned(pruned, this.next);
      this.prunedUntil.set(day, this.next);
      await gate.exclusive(async () => {
        for (const { name } of TELEMETRY) hot.retire(name, day, hot.table(name).days.get(day) ?? []);
        await days.drop(day, false);
        await days.views();
      });
      await days.drop(day, true);
      this.spans.delete(day);
      options.log(`pruned ${pruned.day} by ${pruned.reason}: ${pruned.bytes} bytes`);
    }
    return gone.map(({ pruned }) => pruned);
  }

  /** Catalog and bills, bytes. */
  private otherBytes(): number {
    return fileBytes(this.parts.catalogPath) + fileBytes(this.parts.bills.path);
  }
  /** Backups and exports, whose size is known from then on. */
  private async pruneBeside(limits: Omit<BesideInput, 'files'>): Promise<void> {
    await this.disk.look();
    const files = await listBeside(this.parts.dataDir.path);
    this.beside.bytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const { log } = this.parts.options;
    for (const file of besideToRemove({ ...limits, files })) {
      try {
        await removeBeside(file);
      } catch (cause) {
        // A file of somebody else must not keep days from going.
        log(`${file.path} cannot be removed: ${(cause as Error).message}`);
        continue;
      }
      this.beside.bytes -= file.bytes;
      this.beside.removed++;
      log(`removed ${file.path}: ${file.bytes} bytes, to keep within the size or the retention`);
    }
  }

  /** A reader met damage. true: something was set aside, and reading again may work. */
  private repair(): Promise<boolean> {
    const { connection, days, gate, dataDir, options, problems, state } = this.parts;
    if (dataDir.readOnly) return Promise.resolve(false);
    return this.writer.queue.run(async () => {
      const repaired = await gate.exclusive(async () => {
        const found = await repairDays(connection, days, dataDir.path, options.nowMs());
        await days.views();
        return found;
      });
      for (const one of repaired) {
        problems.push({ code: 'file_corrupt', message: saysRepaired(one) });
        options.log(saysRepaired(one));
        await state.addPruned(prunedDay(one.day, 'corrupt', one.bytes, options.nowMs()), 0);
      }
      return repaired.length > 0;
    });
  }

  private async attachDay(day: Day): Promise<void> {
    const { days, dataDir, options, problems, state } = this.parts;
    const path = days.path(day);
    try {
      const file = await days.attach(day);
      if (file.span) this.spans.set(day, file.span);
    } catch (cause) {
      const message = (cause as Error).message;
      const newer = cause instanceof FaultlineError && cause.code === 'schema_newer';
      if (newer || dataDir.readOnly || troubleOf(message) !== 'corrupt') {
        problems.push({
          code: newer ? 'schema_newer' : 'file_corrupt',
          message: `${path} cannot be read and is left as it is: ${message}`,
        });
        return;
      }
      const repaired = await replaceDay(
        this.parts.connection,
        days,
        day,
        dataDir.path,
        message,
        options.nowMs(),
        consumedOf(await state.mark(), day),
      );
      if (repaired.kept === 0) this.quarantined.set(day, repaired.bytes);
      const span = days.files.get(day)?.span;
      if (span) this.spans.set(day, span);
      await state.addPruned(prunedDay(day, 'corrupt', repaired.bytes, options.nowMs()), 0);
      problems.push({ code: 'file_corrupt', message: `${saysRepaired(repaired)} ${message}` });
    }
  }

  /** Days beyond the limit of attached ones come back when a statement names a date. */
  private async attachNamedDays(sql: string): Promise<void> {
    const { days, gate } = this.parts;
    const away = [...days.files.values()].filter((file) => !file.attached);
    if (away.length === 0) return;
    const named = [...sql.matchAll(/\b\d{4}-\d\d-\d\d\b/g)]
      .map(([text]) => Date.parse(`${text}T00:00:00Z`) / 86_400_000)
      .filter((day) => !Number.isNaN(day));
    const wanted = away.filter(({ day }) => day >= Math.min(...named) && day <= Math.max(...named));
    if (wanted.length === 0) return;
    await this.writer.queue.run(() =>
      gate.exclusive(async () => {
        for (const { day } of wanted) await days.attach(day);
        await days.views();
      }),
    );
  }

  private async shut(): Promise<void> {
    const { pool, dataDir, database, days, connection, catalog, options } = this.parts;
    if (this.timer) clearInterval(this.timer);
    await this.compactor.stop();
    if (!dataDir.readOnly) {
      await this.writer.flush().catch((cause: unknown) => {
        options.log(`closing with rows that are not stored (the journal has them): ${String(cause)}`);
      });
      await this.writer.queue.run(async () => {
        for (const name of [...days.attached.map((file) => file.database), catalog])
          await connection.run(`CHECKPOINT ${name}`).catch(() => undefined);
      });
    }
    await this.parts.bills.close();
    await pool.drain();
    database.close();
    dataDir.release();
  }
  private open(): void {
    if (this.closing) throw new FaultlineError('starting', 'The store is closing.');
  }
  private writable(): void {
    this.open();
    if (this.parts.dataDir.readOnly)
      throw new FaultlineError('data_dir_not_writable', `${this.parts.dataDir.path} is open for reading only.`);
  }
}
