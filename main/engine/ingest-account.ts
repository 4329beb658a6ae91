import type { ColumnBatch, DecodedRecord } from '#contracts/columns.ts';
import { type JournalRecord, RecordKind } from '#contracts/journal.ts';
import { TABLES, type TableName } from '#contracts/tables.ts';

export type Signal = 'traces' | 'logs' | 'metrics' | 'profiles';
const SIGNALS = ['traces', 'logs', 'metrics', 'profiles'] as const;
const none = (): Record<Signal, number> => ({ traces: 0, logs: 0, metrics: 0, profiles: 0 });
/** Rows that belong to an item of another table. */
const BESIDE: readonly TableName[] = ['exemplars', 'profile_samples'];
const SIGNAL: Readonly<Record<number, Signal>> = {
  [RecordKind.traces]: 'traces',
  [RecordKind.logs]: 'logs',
  [RecordKind.metrics]: 'metrics',
  [RecordKind.profiles]: 'profiles',
  [RecordKind.scrape]: 'metrics',
  [RecordKind.write1]: 'metrics',
  [RecordKind.write2]: 'metrics',
};
const TIME_COLUMN = Object.fromEntries(
  Object.values(TABLES).map((t) => [t.name, t.columns.findIndex((c) => c.name === t.timeColumn)]),
) as Record<TableName, number>;
/** Rates are said over this many seconds. */
const RATE_SECONDS = 5;

/** Oldest and newest event time of a batch, Unix milliseconds. */
export function eventExtent(batch: ColumnBatch): { readonly oldestMs: number; readonly newestMs: number } {
  const { data } = batch.columns[TIME_COLUMN[batch.table]] as { data: BigInt64Array };
  // Halves instead of bigints: a bigint per row is garbage per row.
  const halves = new Int32Array(data.buffer, data.byteOffset, batch.rows * 2);
  let oldest = Number.POSITIVE_INFINITY;
  let newest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < halves.length; i += 2) {
    const nanos = (halves[i + 1] as number) * 4_294_967_296 + ((halves[i] as number) >>> 0);
    if (nanos < oldest) oldest = nanos;
    if (nanos > newest) newest = nanos;
  }
  return { oldestMs: Math.floor(oldest / 1e6), newestMs: Math.floor(newest / 1e6) };
}

/** What became of acknowledged records since the engine started: items by signal, drops and repairs by source. */
export class IngestAccount {
  readonly items: Record<Signal, number> = none();
  readonly rows = Object.fromEntries(Object.keys(TABLES).map((name) => [name, 0])) as Record<TableName, number>;
  readonly dropped = new Map<string, Map<string, number>>();
  readonly noted = new Map<string, Map<string, number>>();
  /** Rows by scrape source: only the engine knows how many samples an exposition held. */
  readonly scraped = new Map<string, number>();
  /** What is wrong with a source's newest record, as a sentence; gone with the next good one. */
  readonly problems = new Map<string, string>();
  records = 0;
  bytes = 0;
  private seconds: { readonly second: number; readonly items: Record<Signal, number> }[] = [];

  take(record: JournalRecord, decoded: DecodedRecord, nowMs: number): void {
    this.records++;
    this.bytes += record.body.length;
    const signal = SIGNAL[record.kind] ?? 'metrics';
    let rows = 0;
    for (const batch of decoded.batches) {
      this.rows[batch.table] += batch.rows;
      if (!BESIDE.includes(batch.table)) rows += batch.rows;
    }
    this.items[signal] += rows;
    this.currentSecond(nowMs)[signal] += rows;
    if (record.kind === RecordKind.scrape) this.scraped.set(record.source, (this.scraped.get(record.source) ?? 0) + rows);
    if (decoded.problem) this.problems.set(record.source, decoded.problem);
    else this.problems.delete(record.source);
    add(this.dropped, record.source, decoded.dropped);
    add(this.noted, record.source, decoded.noted);
  }
  drop(source: string, reason: string, count: number): void {
    add(this.dropped, source, new Map([[reason, count]]));
  }
  note(source: string, reason: string, count: number): void {
    add(this.noted, source, new Map([[reason, count]]));
  }
  droppedTotal(): number {
    let total = 0;
    for (const reasons of this.dropped.values()) for (const count of reasons.values()) total += count;
    return total;
  }
  rates(nowMs: number): Record<Signal, number> {
    const second = Math.floor(nowMs / 1000);
    const sum = none();
    for (const part of this.seconds) {
      if (part.second >= second || part.second < second - RATE_SECONDS) continue;
      for (const signal of SIGNALS) sum[signal] += part.items[signal] / RATE_SECONDS;
    }
    return sum;
  }
  private currentSecond(nowMs: number): Record<Signal, number> {
    const second = Math.floor(nowMs / 1000);
    const last = this.seconds.at(-1);
    if (last?.second === second) return last.items;
    const items = none();
    this.seconds = [...this.seconds.filter((part) => part.second >= second - RATE_SECONDS), { second, items }];
    return items;
  }
}
function add(totals: Map<string, Map<string, number>>, source: string, counts: ReadonlyMap<string, number>): void {
  if (counts.size === 0) return;
  const reasons = totals.get(source) ?? new Map<string, number>();
  totals.set(source, reasons);
  for (const [reason, count] of counts) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
}
