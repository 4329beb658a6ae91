import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TableName } from '#contracts/tables.ts';
import type { MigrationWatch } from '../migrate/migration-watch.ts';
import { backupFolder } from '../retention/beside-files.ts';
import { dayDdl, TELEMETRY } from '../sql/ddl/ddl.ts';
import { SAMPLE_BLOCKS } from '../sql/ddl/sample-blocks.ts';
import { telemetryViews } from '../sql/ddl/views.ts';
import { type Day, dayName, dayOfName } from '../write/day-of.ts';
import { SampleWatches } from '../write/sample-watches.ts';
import { attach, attachFile, type DatabaseFile, detachQuietly } from './attach-file.ts';
import type { Connection } from './database.ts';
import { fileBytes } from './quarantine.ts';

/** Rows of a table before (position, ordinal) are in the file; see sql/ddl/ddl.ts. */
export interface Consumed {
  readonly position: number;
  readonly ordinal: number;
}
export interface DayFile {
  readonly day: Day;
  readonly database: string;
  /** From before layout 5: see sql/ddl/views.ts. */
  readonly hasEventLists: boolean;
  readonly path: string;
  attached: boolean;
  /** Grows with each use; the smallest is detached first. */
  usedAt: number;
  readonly consumed: Map<TableName, Consumed>;
  /** Rows of a table; of samples those in blocks are part. */
  readonly rows: Record<TableName, number>;
  /** Compacted samples, the blocks that hold them. */
  blockSamples: number;
  blocks: number;
  /** The views look for blocks in it. */
  showsBlocks: boolean;
  /** Row groups written to it since it was attached. */
  grown: number;
  /** A transaction beside the writer's queue (compact/): the file is detached once it has ended. */
  held: Promise<unknown> | null;
  /** Event time of the oldest and newest row, milliseconds; null when it holds none. */
  readonly span: TimeSpan | null;
}
export interface TimeSpan {
  readonly minMs: number;
  readonly maxMs: number;
}
/** Days attached at once. Each costs about 0.3 MB and 0.1 ms a query; the rest is attached when a query names it. */
export const MAX_ATTACHED = 128;

/** The day files of a data folder. All methods that touch the database run in the store's writer queue. */
export class DayFiles {
  readonly files = new Map<Day, DayFile>();
  private readonly dataDir: string;
  private readonly connection: Connection;
  private readonly readOnly: boolean;
  private readonly maxAttached: number;
  private readonly watch: MigrationWatch | undefined;
  private uses = 0;
  /** How often the views were made: what they show may be other days. */
  private shown = 0;
  /** For readers that keep samples of what the views show. */
  readonly watches = new SampleWatches(() => this.shown);

  constructor(dataDir: string, connection: Connection, readOnly: boolean, maxAttached = MAX_ATTACHED, watch?: MigrationWatch) {
    this.dataDir = dataDir;
    this.connection = connection;
    this.readOnly = readOnly;
    this.maxAttached = maxAttached;
    this.watch = watch;
  }

  path(day: Day): string {
    return join(this.dataDir, `telemetry-${dayName(day)}.duckdb`);
  }
  /** Days that have a file, oldest first. */
  onDisk(): Day[] {
    const days = readdirSync(this.dataDir).flatMap((name) => dayOfName(/^telemetry-(.+)\.duckdb$/.exec(name)?.[1] ?? '') ?? []);
    return days.sort((a, b) => a - b);
  }
  get attached(): DayFile[] {
    return [...this.files.values()].filter((file) => file.attached).sort((a, b) => a.day - b.day);
  }
  bytes(day: Day): number {
    return fileBytes(this.path(day));
  }
  databaseFile(day: Day): DatabaseFile {
    const name = `d${dayName(day).replaceAll('-', '')}`;
    return { path: this.path(day), name, kind: 'day', ddl: dayDdl(name), readOnly: this.readOnly, watch: this.watch };
  }

  /** Attaches a day's file, creating it when absent, and reads what it holds. Detaches the least used beyond the limit. */
  async attach(day: Day): Promise<DayFile> {
    const known = this.files.get(day);
    if (known) known.usedAt = ++this.uses;
    if (known?.attached) return known;
    const file = this.databaseFile(day);
    await attachFile(this.connection, file, backupFolder(this.dataDir));
    // What is damaged further on is met only now; attached and unknown it would be in the way of the file that takes its place.
    const entry = await this.read(day, file).catch(async (cause: unknown) => {
      await detachQuietly(this.connection, file.name);
      throw cause;
    });
    this.files.set(day, entry);
    await this.detachLeastUsed();
    return entry;
  }
  /** The file stays; its rows leave the views with the next `views()`. */
  async detach(file: DayFile): Promise<void> {
    if (!file.attached) return;
    file.attached = false;
    await file.held;
    await this.connection.run(`DETACH ${file.database}`);
  }
  /**
   * Lets go of what DuckDB keeps of each row group it has written for as long as the file is attached (a quarter of a megabyte):
   * attached again, it reads what is asked for. Only while no statement runs or starts.
   */
  async renew(file: DayFile): Promise<void> {
    try {
      await this.connection.run(`DETACH ${file.database}`);
      await attach(this.connection, this.databaseFile(file.day));
      file.grown = 0;
    } catch (cause) {
      // The next flush attaches it, or says what is the matter.
      file.attached = false;
      await this.views();
      throw cause;
    }
  }
  /** What an attached file says of itself. */
  private async read(day: Day, file: DatabaseFile): Promise<DayFile> {
    const inBlocks = await this.countBlocks(file.name);
    const entry: DayFile = {
      day,
      database: file.name,
      hasEventLists: await this.hasEventLists(file.name),
      path: file.path,
      attached: true,
      usedAt: ++this.uses,
      consumed: new Map(),
      rows: await this.countRows(file.name),
      ...inBlocks,
      showsBlocks: inBlocks.blocks > 0,
      grown: 0,
      held: null,
      span: await this.span(file.name),
    };
    for (const row of await this.connection.rows(`SELECT table_name, position, ordinal FROM ${file.name}.main.consumed`)) {
      entry.consumed.set(row['table_name'] as TableName, { position: Number(row['position']), ordinal: Number(row['ordinal']) });
    }
    entry.rows.samples += entry.blockSamples;
    return entry;
  }
  /** Forgets a day; with `unlink`, its file too. Readers that have it open keep it until they end. */
  async drop(day: Day, unlink: boolean): Promise<void> {
    const file = this.files.get(day);
    if (file) await this.detach(file);
    this.files.delete(day);
    if (!unlink) return;
    for (const path of [this.path(day), `${this.path(day)}.wal`]) {
      try {
        unlinkSync(path);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      }
    }
  }

  /** Makes the views show what is attached. */
  async views(): Promise<void> {
    this.shown++;
    for (const sql of telemetryViews(this.attached)) await this.connection.run(sql);
  }

  private async hasEventLists(database: string): Promise<boolean> {
    const columns = `SELECT 1 FROM duckdb_columns() WHERE database_name = '${database}' AND table_name = 'spans' AND column_name = 'events'`;
    return (await this.connection.rows(columns)).length > 0;
  }
  private async countRows(database: string): Promise<Record<TableName, number>> {
    const counts = TELEMETRY.map((table) => `(SELECT count(*) FROM ${database}.main.${table.name})::DOUBLE AS ${table.name}`);
    const [row] = await this.connection.rows(`SELECT ${counts.join(', ')}`);
    return row as Record<TableName, number>;
  }
  private async countBlocks(database: string): Promise<{ blocks: number; blockSamples: number }> {
    const [row] = await this.connection.rows(
      `SELECT count(*)::DOUBLE AS n, coalesce(sum(samples), 0)::DOUBLE AS samples FROM ${database}.main.${SAMPLE_BLOCKS.name}`,
    );
    return { blocks: Number(row?.['n']), blockSamples: Number(row?.['samples']) };
  }
  private async span(database: string): Promise<TimeSpan | null> {
    const parts = TELEMETRY.map(
      (table) => `SELECT min(${table.timeColumn}) AS first, max(${table.timeColumn}) AS last FROM ${database}.main.${table.name}`,
    );
    parts.push(`SELECT min(first_time) AS first, max(last_time) AS last FROM ${database}.main.${SAMPLE_BLOCKS.name}`);
    const [row] = await this.connection.rows(
      `SELECT epoch_ms(min(first))::DOUBLE AS a, epoch_ms(max(last))::DOUBLE AS b FROM (${parts.join(' UNION ALL ')})`,
    );
    return row?.['a'] === null ? null : { minMs: Number(row?.['a']), maxMs: Number(row?.['b']) };
  }
  private async detachLeastUsed(): Promise<void> {
    const attached = this.attached.sort((a, b) => a.usedAt - b.usedAt);
    for (const file of attached.slice(0, Math.max(0, attached.length - this.maxAttached))) await this.detach(file);
  }
}
