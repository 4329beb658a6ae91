import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { CompactionFacts, QueryResult } from '#contracts/store.ts';
import type { Connection } from '../database/database.ts';
import type { DayFile, DayFiles } from '../database/day-files.ts';
import type { Serial } from '../database/serial.ts';
import { columnsFromRows, type RowValue } from '../hot/columns-from-rows.ts';
import { registerHotFunction } from '../hot/hot-function.ts';
import { HotRows } from '../hot/hot-rows.ts';
import { NativeHeap } from '../native/native-heap.ts';
import type { ConnectionPool } from '../run/connection-pool.ts';
import type { StartGate } from '../run/start-gate.ts';
import {
  fileSpaceSql,
  insertBlocksSql,
  type RowRange,
  removeRowsSql,
  rowsSql,
  seriesSql,
  stretchesSql,
} from '../sql/compact/compact-sql.ts';
import { SAMPLE_BLOCKS } from '../sql/ddl/sample-blocks.ts';
import { type Day, dayName } from '../write/day-of.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { makeBlocks, type SeriesBlock, type SliceRows } from './make-blocks.ts';
import { AFTER_MS, planSlices, type SeriesCount, type Slice, STRETCH_NS } from './plan-slices.ts';

export interface CompactorContext {
  /** The writer's: used inside its queue only. */
  readonly connection: Connection;
  readonly queue: Serial;
  readonly gate: StartGate;
  readonly days: DayFiles;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** Reads beside other readers. */
  readonly read: (sql: string) => Promise<QueryResult>;
  /** Statements run, or rows pile up: compaction can wait. */
  readonly busy: () => boolean;
  /** Strings by address; see native/native-heap.ts. */
  readonly direct: boolean;
  /** Around the slices of a range: checkpoints wait until whole row groups are empty. */
  readonly begins: (day: Day) => void;
  readonly ended: () => Promise<void>;
}
const LOOK_EVERY_MS = 30_000;
/** A day still written to is looked through this often: its stretches end every two hours. */
const OPEN_DAY_EVERY_MS = 600_000;
const AFTER_ERROR_MS = 300_000;
/** A day of old that rows still come to is left until it is quiet, or until there are so many. */
const MANY_ROWS = 4_000_000;
const TURN_MS = 5;
const BLOCKS_AT_ONCE = 256;
const BUSY_STEP_MS = 50;
/** Never at rest, a store is compacted all the same: a slice every so often. */
const LONGEST_WAIT_MS = 2_000;
const DAY_MS = 86_400_000;

interface Look {
  rowsLeft: number;
  atMs: number;
  /** Nothing to do until there are other rows. */
  done: boolean;
}

/**
 * Moves samples from rows to blocks in the background, slice by slice: read beside other readers, made into blocks a few milliseconds
 * at a time, then one transaction of the day file that removes exactly the rows read and adds the blocks. Rows that come to the
 * same range meanwhile are seen by their number: the slice is given up and read again. A kill leaves rows or blocks, never both.
 */
export class Compactor {
  private readonly context: CompactorContext;
  private readonly hot: HotRows;
  private readonly looks = new Map<Day, Look>();
  private running: Promise<void> | null = null;
  private stopping = false;
  private notBeforeMs = 0;
  private readonly counts = {
    samples: 0,
    blocks: 0,
    blockBytes: 0,
    slices: 0,
    retried: 0,
    errors: 0,
    lastError: null as string | null,
    lastRunMs: null as number | null,
    lastBytes: null as { before: number; after: number } | null,
    longestHoldMs: 0,
    longestTurnMs: 0,
    longestCheckpointMs: 0,
  };

  constructor(context: CompactorContext) {
    this.context = context;
    this.hot = new HotRows([SAMPLE_BLOCKS], new NativeHeap(context.direct));
    registerHotFunction(context.connection.raw, SAMPLE_BLOCKS, this.hot, context.direct);
  }

  facts(): Omit<CompactionFacts, 'on'> {
    const inBlocks = { samples: 0, blocks: 0 };
    for (const file of this.context.days.files.values()) {
      inBlocks.samples += file.blockSamples;
      inBlocks.blocks += file.blocks;
    }
    return { ...this.counts, inBlocks };
  }
  /** Starts a round when one is due. Never throws, never waits. */
  tick(): void {
    const nowMs = this.context.nowMs();
    if (this.running || this.stopping || nowMs < this.notBeforeMs) return;
    this.notBeforeMs = nowMs + LOOK_EVERY_MS;
    void this.run(false);
  }
  /** Compacts what is due, or with `all` whatever there is, however new. Resolves when done; errors are in the facts. */
  async run(all: boolean): Promise<void> {
    while (this.running) await this.running;
    this.running = this.round(all).finally(() => {
      this.hot.dropSpare();
      this.running = null;
    });
    await this.running;
  }
  /** Ends the slice at hand. Safe twice. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async round(all: boolean): Promise<void> {
    for (const file of this.context.days.attached) {
      if (this.stopping) return;
      try {
        if (all || this.isDue(file)) await this.compactDay(file, all);
      } catch (cause) {
        this.counts.errors++;
        this.counts.lastError = `${dayName(file.day)}: ${(cause as Error).message}`;
        this.notBeforeMs = this.context.nowMs() + AFTER_ERROR_MS;
        this.context.log(`samples cannot be compacted, next try in ${AFTER_ERROR_MS / 60_000} min: ${this.counts.lastError}`);
      }
    }
  }
  private isDue(file: DayFile): boolean {
    const rowsLeft = file.rows.samples - file.blockSamples;
    const nowMs = this.context.nowMs();
    const last = this.looks.get(file.day);
    if (rowsLeft === 0 || (last?.done && last.rowsLeft === rowsLeft)) return false;
    const closed = nowMs >= (file.day + 1) * DAY_MS + AFTER_MS;
    if (!closed) return !last || nowMs - last.atMs >= OPEN_DAY_EVERY_MS;
    if (last && (last.rowsLeft === rowsLeft || rowsLeft >= MANY_ROWS)) return true;
    this.looks.set(file.day, { rowsLeft, atMs: nowMs, done: false });
    return false;
  }

  private async compactDay(file: DayFile, all: boolean): Promise<void> {
    const { context } = this;
    const nowMs = context.nowMs();
    const closed = all || nowMs >= (file.day + 1) * DAY_MS + AFTER_MS;
    const rowsBefore = file.rows.samples - file.blockSamples;
    const before = await this.usedBytes(file);
    let samples = 0;
    for (const range of await this.stretches(file, all)) samples += await this.compactRange(file, range);
    // What is left of series with few samples a stretch: a block of the whole day.
    if (closed) {
      const from = BigInt(file.day) * BigInt(DAY_MS) * 1_000_000n;
      samples += await this.compactRange(file, { from, to: from + BigInt(DAY_MS) * 1_000_000n });
    }
    if (this.stopping) return;
    const rowsLeft = file.rows.samples - file.blockSamples;
    this.looks.set(file.day, { rowsLeft, atMs: nowMs, done: closed && rowsLeft === rowsBefore - samples });
    if (samples === 0) return;
    this.counts.lastRunMs = context.nowMs();
    this.counts.lastBytes = { before, after: await this.usedBytes(file) };
  }
  /** Stretches that are over and have rows. */
  private async stretches(file: DayFile, all: boolean): Promise<RowRange[]> {
    const result = await this.context.read(stretchesSql(file.database, STRETCH_NS));
    const numbers = result.column('stretch') as Float64Array;
    const limitNs = BigInt(Math.floor(this.context.nowMs() - AFTER_MS)) * 1_000_000n;
    return [...numbers]
      .map((stretch) => ({ from: BigInt(stretch) * STRETCH_NS, to: (BigInt(stretch) + 1n) * STRETCH_NS }))
      .filter(({ to }) => all || to <= limitNs);
  }
  private async compactRange(file: DayFile, range: RowRange): Promise<number> {
    const result = await this.context.read(seriesSql(file.database, range));
    const [ids, samples, strange] = ['series_id', 'samples', 'strange'].map((name) => result.column(name) as ArrayLike<number>);
    const counts: SeriesCount[] = Array.from({ length: result.rowCount }, (_, i) => ({
      seriesId: ids![i]!,
      samples: samples![i]!,
      strange: strange![i]!,
    }));
    const slices = planSlices(range.from, range.to, counts);
    if (slices.length === 0) return 0;
    let done = 0;
    this.context.begins(file.day);
    try {
      for (const slice of slices) {
        if (this.stopping) return done;
        await this.yieldToOthers();
        done += await this.compactSlice(file, slice);
      }
    } finally {
      const fromMs = performance.now();
      await this.context.ended();
      this.counts.longestCheckpointMs = Math.max(this.counts.longestCheckpointMs, performance.now() - fromMs);
    }
    return done;
  }
  private async yieldToOthers(): Promise<void> {
    for (let waited = 0; waited < LONGEST_WAIT_MS && this.context.busy() && !this.stopping; waited += BUSY_STEP_MS)
      await pause(BUSY_STEP_MS);
  }

  /** @returns samples moved; 0 when rows came in between */
  private async compactSlice(file: DayFile, slice: Slice): Promise<number> {
    const rows = rowsOf(await this.context.read(rowsSql(file.database, slice, slice.strange)), slice.strange);
    const count = rows.seriesIds.length;
    const blocks = await this.encode(file.day, rows, slice);
    try {
      return await this.context.queue.run(() => this.held(() => this.write(file, slice, count, blocks)));
    } finally {
      this.hot.retire(SAMPLE_BLOCKS.name, file.day, this.hot.table(SAMPLE_BLOCKS.name).days.get(file.day) ?? []);
      this.hot.heap.sweep();
    }
  }
  /** Makes the blocks, as rows that INSERT can read, without keeping the thread longer than a few milliseconds. */
  private async encode(day: Day, rows: SliceRows, { first, last }: Slice): Promise<{ blocks: number; bytes: number }> {
    let [blocks, bytes] = [0, 0];
    let waiting: RowValue[] = [];
    let sinceMs = performance.now();
    const give = (): void => {
      const { columns, heap } = columnsFromRows(SAMPLE_BLOCKS.columns, waiting);
      this.hot
        .table(SAMPLE_BLOCKS.name)
        .append(day, columns, 0, waiting.length, { position: 0, ordinal: blocks }, { bytes: heap, copy: null }, 0);
      blocks += waiting.length;
      waiting = [];
    };
    for (const block of makeBlocks(rows, first, last)) {
      waiting.push(rowOf(block));
      bytes += block.times.length + block.values.length + (block.rest?.length ?? 0);
      if (waiting.length >= BLOCKS_AT_ONCE) give();
      const tookMs = performance.now() - sinceMs;
      if (tookMs < TURN_MS) continue;
      this.counts.longestTurnMs = Math.max(this.counts.longestTurnMs, tookMs);
      await turn();
      sinceMs = performance.now();
    }
    if (waiting.length > 0) give();
    return { blocks, bytes };
  }
  private async write(file: DayFile, slice: Slice, count: number, { blocks, bytes }: { blocks: number; bytes: number }): Promise<number> {
    const { connection, days, gate } = this.context;
    // Pruned, set aside or detached since.
    if (days.files.get(file.day) !== file || !file.attached) return 0;
    await connection.run('BEGIN TRANSACTION');
    try {
      const [removed] = await connection.rows(removeRowsSql(file.database, slice));
      if (Number(Object.values(removed ?? {})[0]) !== count) {
        this.counts.retried++;
        await connection.run('ROLLBACK');
        return 0;
      }
      const table = this.hot.table(SAMPLE_BLOCKS.name);
      this.hot.bind(connection.id, this.hot.snapshotOf(SAMPLE_BLOCKS.name, table.days.get(file.day) ?? []));
      try {
        await connection.run(insertBlocksSql(file.database));
      } finally {
        this.hot.unbind(connection.id);
      }
      const publish = async (): Promise<void> => {
        await connection.run('COMMIT');
        file.blockSamples += count;
        file.blocks += blocks;
      };
      // Readers see rows and blocks of a file in one snapshot. Only a day's first blocks need a new view, at the instant of the commit.
      if (file.blockSamples > 0) await publish();
      else
        await gate.exclusive(async () => {
          await publish();
          await days.views();
        });
    } catch (cause) {
      await connection.run('ROLLBACK').catch(() => undefined);
      throw cause;
    }
    this.counts.slices++;
    this.counts.samples += count;
    this.counts.blocks += blocks;
    this.counts.blockBytes += bytes;
    return count;
  }

  private async held<T>(work: () => Promise<T>): Promise<T> {
    const fromMs = performance.now();
    try {
      return await work();
    } finally {
      this.counts.longestHoldMs = Math.max(this.counts.longestHoldMs, performance.now() - fromMs);
    }
  }
  private async usedBytes(file: DayFile): Promise<number> {
    const result = await this.context.read(fileSpaceSql(file.database));
    return Number((result.column('used') as ArrayLike<number>)[0] ?? 0);
  }
}

/** The compactor of a store. @param read runs a statement beside other readers */
export function compactorOf(
  parts: Pick<CompactorContext, 'connection' | 'gate' | 'days'> & {
    readonly hot: HotRows;
    readonly pool: ConnectionPool;
    readonly options: Pick<CompactorContext, 'nowMs' | 'log'>;
  },
  writer: StoreWriter,
  read: CompactorContext['read'],
): Compactor {
  const { connection, gate, days, hot, pool, options } = parts;
  return new Compactor({
    connection,
    gate,
    days,
    queue: writer.queue,
    nowMs: options.nowMs,
    log: options.log,
    read,
    busy: () => !pool.isIdle || writer.isBehind,
    direct: hot.heap.direct,
    begins: (day) => writer.compacts(day),
    ended: () => writer.compacted(),
  });
}

function rowsOf(result: QueryResult, strange: boolean): SliceRows {
  return {
    seriesIds: result.column('series_id') as Uint32Array,
    times: result.column('time') as BigInt64Array,
    values: result.column('value') as Float64Array,
    rest: strange
      ? {
          ints: result.column('value_int') as BigInt64Array,
          starts: result.column('start_time') as BigInt64Array,
          flags: result.column('flags') as Uint32Array,
          present: result.column('present') as Uint8Array,
        }
      : null,
  };
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
const rowOf = (block: SeriesBlock): RowValue => ({
  series_id: block.seriesId,
  first_time: block.firstTime,
  last_time: block.lastTime,
  samples: block.samples,
  numbers: block.numbers,
  min_value: block.min,
  max_value: block.max,
  sum_value: block.sum,
  start_time: block.startTime,
  times: text(block.times),
  value_data: text(block.values),
  rest: block.rest && text(block.rest),
});
