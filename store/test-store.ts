import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spanEventsReader } from '#collectors/otlp/decode-events.ts';
import type { ColumnBatch } from '#contracts/columns.ts';
import type { Store } from '#contracts/store.ts';
import { openStore, type StoreOptions } from './open-store.ts';

/** A store in a folder of its own, for tests: with a clock to turn, and all of it gone at the end. */
export class TestStore {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'faultline-store-'));
  readonly lines: string[] = [];
  nowMs = Date.UTC(2026, 10, 21, 12);
  store!: Store;
  position = 1;
  async open(options: Partial<StoreOptions> = {}): Promise<Store> {
    this.store = await openStore({
      dataDir: this.dataDir,
      retentionSeconds: 0,
      maxSizeBytes: 1e12,
      limits: { maxSeries: 1000 },
      nowMs: () => this.nowMs,
      log: (line) => this.lines.push(line),
      readEvents: spanEventsReader(),
      ...options,
    });
    return this.store;
  }
  async reopen(options: Partial<StoreOptions> = {}): Promise<Store> {
    await this.store.close();
    return this.open(options);
  }
  append(...batches: readonly ColumnBatch[]): number {
    const position = this.position++;
    this.store.append({ position, next: this.position }, batches);
    return position;
  }
  /** First row of a statement. */
  async one(sql: string): Promise<Record<string, unknown>> {
    return (await this.store.query(sql)).rows()[0] ?? {};
  }
  async count(table: string): Promise<number> {
    return Number((await this.one(`SELECT count(*) AS n FROM ${table}`))['n']);
  }
  async end(): Promise<void> {
    await this.store?.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
export const nano = (iso: string): bigint => BigInt(Date.parse(iso)) * 1_000_000n;
