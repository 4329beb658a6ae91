import { ALERTING_LIMITS, type Delivery, type SentMark, type SilenceRecord } from '#contracts/alerting.ts';
import type { AlertingStore, WantedDeliveries } from '#contracts/store.ts';
import type { CatalogState, Statement } from './catalog-state.ts';
import { type Connection, textLiteral } from './database.ts';
import { Serial } from './serial.ts';

const DAY_MS = 86_400_000;
const ROWS_A_STATEMENT = 200;
const KEYS: Readonly<Record<string, string>> = { alert_deliveries: 'delivery_id', alert_sent: 'sent_key' };
/** Newest first; the id tells apart those of one time. */
const ORDER = 'ORDER BY at_ms DESC, delivery_id DESC';

/** Silences and notifications in the catalog: read on a connection it shares with documents, written where small state is. */
export class AlertingLog implements AlertingStore {
  private readonly connection: Connection;
  private readonly state: CatalogState;
  private readonly db: string;
  private readonly mayWrite: () => void;
  private readonly queue = new Serial();

  /** @param mayWrite throws when the store is closing or read-only */
  constructor(connection: Connection, state: CatalogState, catalog: string, mayWrite: () => void) {
    this.connection = connection;
    this.state = state;
    this.db = `${catalog}.main`;
    this.mayWrite = mayWrite;
  }
  async silences(): Promise<readonly SilenceRecord[]> {
    return this.jsonOf<SilenceRecord>(`SELECT json FROM ${this.db}.alert_silences ORDER BY ends_ms DESC LIMIT ${ALERTING_LIMITS.silences}`);
  }
  async saveSilences(silences: readonly SilenceRecord[]): Promise<void> {
    this.mayWrite();
    await this.state.write(
      ...silences.flatMap((silence): Statement[] => [
        [`DELETE FROM ${this.db}.alert_silences WHERE silence_id = $1`, [silence.id]],
        [`INSERT INTO ${this.db}.alert_silences VALUES ($1, $2, $3)`, [silence.id, silence.endsAtMs, JSON.stringify(silence)]],
      ]),
    );
  }
  async removeSilences(ids: readonly string[]): Promise<void> {
    this.mayWrite();
    await this.state.write(...ids.map((id): Statement => [`DELETE FROM ${this.db}.alert_silences WHERE silence_id = $1`, [id]]));
  }
  async record({ deliveries, sent }: { deliveries: readonly Delivery[]; sent: readonly SentMark[] }): Promise<void> {
    this.mayWrite();
    // Who was told what must be on the disk soon after: few statements, however many lines.
    const statements = [...this.replaced('alert_deliveries', deliveries.map(columnsOf)), ...this.replaced('alert_sent', sent.map(marksOf))];
    await this.state.write(...statements);
  }
  /** Rows of a table whose first column is their key, in the place of those there are. */
  private replaced(table: string, all: readonly (readonly (string | number)[])[]): Statement[] {
    // The last word of a key.
    const rows = [...new Map(all.map((row) => [row[0], row])).values()];
    const statements: Statement[] = [];
    for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
      const part = rows.slice(at, at + ROWS_A_STATEMENT);
      let count = 0;
      const next = (): string => `$${++count}`;
      statements.push([
        `DELETE FROM ${this.db}.${table} WHERE ${KEYS[table]} IN (${part.map(next).join(', ')})`,
        part.map(([key]) => key as string),
      ]);
      count = 0;
      const values = part.map((row) => `(${row.map(next).join(', ')})`);
      statements.push([`INSERT INTO ${this.db}.${table} VALUES ${values.join(', ')}`, part.flat()]);
    }
    return statements;
  }
  async sent(): Promise<readonly SentMark[]> {
    const rows = await this.rows(`SELECT sent_key, expires_ms, at_ms, json FROM ${this.db}.alert_sent ORDER BY at_ms`);
    return rows.map((row) => ({
      key: String(row['sent_key']),
      atMs: Number(row['at_ms']),
      expiresMs: Number(row['expires_ms']),
      json: String(row['json']),
    }));
  }
  deliveries(wanted: WantedDeliveries): Promise<readonly Delivery[]> {
    const { limit, before, receiver, groupKey, outcome, fingerprint } = wanted;
    const where = [
      ...(before ? [`(at_ms, delivery_id) < (${Number(before.atMs)}, ${textLiteral(before.id)})`] : []),
      ...(receiver === undefined ? [] : [`receiver = ${textLiteral(receiver)}`]),
      ...(groupKey === undefined ? [] : [`group_key = ${textLiteral(groupKey)}`]),
      ...(outcome === undefined ? [] : [`outcome = ${textLiteral(outcome)}`]),
      // Fingerprints are 16 hexadecimal digits: nothing else in a line looks so between quotes.
      ...(fingerprint === undefined ? [] : [`contains(json, ${textLiteral(JSON.stringify(fingerprint))})`]),
    ];
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return this.jsonOf<Delivery>(`SELECT json FROM ${this.db}.alert_deliveries ${filter} ${ORDER} LIMIT ${Math.max(0, Math.trunc(limit))}`);
  }
  async countDeliveries(): Promise<number> {
    const [row] = await this.rows(`SELECT count(*)::DOUBLE AS n FROM ${this.db}.alert_deliveries`);
    return Number(row?.['n'] ?? 0);
  }
  async prune(nowMs: number): Promise<number> {
    this.mayWrite();
    const before = await this.countDeliveries();
    await this.state.write(
      [`DELETE FROM ${this.db}.alert_deliveries WHERE last_ms < $1`, [nowMs - ALERTING_LIMITS.keptDays * DAY_MS]],
      [
        `DELETE FROM ${this.db}.alert_deliveries WHERE delivery_id IN (SELECT delivery_id FROM ${this.db}.alert_deliveries ${ORDER} OFFSET ${ALERTING_LIMITS.deliveries})`,
        [],
      ],
      [`DELETE FROM ${this.db}.alert_sent WHERE expires_ms < $1`, [nowMs]],
    );
    return before - (await this.countDeliveries());
  }
  private async jsonOf<T>(sql: string): Promise<readonly T[]> {
    return (await this.rows(sql)).map((row) => JSON.parse(row['json'] as string) as T);
  }
  private rows(sql: string): Promise<Record<string, unknown>[]> {
    return this.queue.run(() => this.connection.rows(sql));
  }
}
const marksOf = ({ key, expiresMs, atMs, json }: SentMark): (string | number)[] => [key, expiresMs, atMs, json];
const columnsOf = (delivery: Delivery): (string | number)[] => [
  delivery.id,
  delivery.atMs,
  delivery.lastMs,
  delivery.receiver,
  delivery.groupKey,
  delivery.outcome,
  JSON.stringify(delivery),
];
