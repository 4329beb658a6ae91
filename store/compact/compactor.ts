import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { invariant } from '#contracts/errors.ts';
import type { CompactionFacts, QueryResult } from '#contracts/store.ts';
import type { Connection } from '../database/database.ts';
import type { DayFile, DayFiles } from '../database/day-files.ts';
import { isDamage } from '../database/salvage.ts';
import { columnsFromRows, type RowValue } from '../hot/columns-from-rows.ts';
import { registerHotFunction } from '../hot/hot-function.ts';
import { HotRows } from '../hot/hot-rows.ts';
import { NativeHeap } from '../native/native-heap.ts';
import type { ColumnData } from '../run/column-data.ts';
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
  /** Its own: the writer goes on beside it. */
  readonly connection: Connection;
  readonly days: DayFiles;
  readonly gate: StartGate;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** Reads beside other readers. */
  readonly read: (sql: string) => Promise<QueryResult>;
  readonly readersIdle: () => boolean;
  /** Strings by address; see native/native-heap.ts. */
  readonly direct: boolean;
  readonly writer: Pick<StoreWriter, 'showBlocks' | 'compacts' | 'compacted' | 'isBehind'>;
  /** A block of the file cannot be read. */
  readonly damaged: () => void;
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
 * Moves samples from rows to blocks in the background, slice by slice, each one transaction beside the writer's: rows are read, made
 * into blocks a few milliseconds at a time, and the rows of the same snapshot are removed as the blocks are added. Rows that come
 * to the range meanwhile are not in the snapshot and stay. The writer waits for the commit, which is kept short by the size of
 * the slices. A kill leaves rows or blocks, never both.
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
        // Pruned, set aside or detached meanwhile.
        if (!file.attached) continue;
        this.counts.errors++;
        this.counts.lastError = `${dayName(file.day)}: ${(cause as Error).message}`;
        this.notBeforeMs = this.context.nowMs() + AFTER_ERROR_MS;
        if (isDamage((cause as Error).message)) this.context.damaged();
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
    this.context.writer.compacts(file.day);
    try {
      for (const slice of slices) {
        if (this.stopping) return done;
        await this.yieldToOthers();
        done += await this.compactSlice(file, slice);
      }
    } finally {
      await this.measured('longestCheckpointMs', () => this.context.writer.compacted());
    }
    return done;
  }
  private async yieldToOthers(): Promise<void> {
    const { readersIdle, writer } = this.context;
    const canWait = (): boolean => !this.stopping && (!readersIdle() || writer.isBehind);
    for (let waited = 0; waited < LONGEST_WAIT_MS && canWait(); waited += BUSY_STEP_MS) await pause(BUSY_STEP_MS);
  }

  /** @returns samples moved */
  private async compactSlice(file: DayFile, slice: Slice): Promise<number> {
    if (!file.showsBlocks) await this.measured('longestHoldMs', () => this.context.writer.showBlocks(file));
    return this.context.connection.during(this.begin(file, slice));
  }
  private async begin(file: DayFile, slice: Slice): Promise<number> {
    const { connection, gate } = this.context;
    // Not amid a moment of little memory (Database.dropCache), which in turn waits for whom it finds at work.
    await gate.start(() => connection.run('BEGIN TRANSACTION'));
    // Held only from here on: whoever detaches files keeps the gate.
    const work = this.inTransaction(file, slice);
    file.held = work.catch(() => undefined);
    try {
      return await work;
    } finally {
      file.held = null;
      this.hot.retire(SAMPLE_BLOCKS.name, file.day, this.hot.table(SAMPLE_BLOCKS.name).days.get(file.day) ?? []);
      this.hot.heap.sweep();
    }
  }
  private async inTransaction(file: DayFile, slice: Slice): Promise<number> {
    const { connection } = this.context;
    try {
      // Pruned, set aside or detached since.
      if (!file.attached) {
        await connection.run('ROLLBACK');
        return 0;
      }
      const rows = rowsOf(await connection.columns(rowsSql(file.database, slice, slice.strange)), slice.strange);
      const { blocks, bytes } = await this.encode(file.day, rows, slice);
      const samples = rows.seriesIds.length;
      // Rows before blocks: whoever changes rows waits for a checkpoint before holding what that waits for.
      const [removed] = await connection.rows(removeRowsSql(file.database, slice));
      invariant(Number(Object.values(removed ?? {})[0]) === samples, 'BUG: other rows are removed than were read');
      await this.insert(file);
      await this.measured('longestHoldMs', () => connection.run('COMMIT'));
      file.blockSamples += samples;
      file.blocks += blocks;
      this.counts.slices++;
      this.counts.samples += samples;
      this.counts.blocks += blocks;
      this.counts.blockBytes += bytes;
      return samples;
    } catch (cause) {
      await connection.run('ROLLBACK').catch(() => undefined);
      throw cause;
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
      if (block) {
        waiting.push(rowOf(block));
        bytes += block.times.length + block.values.length + (block.rest?.length ?? 0);
      }
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
  private async insert(file: DayFile): Promise<void> {
    const { connection } = this.context;
    const table = this.hot.table(SAMPLE_BLOCKS.name);
    this.hot.bind(connection.id, this.hot.snapshotOf(SAMPLE_BLOCKS.name, table.days.get(file.day) ?? []));
    try {
      await connection.run(insertBlocksSql(file.database));
    } finally {
      this.hot.unbind(connection.id);
    }
  }

  private async measured(longest: 'longestHoldMs' | 'longestCheckpointMs', work: () => Promise<void>): Promise<void> {
    const fromMs = performance.now();
    await work();
    this.counts[longest] = Math.max(this.counts[longest], performance.now() - fromMs);
  }
  private async usedBytes(file: DayFile): Promise<number> {
    const result = await this.context.read(fileSpaceSql(file.database));
    return Number((result.column('used') as ArrayLike<number>)[0] ?? 0);
  }
}

function rowsOf(columns: ReadonlyMap<string, ColumnData>, strange: boolean): SliceRows {
  const all = <T>(name: string): T => columns.get(name)!.all() as T;
  return {
    seriesIds: all<Uint32Array>('series_id'),
    times: all<BigInt64Array>('time'),
    values: all<Float64Array>('value'),
    rest: strange
      ? {
          ints: all<BigInt64Array>('value_int'),
          starts: all<BigInt64Array>('start_time'),
          flags: all<Uint32Array>('flags'),
          present: all<Uint8Array>('present'),
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
