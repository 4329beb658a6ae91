import { ALERTING_LIMITS, type Delivery, type SentMark, type SilenceRecord } from '#contracts/alerting.ts';
import type { AlertingStore, WantedDeliveries } from '#contracts/store.ts';
import type { CatalogState, Statement } from './catalog-state.ts';
import { type Connection, textLiteral } from './database.ts';
import { Serial } from './serial.ts';

const DAY_MS = 86_400_000;
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
    await this.state.write(
      ...deliveries.flatMap((delivery): Statement[] => [
        [`DELETE FROM ${this.db}.alert_deliveries WHERE delivery_id = $1`, [delivery.id]],
        [`INSERT INTO ${this.db}.alert_deliveries VALUES ($1, $2, $3, $4, $5, $6, $7)`, columnsOf(delivery)],
      ]),
      ...sent.flatMap(({ key, atMs, expiresMs, json }): Statement[] => [
        [`DELETE FROM ${this.db}.alert_sent WHERE sent_key = $1`, [key]],
        [`INSERT INTO ${this.db}.alert_sent VALUES ($1, $2, $3, $4)`, [key, expiresMs, atMs, json]],
      ]),
    );
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
const columnsOf = (delivery: Delivery): (string | number)[] => [
  delivery.id,
  delivery.atMs,
  delivery.lastMs,
  delivery.receiver,
  delivery.groupKey,
  delivery.outcome,
  JSON.stringify(delivery),
];
