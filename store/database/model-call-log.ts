import { type Explanation, MODEL_CALL_LIMITS, type ModelCall } from '#contracts/explanation.ts';
import type { ModelCallStore } from '#contracts/store.ts';
import { type Connection, textLiteral } from './database.ts';
import { Serial } from './serial.ts';

/** Calls of the local model in the catalog, on a connection it shares with the postmortems. A row is written once and never changed. */
export class ModelCallLog implements ModelCallStore {
  private readonly connection: Connection;
  private readonly table: string;
  private readonly mayWrite: () => void;
  private readonly queue = new Serial();

  /** @param mayWrite throws when the store is closing or read-only */
  constructor(connection: Connection, catalog: string, mayWrite: () => void) {
    this.connection = connection;
    this.table = `${catalog}.main.llm_calls`;
    this.mayWrite = mayWrite;
  }
  async save({ cacheKey, ...explanation }: ModelCall): Promise<void> {
    this.mayWrite();
    const { id, incidentId, askedMs, outcome } = explanation;
    await this.queue.run(async () => {
      await this.connection.runWith(`INSERT INTO ${this.table} VALUES ($1, $2, $3, $4, $5, $6)`, [
        id,
        incidentId,
        askedMs,
        outcome,
        cacheKey,
        JSON.stringify(explanation),
      ]);
      await this.connection.run(
        `DELETE FROM ${this.table} WHERE call_id IN (SELECT call_id FROM ${this.table} ORDER BY asked_ms DESC, rowid DESC OFFSET ${MODEL_CALL_LIMITS.rows})`,
      );
    });
  }
  list(incidentId: string | null, limit: number): Promise<readonly Explanation[]> {
    const where = incidentId === null ? '' : `WHERE incident_id = ${textLiteral(incidentId)}`;
    return this.read(`${where} ORDER BY asked_ms DESC, rowid DESC LIMIT ${Math.max(0, Math.trunc(limit))}`);
  }
  async answered(cacheKey: string): Promise<Explanation | null> {
    const [found] = await this.read(
      `WHERE cache_key = ${textLiteral(cacheKey)} AND outcome = 'answered' ORDER BY asked_ms DESC, rowid DESC LIMIT 1`,
    );
    return found ?? null;
  }
  private async read(rest: string): Promise<readonly Explanation[]> {
    const rows = await this.queue.run(() => this.connection.rows(`SELECT json FROM ${this.table} ${rest}`));
    return rows.map((row) => JSON.parse(row['json'] as string) as Explanation);
  }
}
