import { type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import type { JournalPosition } from '#contracts/journal.ts';
import type { TableName } from '#contracts/tables.ts';
import type { DayFile } from '../database/day-files.ts';
import { fileBytes } from '../database/quarantine.ts';
import { isDamage } from '../database/salvage.ts';
import { Serial } from '../database/serial.ts';
import type { Block } from '../hot/block.ts';
import { TELEMETRY } from '../sql/ddl/ddl.ts';
import type { Day } from './day-of.ts';
import { type FlushContext, flushDay, flushDictionary, ROW_GROUP_BLOCKS } from './flush.ts';

export const DEFAULT_FLUSH_AGE_MS = 60_000;
export const MAX_HOT_BYTES = 256 * 1024 * 1024;
const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** While rows of a day are removed series by series: a checkpoint in between would write the rest of each row group once more. */
const MAX_COMPACTION_LOG_BYTES = 128 * 1024 * 1024;
/** Without a whole row group for so long, the load is over. */
const CALM_MS = 10_000;
/** What queries and writing left in memory is given back this often. */
const GIVE_BACK_EVERY_MS = 30_000;
const GIVE_BACK_RETRY_MS = 500;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

export interface WriterOptions {
  readonly flushAgeMs: number;
  readonly catalogPath: string;
  /** Called after rows were stored, still in the queue: `released` may have moved. */
  readonly afterFlush: () => Promise<void>;
  /** Gives the system what is free, and lets go of what DuckDB keeps of files. @returns false: a statement runs, another try is due */
  readonly giveBack: (isCalm: boolean) => Promise<boolean>;
  /** Called when a write met a damaged file: the store repairs it before the next try. */
  readonly damaged: () => void;
  readonly log: (line: string) => void;
}
/** Decides when hot rows are written: whole row groups at once, the rest by age, by memory or on demand. */
export class StoreWriter {
  /** Everything that changes files runs in here, one at a time. */
  readonly queue = new Serial();
  private readonly context: FlushContext;
  private readonly options: WriterOptions;
  private scheduled = false;
  private ticking = false;
  /** When the last whole row group was written, and when memory was given back last. */
  private rowGroupAtMs = 0;
  private gaveBackAtMs = 0;
  /** Something was written by the work under way, whatever else failed in it. */
  private progress = false;
  private retryMs = 0;
  private retryAtMs = 0;
  private compacting: Day | null = null;
  problem: { readonly code: ErrorCode; readonly message: string } | null = null;

  constructor(context: FlushContext, options: WriterOptions) {
    this.context = context;
    this.options = options;
  }

  /** After an append: starts a flush in the background when a row group is full. Never throws, never waits. */
  appended(tables: Iterable<TableName>): void {
    if (this.scheduled || this.context.nowMs() < this.retryAtMs) return;
    for (const table of tables) {
      for (const day of this.context.hot.table(table).days.keys()) {
        if (this.context.hot.table(table).blocks(day, false).length >= ROW_GROUP_BLOCKS) {
          this.schedule();
          return;
        }
      }
    }
  }
  /** Makes the views look for blocks in a file. */
  showBlocks(file: DayFile): Promise<void> {
    const { gate, days } = this.context;
    return this.queue.run(async () => {
      file.showsBlocks = true;
      try {
        await gate.exclusive(() => days.views());
      } catch (cause) {
        file.showsBlocks = false;
        throw cause;
      }
    });
  }
  /** Rows of a day are going to be removed in many slices, until `compacted`. */
  compacts(day: Day): void {
    this.compacting = day;
  }
  /** They are: now whole row groups are empty, and their space is free with the checkpoint. */
  compacted(): Promise<void> {
    return this.queue.run(async () => {
      const day = this.compacting;
      this.compacting = null;
      const file = day === null ? undefined : this.context.days.files.get(day);
      if (file?.attached) await this.context.connection.run(`CHECKPOINT ${file.database}`).catch(() => undefined);
    });
  }
  /** Once a second: what is old, or too much. */
  tick(): void {
    this.giveBack();
    if (this.scheduled || this.ticking || this.context.nowMs() < this.retryAtMs) return;
    this.ticking = true;
    void this.queue
      .run(() => this.guard(() => this.flushAged()))
      .finally(() => {
        this.ticking = false;
      });
  }
  /** Rows wait to be written, or more than a little of them. */
  get isBehind(): boolean {
    return this.scheduled || this.hotBytes() > MAX_HOT_BYTES / 4;
  }
  /** Writes everything. Rejects when it cannot. */
  flush(): Promise<void> {
    return this.queue.run(async () => {
      await this.guard(() => this.flushWhere(() => true, true));
      if (this.problem) throw new FaultlineError(this.problem.code, this.problem.message);
    });
  }
  /** Whole row groups; everything only where there is none. Rejects when it cannot, without a try before the next one is due. */
  relieve(): Promise<void> {
    return this.queue.run(async () => {
      if (this.context.nowMs() >= this.retryAtMs) await this.guard(() => this.makeRoom());
      if (this.problem) throw new FaultlineError(this.problem.code, this.problem.message);
    });
  }
  /** Position of the oldest record with rows that are not stored; null when all are. */
  oldestHot(): JournalPosition | null {
    let oldest: number | null = null;
    for (const { name } of TELEMETRY) {
      for (const blocks of this.context.hot.table(name).days.values()) {
        const position = blocks[0]?.marks[0]?.position;
        if (position !== undefined && (oldest === null || position < oldest)) oldest = position;
      }
    }
    return oldest;
  }

  /** Memory kept for a load that is over, and what queries left. */
  private giveBack(): void {
    const nowMs = this.context.nowMs();
    if (nowMs - this.gaveBackAtMs < GIVE_BACK_EVERY_MS) return;
    this.gaveBackAtMs = nowMs;
    const isCalm = nowMs - this.rowGroupAtMs >= CALM_MS;
    if (isCalm) this.context.hot.dropSpare();
    void this.queue
      .run(() => this.options.giveBack(isCalm))
      .then((isDone) => {
        if (!isDone) this.gaveBackAtMs = nowMs - GIVE_BACK_EVERY_MS + GIVE_BACK_RETRY_MS;
      })
      .catch(() => undefined);
  }

  private schedule(): void {
    this.scheduled = true;
    void this.queue.run(async () => {
      this.scheduled = false;
      await this.guard(() => this.flushWhere(() => true, false));
    });
  }
  private async flushAged(): Promise<boolean> {
    const before = this.context.nowMs() - this.options.flushAgeMs;
    const wrote =
      this.hotBytes() > MAX_HOT_BYTES
        ? await this.makeRoom()
        : // Table by table: at a low rate of logs the spans beside them are left to become whole row groups.
          await this.flushWhere((day, table) => this.bornMs(day, table) <= before, true);
    await flushDictionary(this.context);
    await this.options.afterFlush();
    return wrote;
  }
  private async makeRoom(): Promise<boolean> {
    return (await this.flushWhere(() => true, false)) || (await this.flushWhere(() => true, true));
  }
  private hotBytes(): number {
    return TELEMETRY.reduce((sum, { name }) => sum + this.context.hot.table(name).counts().bytes, 0);
  }
  private bornMs(day: Day, table: TableName): number {
    return this.context.hot.table(table).days.get(day)?.[0]?.bornMs ?? Number.POSITIVE_INFINITY;
  }

  /** @param all the rest too; else only whole row groups @returns whether there was anything to write */
  private async flushWhere(wanted: (day: Day, table: TableName) => boolean, all: boolean): Promise<boolean> {
    let wrote = false;
    let failure: unknown = null;
    for (const day of this.hotDays()) {
      try {
        if (await this.flushOne(day, (table) => wanted(day, table), all)) wrote = true;
      } catch (cause) {
        // A day whose file cannot be used must not keep the rows of all others in memory.
        failure ??= cause;
      }
    }
    if (wrote) this.progress = true;
    if (failure !== null) throw failure;
    return wrote;
  }
  private async flushOne(day: Day, wanted: (table: TableName) => boolean, all: boolean): Promise<boolean> {
    let wrote = false;
    // Whole row groups first and by themselves: with a remainder in one statement they would be written twice.
    for (const rest of all ? [false, true] : [false]) {
      const parts = this.parts(day, rest, wanted);
      if (parts.size === 0) continue;
      await flushDay(this.context, day, parts);
      if (!rest) this.rowGroupAtMs = this.context.nowMs();
      wrote = true;
      await this.options.afterFlush();
    }
    await this.checkpoint(day);
    return wrote;
  }
  private hotDays(): Day[] {
    const days = new Set<Day>();
    for (const { name } of TELEMETRY) for (const day of this.context.hot.table(name).days.keys()) days.add(day);
    return [...days].sort((a, b) => a - b);
  }
  private parts(day: Day, all: boolean, wanted: (table: TableName) => boolean): Map<TableName, readonly Block[]> {
    const parts = new Map<TableName, readonly Block[]>();
    for (const { name } of TELEMETRY.filter((table) => wanted(table.name))) {
      const blocks = this.context.hot.table(name).blocks(day, all);
      const take = all ? blocks.length : blocks.length - (blocks.length % ROW_GROUP_BLOCKS);
      if (take > 0) parts.set(name, blocks.slice(0, take));
    }
    return parts;
  }

  /** Small flushes go through DuckDB's log; it is folded into the file here and not in a commit readers wait for. */
  private async checkpoint(day: Day): Promise<void> {
    const file = this.context.days.files.get(day);
    const { connection, catalog } = this.context;
    if (file?.attached && fileBytes(`${file.path}.wal`) > (day === this.compacting ? MAX_COMPACTION_LOG_BYTES : MAX_LOG_BYTES))
      await connection.run(`CHECKPOINT ${file.database}`).catch(() => undefined);
    if (fileBytes(`${this.options.catalogPath}.wal`) > MAX_LOG_BYTES) await connection.run(`CHECKPOINT ${catalog}`).catch(() => undefined);
  }

  /** @param work says whether it wrote. A failed write keeps its rows hot, says so and is tried again later, at growing intervals. */
  private async guard(work: () => Promise<boolean>): Promise<void> {
    this.progress = false;
    try {
      const wrote = await work();
      // That nothing was due says nothing about the rows that could not be written before.
      if (!wrote && this.hotDays().length > 0) return;
      this.retryMs = 0;
      this.retryAtMs = 0;
      this.problem = null;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      this.retryMs = this.progress ? FIRST_RETRY_MS : Math.min(LAST_RETRY_MS, Math.max(FIRST_RETRY_MS, this.retryMs * 2));
      this.retryAtMs = this.context.nowMs() + this.retryMs;
      this.problem = {
        code: 'data_dir_not_writable',
        message: `Rows cannot be stored and stay in memory; next try in ${this.retryMs / 1000} s: ${message}`,
      };
      this.options.log(this.problem.message);
      if (isDamage(message)) this.options.damaged();
    }
  }
}
