import type { QueryOptions, QueryResult } from '#contracts/store.ts';
import { billGroupsSql } from '../sql/read/cost-sql.ts';
import { scrapedPricesSql, type UsageWindow } from '../sql/read/usage-sql.ts';
import { numbers, type Queries, texts, whole } from './columns-of.ts';

/** Bill rows of a window, added up by currency, owner and period. `amount`: exact decimal text. */
export interface BilledRow {
  readonly currency: string;
  readonly node: string;
  readonly service: string;
  readonly what: string;
  readonly overhead: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly amount: string;
}
/** Groups of one answer: hourly rows of a month by a hundred owners stay below it. */
const MAX_BILL_GROUPS = 200_000;

/** @throws answer_too_long where there are more groups */
export async function readBilled(store: Queries, window: UsageWindow, options: QueryOptions = {}): Promise<BilledRow[]> {
  const rows = await store.query(billGroupsSql(window), [], { maxRows: MAX_BILL_GROUPS, ...options });
  const result = whole(rows, 'groups of bill rows, by node, service and charge period,');
  const [currency, node, service, what, amount] = ['currency', 'node', 'service', 'what', 'amount'].map((name) => texts(result, name));
  const [overhead, from, to] = ['overhead', 'from_ms', 'to_ms'].map((name) => numbers(result, name));
  return Array.from({ length: result.rowCount }, (_, i) => ({
    currency: currency?.[i] ?? '',
    node: node?.[i] ?? '',
    service: service?.[i] ?? '',
    what: what?.[i] ?? '',
    overhead: overhead?.[i] === 1,
    startMs: from?.[i] ?? 0,
    endMs: to?.[i] ?? 0,
    amount: amount?.[i] ?? '0',
  }));
}

export interface ScrapedNodePrice {
  readonly node: string;
  /** Per vCPU and hour, per GiB and hour. */
  readonly coreHour: number;
  readonly gibHour: number;
  readonly atMs: number;
}
/** Prices as OpenCost exports them; a node needs both. */
export async function readScrapedPrices(
  store: Queries,
  window: UsageWindow,
  options: QueryOptions = {},
): Promise<Map<string, ScrapedNodePrice>> {
  const result: QueryResult = await store.query(scrapedPricesSql(window), [], options);
  const [node, metric, value, at] = [texts(result, 'node'), texts(result, 'metric'), numbers(result, 'value'), numbers(result, 'at_ms')];
  const found = new Map<string, { cpu?: number; ram?: number; atMs: number }>();
  for (let i = 0; i < result.rowCount; i++) {
    const price = found.get(node[i] ?? '') ?? { atMs: at[i] ?? 0 };
    if (metric[i] === 'node_cpu_hourly_cost') price.cpu = value[i] ?? 0;
    if (metric[i] === 'node_ram_hourly_cost') price.ram = value[i] ?? 0;
    found.set(node[i] ?? '', price);
  }
  return new Map(
    [...found].flatMap(([name, { cpu, ram, atMs }]) =>
      cpu === undefined || ram === undefined ? [] : [[name, { node: name, coreHour: cpu, gibHour: ram, atMs }] as const],
    ),
  );
}
