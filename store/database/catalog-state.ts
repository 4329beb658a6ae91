import type { JournalPosition } from '#contracts/journal.ts';
import type { Incident } from '#contracts/judgement.ts';
import type { PrunedDay } from '#contracts/store.ts';
import type { BatchRow } from '../write/batch-window.ts';
import { type Day, dayName, dayOfName } from '../write/day-of.ts';
import { type Connection, textLiteral } from './database.ts';
import { Serial } from './serial.ts';

const RELEASED = 'store.released';
const MARK = 'store.consumed';

const BATCHES_A_STATEMENT = 500;
const batchValues = ({ sender, batch, position }: BatchRow): string => `(${textLiteral(sender)}, ${textLiteral(batch)}, ${position})`;
function inParts(rows: readonly BatchRow[], sql: (rows: readonly BatchRow[]) => string): (readonly [string, readonly []])[] {
  const statements: (readonly [string, readonly []])[] = [];
  for (let at = 0; at < rows.length; at += BATCHES_A_STATEMENT) statements.push([sql(rows.slice(at, at + BATCHES_A_STATEMENT)), []]);
  return statements;
}

/** With its parameters, $1 ... */
export type Statement = readonly [sql: string, parameters: readonly (string | number | null)[]];

/** Incidents, small state and the list of pruned days, in the catalog. One writer at a time, on a connection of its own. */
export class CatalogState {
  private readonly connection: Connection;
  private readonly db: string;
  private readonly queue = new Serial();

  constructor(connection: Connection, catalog: string) {
    this.connection = connection;
    this.db = `${catalog}.main`;
  }

  saveIncident(incident: Incident, nowMs: number): Promise<void> {
    return this.write(
      [`DELETE FROM ${this.db}.incidents WHERE incident_id = $1`, [incident.id]],
      [`INSERT INTO ${this.db}.incidents VALUES ($1, $2, $3, $4)`, [incident.id, incident.openedMs, nowMs, JSON.stringify(incident)]],
    );
  }
  /** Newest first. */
  async incidents(limit: number): Promise<readonly Incident[]> {
    const rows = await this.read(
      `SELECT json FROM ${this.db}.incidents ORDER BY opened_ms DESC, incident_id LIMIT ${Math.max(0, Math.trunc(limit))}`,
    );
    return rows.map((row) => JSON.parse(row['json'] as string) as Incident);
  }
  set(key: string, json: string): Promise<void> {
    return this.write(
      [`DELETE FROM ${this.db}.state WHERE key = $1`, [key]],
      [`INSERT INTO ${this.db}.state VALUES ($1, $2)`, [key, json]],
    );
  }
  async get(key: string): Promise<string | null> {
    const [row] = await this.read(`SELECT json FROM ${this.db}.state WHERE key = ${textLiteral(key)}`);
    return (row?.['json'] as string | undefined) ?? null;
  }
  async released(): Promise<JournalPosition> {
    return Number((await this.get(RELEASED)) ?? 0);
  }
  /** What the day files held when that was written down last (write/stored-mark.ts). */
  mark(): Promise<string | null> {
    return this.get(MARK);
  }
  /** In one step with the batches of forwarding consoles the journal is about to forget, and what each day file has taken in. */
  setReleased(
    position: JournalPosition,
    mark: string,
    batches: { readonly add: readonly BatchRow[]; readonly remove: readonly BatchRow[] },
  ): Promise<void> {
    return this.write(
      [`DELETE FROM ${this.db}.state WHERE key = $1`, [RELEASED]],
      [`INSERT INTO ${this.db}.state VALUES ($1, $2)`, [RELEASED, String(position)]],
      [`DELETE FROM ${this.db}.state WHERE key = $1`, [MARK]],
      [`INSERT INTO ${this.db}.state VALUES ($1, $2)`, [MARK, mark]],
      ...inParts(batches.add, (rows) => `INSERT INTO ${this.db}.batches VALUES ${rows.map(batchValues).join(', ')}`),
      ...inParts(
        batches.remove,
        (rows) => `DELETE FROM ${this.db}.batches WHERE batch IN (${rows.map(({ batch }) => textLiteral(batch)).join(', ')})`,
      ),
    );
  }
  async batches(): Promise<readonly BatchRow[]> {
    const rows = await this.read(`SELECT sender, batch, position FROM ${this.db}.batches ORDER BY position`);
    return rows.map((row) => ({ sender: String(row['sender']), batch: String(row['batch']), position: Number(row['position']) }));
  }

  /** @param untilPosition rows of the day from records before it stay away, should the journal be replayed */
  addPruned(pruned: PrunedDay, untilPosition: JournalPosition): Promise<void> {
    return this.write([
      `INSERT INTO ${this.db}.pruned VALUES ($1, $2, $3, $4, $5)`,
      [pruned.day, pruned.reason, pruned.bytes, pruned.atMs, untilPosition],
    ]);
  }
  async pruned(): Promise<readonly PrunedDay[]> {
    const rows = await this.read(`SELECT day, reason, bytes, at_ms FROM ${this.db}.pruned ORDER BY at_ms`);
    return rows.map((row) => ({
      day: row['day'] as string,
      reason: row['reason'] as PrunedDay['reason'],
      bytes: row['bytes'] as number,
      atMs: row['at_ms'] as number,
    }));
  }
  async prunedUntil(): Promise<Map<Day, JournalPosition>> {
    const rows = await this.read(
      `SELECT day, max(until_position) AS until_position FROM ${this.db}.pruned WHERE reason <> 'corrupt' GROUP BY day`,
    );
    return new Map(rows.map((row) => [dayOfName(row['day'] as string) ?? 0, row['until_position'] as number]));
  }
  checkpoint(catalog: string): Promise<void> {
    return this.queue.run(() => this.connection.run(`CHECKPOINT ${catalog}`));
  }

  private read(sql: string): Promise<Record<string, unknown>[]> {
    return this.queue.run(() => this.connection.rows(sql));
  }
  /** All of them or none, on the disk when it resolves. */
  write(...statements: readonly Statement[]): Promise<void> {
    if (statements.length === 0) return Promise.resolve();
    return this.queue.run(async () => {
      await this.connection.run('BEGIN TRANSACTION');
      try {
        for (const [sql, params] of statements) await this.connection.runWith(sql, params);
        await this.connection.run('COMMIT');
      } catch (cause) {
        await this.connection.run('ROLLBACK').catch(() => undefined);
        throw cause;
      }
    });
  }
}
export const prunedDay = (day: Day, reason: PrunedDay['reason'], bytes: number, atMs: number): PrunedDay => ({
  day: dayName(day),
  reason,
  bytes,
  atMs,
});
