import { existsSync } from 'node:fs';
import { join } from 'node:path';
import duckdb from '@duckdb/node-bindings';
import { BILL_PROBLEMS, type BillProblemCode } from '#contracts/bill-problems.ts';
import type { Bill, BillProblem } from '#contracts/cost.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { attachFile, type DatabaseFile, troubleOf } from '../database/attach-file.ts';
import type { DataDir } from '../database/data-dir.ts';
import { type Connection, type Database, textLiteral } from '../database/database.ts';
import { setAside } from '../database/quarantine.ts';
import { Serial } from '../database/serial.ts';
import { orNoRoom, sweepTemp } from '../database/temp-space.ts';
import type { MigrationWatch } from '../migrate/migration-watch.ts';
import { backupFolder } from '../retention/beside-files.ts';
import { BILLS, billsDdl, billViewSql } from '../sql/bills/bill-ddl.ts';
import * as sql from '../sql/bills/import-sql.ts';
import { SCHEMA_VERSION } from '../sql/ddl/ddl.ts';
import { type BillLayout, isBill, layOut } from './bill-columns.ts';
import { type BillHeader, checkWhole, readHeader } from './read-header.ts';

/** Rows of one file; more would have to be sorted out on disk for many minutes. */
export const MAX_BILL_ROWS = 20_000_000;
/** FOCUS has about a hundred. Ten thousand took all of DuckDB's memory and held up the engine for half a second. */
export const MAX_BILL_COLUMNS = 1_000;
/** Problems listed by line: the first of each kind, and no more than this in all. */
const LISTED_PER_PROBLEM = 20;
const LISTED = 200;

export interface BillFile {
  /** On disk, readable by the engine; not kept. */
  readonly path: string;
  readonly name: string;
  /** SHA-256 of its bytes, hex: the same file twice is one bill. */
  readonly sha256: string;
}

/**
 * Bills in `bills.duckdb`, attached when there is one. An import is one transaction: killed at any moment, all of the
 * file is there or nothing. One import at a time.
 */
export class BillBook {
  private readonly dataDir: DataDir;
  private readonly database: Database;
  /** The store's own: it attaches files and makes views. */
  private readonly connection: Connection;
  private readonly nowMs: () => number;
  private readonly watch: MigrationWatch | undefined;
  private readonly queue = new Serial();
  private attached = false;
  private busy: Connection | null = null;
  private closing = false;

  constructor(parts: { dataDir: DataDir; database: Database; connection: Connection; nowMs: () => number; watch?: MigrationWatch }) {
    this.dataDir = parts.dataDir;
    this.database = parts.database;
    this.connection = parts.connection;
    this.nowMs = parts.nowMs;
    this.watch = parts.watch;
  }
  get path(): string {
    return join(this.dataDir.path, 'bills.duckdb');
  }

  /** Attaches the file when it is there; what is damaged is set aside. Returns a sentence for the operator, or null. */
  async open(): Promise<string | null> {
    let trouble: string | null = null;
    if (!this.dataDir.readOnly) sweepTemp(this.dataDir.path);
    if (existsSync(this.path)) trouble = await this.attachOrSetAside();
    await this.connection.run(billViewSql(this.attached));
    return trouble;
  }
  private async attachOrSetAside(): Promise<string | null> {
    try {
      await this.attach();
      return null;
    } catch (cause) {
      const { message } = cause as Error;
      if (this.dataDir.readOnly || troubleOf(message) !== 'corrupt') return `${this.path} cannot be read and is left as it is: ${message}`;
      const aside = setAside(this.dataDir.path, this.path, message, this.nowMs());
      return `The bills were damaged and set aside as ${aside.path}; import them again: ${message}`;
    }
  }
  private async attach(): Promise<void> {
    const file: DatabaseFile = {
      path: this.path,
      name: BILLS,
      kind: 'bills',
      ddl: billsDdl(BILLS, SCHEMA_VERSION),
      readOnly: this.dataDir.readOnly,
      watch: this.watch,
    };
    await attachFile(this.connection, file, backupFolder(this.dataDir.path));
    this.attached = true;
  }

  /** Newest import first. */
  async list(): Promise<readonly Bill[]> {
    if (!this.attached) return [];
    return this.queue.run(async () => {
      const rows = await this.withConnection((c) => c.rows(`SELECT json FROM ${BILLS}.main.bill_files ORDER BY imported_ms DESC, bill_id`));
      return rows.map((row) => JSON.parse(row['json'] as string) as Bill);
    });
  }
  /** @param gate runs what attaches a file while no statement starts */
  add(file: BillFile, gate: (work: () => Promise<void>) => Promise<void>): Promise<Bill> {
    if (this.dataDir.readOnly)
      throw new FaultlineError('data_dir_not_writable', `${this.dataDir.path} is open for reading only: no bill can be imported.`);
    return this.queue.run(async () => {
      if (!this.attached)
        await gate(async () => {
          await this.attach();
          await this.connection.run(billViewSql(true));
        });
      return this.withConnection((connection) => this.import(connection, file));
    });
  }
  /** Takes a bill and its rows away. @throws not_found */
  remove(id: string): Promise<void> {
    return this.queue.run(() =>
      this.withConnection(async (connection) => {
        const known = this.attached ? await this.known(connection, id) : null;
        if (!known) throw new FaultlineError('not_found', `There is no bill ${id}.`);
        await connection.run('BEGIN TRANSACTION');
        await connection.runWith(`DELETE FROM ${BILLS}.main.bill_rows WHERE bill_id = $1`, [id]);
        await connection.runWith(`DELETE FROM ${BILLS}.main.bill_files WHERE bill_id = $1`, [id]);
        await connection.run('COMMIT');
      }),
    );
  }

  /** Stops an import under way, which leaves nothing, and settles when nothing runs. */
  async close(): Promise<void> {
    this.closing = true;
    // Again and again: an interrupt reaches only a statement under way.
    const again = setInterval(() => this.busy && duckdb.interrupt(this.busy.raw), 20);
    await this.queue.run(async () => undefined);
    clearInterval(again);
  }

  private async withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.closing) throw new FaultlineError('starting', 'The store is closing.');
    const connection = await this.database.connect();
    this.busy = connection;
    try {
      return await work(connection);
    } finally {
      this.busy = null;
      this.database.disconnect(connection);
    }
  }
  private async known(connection: Connection, id: string): Promise<Bill | null> {
    const [row] = await connection.rows(`SELECT json FROM ${BILLS}.main.bill_files WHERE bill_id = ${textLiteral(id)}`);
    return row ? (JSON.parse(row['json'] as string) as Bill) : null;
  }

  private async import(connection: Connection, file: BillFile): Promise<Bill> {
    const known = await this.known(connection, file.sha256);
    if (known) return { ...known, alreadyThere: true };
    let header: BillHeader | null;
    try {
      header = await readHeader(file.path);
      if (header) await checkWhole(file.path, header.compression);
    } catch (cause) {
      return this.refused(file, 'cut_off', (cause as Error).message);
    }
    if (!header) return this.refused(file, 'not_utf8', 'the first line is not text');
    if (header.columns.length > MAX_BILL_COLUMNS)
      return this.refused(file, 'too_many_columns', `${header.columns.length}, the limit is ${MAX_BILL_COLUMNS}`);
    const names = header.columns.map((name) => name.toLowerCase());
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) return this.refused(file, 'duplicate_column', `"${twice}"`);
    const layout = layOut(header.columns);
    if (!isBill(layout)) return this.refused(file, 'not_a_bill', `it has ${header.columns.slice(0, 8).join(', ')}`);
    await connection.run('BEGIN TRANSACTION');
    try {
      const bill = await this.take(connection, file, header, layout);
      await connection.runWith(`INSERT INTO ${BILLS}.main.bill_files VALUES ($1, $2, $3)`, [
        bill.id,
        bill.importedMs,
        JSON.stringify(bill),
      ]);
      await connection.run('COMMIT');
      // What went through the log goes to its place now: the next start need not replay it.
      await connection.run(`CHECKPOINT ${BILLS}`).catch(() => undefined);
      return bill;
    } catch (cause) {
      await connection.run('ROLLBACK').catch(() => undefined);
      if (cause instanceof Refusal) return this.refused(file, cause.code, cause.message);
      throw orNoRoom(cause);
    }
  }

  private async take(connection: Connection, file: BillFile, header: BillHeader, layout: BillLayout): Promise<Bill> {
    const checks = sql.checksOf(layout);
    const firstNoted = sql.refusing(checks);
    await connection.run(sql.stageSql(file.path, header, layout, checks, MAX_BILL_ROWS)).catch(refuseReading);
    const [facts] = await connection.rows(sql.stagedSql(firstNoted));
    const rows = Number(facts?.['rows'] ?? 0);
    if (rows > MAX_BILL_ROWS) throw new Refusal('too_many_rows', `more than ${MAX_BILL_ROWS}`);
    const startMs = facts?.['start_ms'] === null ? null : Number(facts?.['start_ms']);
    const endMs = facts?.['end_ms'] === null ? null : Number(facts?.['end_ms']);
    const provider = String(facts?.['provider'] ?? '');
    const overlapping = startMs === null || endMs === null ? [] : await connection.rows(sql.overlapSql(startMs, endMs, provider));
    const [others] = await connection.rows(`SELECT count(*)::INTEGER AS n FROM ${BILLS}.main.bill_files`);
    await connection.run(sql.insertSql(file.sha256, firstNoted, others?.['n'] === 0));
    const totals = (await connection.rows(sql.totalsSql(file.sha256))) as Bill['totals'];
    const kept = totals.reduce((sum, total) => sum + total.rows, 0);
    const repeated = Number(facts?.['taken'] ?? 0) - kept;
    const found = await this.problems(connection, checks, firstNoted);
    const whole: BillProblem[] = [
      ...(layout.missing.length > 0 ? [problem('missing_columns', layout.missing.join(', '))] : []),
      ...(totals.length > 1 ? [problem('mixed_currencies', totals.map((total) => total.currency).join(', '))] : []),
      ...(overlapping.length > 0 && kept > 0 ? [problem('overlapping_period', overlapping.map((each) => each['name']).join(', '))] : []),
      ...(repeated > 0 ? [problem('repeated_rows', `${repeated} of ${rows}`, repeated)] : []),
      ...found.unbalanced,
    ];
    return {
      id: file.sha256,
      name: file.name,
      importedMs: this.nowMs(),
      focusVersion: layout.version,
      provider,
      startMs,
      endMs,
      rows: kept,
      refusedRows: rows - Number(facts?.['taken'] ?? 0) + found.rejected,
      repeatedRows: repeated,
      totals,
      problems: [...whole, ...found.listed].slice(0, LISTED),
      problemCount: found.count + whole.reduce((sum, each) => sum + each.count, 0),
      alreadyThere: false,
    };
  }

  private async problems(connection: Connection, checks: ReturnType<typeof sql.checksOf>, firstNoted: number) {
    const rejects = await connection.rows(sql.rejectsSql);
    const rejected = Number(rejects[0]?.['n'] ?? 0);
    const flagged = await connection.rows(sql.problemsSql(LISTED_PER_PROBLEM));
    const breaks = flagged.length === 0 ? [] : await connection.rows(sql.breaksSql);
    const lineOf = (row: number): number => {
      let line = row + 1;
      for (const each of breaks) if (Number(each['row_number']) < row) line += Number(each['breaks']);
      for (const each of rejects) if (Number(each['line']) <= line) line += 1;
      return line;
    };
    const listed: BillProblem[] = rejects
      .slice(0, LISTED_PER_PROBLEM)
      .map((each) => problem('bad_line', firstSentence(String(each['error_message'])), rejected, Number(each['line']), null));
    for (const { code: place, n, rows } of flagged) {
      const check = checks[Number(place)];
      if (!check) continue;
      for (const row of String(rows).split(','))
        listed.push(problem(check.code, '', Number(n), lineOf(Number(row)), check.column, Number(place) < firstNoted));
    }
    const [commitments] = await connection.rows(sql.unbalancedSql);
    const n = Number(commitments?.['n'] ?? 0);
    return {
      rejected,
      listed,
      unbalanced: n > 0 ? [problem('commitment_unbalanced', String(commitments?.['first']), n)] : [],
      count: rejected + flagged.reduce((sum, each) => sum + Number(each['n']), 0),
    };
  }
  /** A file of which nothing was taken: told, not kept. */
  private refused(file: BillFile, code: BillProblemCode, what: string): Bill {
    return {
      id: file.sha256,
      name: file.name,
      importedMs: this.nowMs(),
      focusVersion: '',
      provider: '',
      startMs: null,
      endMs: null,
      rows: 0,
      refusedRows: 0,
      repeatedRows: 0,
      totals: [],
      problems: [problem(code, what)],
      problemCount: 1,
      alreadyThere: false,
    };
  }
}

class Refusal extends Error {
  readonly code: BillProblemCode;
  constructor(code: BillProblemCode, message: string) {
    super(message);
    this.code = code;
  }
}
/** DuckDB's words for a file it cannot read to the end. */
function refuseReading(cause: Error): never {
  const what = firstSentence(cause.message);
  if (/gzip|compress|Failed to decode|unexpected end|zstd/i.test(cause.message)) throw new Refusal('cut_off', what);
  if (/utf|unicode|encoding/i.test(cause.message)) throw new Refusal('not_utf8', what);
  if (/CSV Error|Invalid Input Error/i.test(cause.message)) throw new Refusal('bad_line', what);
  throw cause;
}
const firstSentence = (message: string): string => message.split('\n')[0]?.slice(0, 300) ?? '';
function problem(
  code: BillProblemCode,
  what: string,
  count = 1,
  line: number | null = null,
  column: string | null = null,
  refused = BILL_PROBLEMS[code].kind === 'refused',
): BillProblem {
  const { says, todo } = BILL_PROBLEMS[code];
  return { line, column, code, says: what === '' ? says : `${says} (${what})`, todo, refused, count };
}
