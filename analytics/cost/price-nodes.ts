import type { NodePrice, PriceEntry, PriceSource } from '#contracts/cost.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { NodeUsage } from '#contracts/resource-usage.ts';
import type { BilledPart, PricedNode } from './allocate-costs.ts';
import { type Atto, divide, formatAmount, parseAmount, picoOf, splitExactly, sumOf, timesPico } from './money.ts';
import { choosePrice, dayOf } from './price-list.ts';
import { splitPrice } from './split-pool.ts';

const HOUR_MS = 3_600_000;

/** Bill rows of one currency, period, and owner, added up. */
export interface BillGroup {
  readonly currency: string;
  /** Node the rows' resource is; '' none. */
  readonly node: string;
  /** Service a tag names; '' none. */
  readonly service: string;
  readonly what: string;
  /** Taxes, credits, purchases: no use of anything. */
  readonly overhead: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly amount: Atto;
}
/** Price of a node as OpenCost exports it, per hour. */
export interface ScrapedPrice {
  readonly node: string;
  readonly coreHour: number;
  readonly gibHour: number;
  readonly atMs: number;
}
export interface Prices {
  readonly own: readonly PriceEntry[];
  readonly ownName: string;
  readonly scraped: ReadonlyMap<string, ScrapedPrice>;
  readonly shipped: readonly PriceEntry[];
  readonly shippedName: string;
}
export interface Grid {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly cells: number;
}
interface Rate {
  readonly currency: string;
  readonly coreHour: Atto;
  readonly gibHour: Atto;
  readonly source: PriceSource;
  readonly says: string;
}
export interface Priced {
  readonly nodes: PricedNode[];
  readonly billed: BilledPart[];
  readonly prices: NodePrice[];
  readonly elsewhere: Rate;
}
/** A scraped price at or above this is none: its sums could not be kept exactly. */
const PRICE_LIMIT = 1e12;
const isPrice = (value: number): boolean => value >= 0 && value < PRICE_LIMIT;
const date = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

/** An amount over a period laid on the cells it touches, by time: the parts within the window. What lies outside is not of it. */
export function spreadOverCells(
  group: Pick<BillGroup, 'startMs' | 'endMs' | 'amount'>,
  grid: Grid,
): { readonly cell: number; readonly amount: Atto }[] {
  const first = Math.max(0, Math.floor((group.startMs - grid.startMs) / grid.stepMs));
  const last = Math.min(grid.cells - 1, Math.ceil((group.endMs - grid.startMs) / grid.stepMs) - 1);
  const weights: bigint[] = [];
  for (let cell = first; cell <= last; cell++) weights.push(BigInt(Math.round(overlap(group, cellOf(grid, cell)))));
  const outside = BigInt(Math.round(group.endMs - group.startMs)) - sumOf(weights);
  const parts = splitExactly(group.amount, [...weights, outside > 0n ? outside : 0n]);
  return weights.map((_, i) => ({ cell: first + i, amount: parts[i] as Atto }));
}
interface Span {
  readonly startMs: number;
  readonly endMs: number;
}
const cellOf = (grid: Grid, cell: number): Span => ({
  startMs: grid.startMs + cell * grid.stepMs,
  endMs: Math.min(grid.endMs, grid.startMs + (cell + 1) * grid.stepMs),
});
const overlap = (a: Span, b: Span): number => Math.max(0, Math.min(a.endMs, b.endMs) - Math.max(a.startMs, b.startMs));
/** How much of a span the periods cover together. */
export function covered(span: Span, periods: readonly Span[]): number {
  let reached = span.startMs;
  let sum = 0;
  for (const period of [...periods].sort((a, b) => a.startMs - b.startMs)) {
    const from = Math.max(reached, period.startMs);
    const to = Math.min(span.endMs, period.endMs);
    if (to > from) sum += to - from;
    reached = Math.max(reached, to);
  }
  return sum;
}

/** Own list over scraped over shipped: what a person says of prices is meant. */
function listRate(node: NodeUsage, prices: Prices): Rate {
  const own = choosePrice(prices.own, node);
  if (own) return rateOf(own, 'own_list', `${prices.ownName}, from ${own.from}`);
  const scraped = prices.scraped.get(node.node);
  if (scraped && isPrice(scraped.coreHour) && isPrice(scraped.gibHour)) {
    // Doubles: the shortest text that reads back as one is what was exported.
    const [coreHour, gibHour] = [parseAmount(String(scraped.coreHour)), parseAmount(String(scraped.gibHour))];
    const says = `node_cpu_hourly_cost and node_ram_hourly_cost, ${date(scraped.atMs)}`;
    return { currency: 'USD', coreHour, gibHour, source: 'scraped', says };
  }
  const shipped = choosePrice(prices.shipped, node);
  if (shipped) return rateOf(shipped, 'shipped_list', prices.shippedName);
  throw new FaultlineError('internal', 'BUG: the shipped price list has no price for every node');
}
/** A list may have 20,000 entries: looked through once a node and day, not once a cell (40,000 rows took 20 s). */
function rateFinder(prices: Prices): (node: NodeUsage) => Rate {
  const found = new Map<string, Rate>();
  return (node) => {
    const key = [node.node, node.instanceType, node.region, node.provider, dayOf(node.startMs)].join('\0');
    const rate = found.get(key) ?? listRate(node, prices);
    found.set(key, rate);
    return rate;
  };
}
const rateOf = (entry: PriceEntry, source: PriceSource, says: string): Rate => ({
  currency: entry.currency,
  coreHour: parseAmount(entry.cpuCoreHour),
  gibHour: parseAmount(entry.memoryGiBHour),
  source,
  says,
});
const NOWHERE: NodeUsage = {
  node: '',
  startMs: 0,
  endMs: 0,
  vcpus: 0,
  memoryGiB: 0,
  cpuUtilization: null,
  provider: '',
  region: '',
  instanceType: '',
};

/** What each node costs in each of its rows, and what of the bills is of no node. Every billed amount ends in one of them. */
export function priceNodes(nodes: readonly NodeUsage[], groups: readonly BillGroup[], prices: Prices, grid: Grid): Priced {
  const bills = new NodeBills(groups, grid);
  const priced: PricedNode[] = [];
  const shown = new Map<string, NodePrice>();
  const billed: BilledPart[] = [];
  const rateOfNode = rateFinder(prices);
  for (const usage of nodes) {
    const cell = Math.floor((usage.startMs - grid.startMs) / grid.stepMs);
    const rate = rateOfNode(usage);
    const costs = new Map<string, { cpu: Atto; memory: Atto; billed: boolean }>();
    const bill = bills.take(usage.node, cell);
    const heldMs = covered(usage, bill.periods);
    const coveredMs = covered(cellOf(grid, cell), bill.periods);
    const listedHours = (usage.endMs - usage.startMs - heldMs) / HOUR_MS;
    const listed = {
      cpu: timesPico(rate.coreHour, picoOf(usage.vcpus * listedHours)),
      memory: timesPico(rate.gibHour, picoOf(usage.memoryGiB * listedHours)),
    };
    if (listedHours > 0) costs.set(rate.currency, { ...listed, billed: false });
    for (const [currency, amount] of bill.amounts) {
      if (heldMs <= 0) {
        billed.push(leftOver(usage.node, cell, currency, amount));
        continue;
      }
      const [own, rest] = splitExactly(amount, [BigInt(Math.round(heldMs)), BigInt(Math.round(coveredMs - heldMs))]) as [Atto, Atto];
      if (rest !== 0n) billed.push(leftOver(usage.node, cell, currency, rest));
      const [cpu, memory] = splitPrice(own, [
        timesPico(rate.coreHour, picoOf(usage.vcpus)),
        timesPico(rate.gibHour, picoOf(usage.memoryGiB)),
      ]) as [Atto, Atto];
      const before = costs.get(currency);
      costs.set(currency, { cpu: cpu + (before?.cpu ?? 0n), memory: memory + (before?.memory ?? 0n), billed: true });
    }
    for (const [currency, cost] of costs) {
      priced.push({ usage, currency, cpuCost: cost.cpu, memoryCost: cost.memory });
      shown.set(`${usage.node} ${currency}`, showPrice(usage, currency, cost, rate));
    }
  }
  const ofNoNode = groups.filter((group) => group.node === '').flatMap((group) => partsOf(group, grid));
  return {
    nodes: priced,
    billed: [...billed, ...bills.left(), ...ofNoNode],
    prices: [...shown.values()],
    elsewhere: listRate({ ...NOWHERE, startMs: grid.startMs }, { ...prices, scraped: new Map() }),
  };
}
function showPrice(usage: NodeUsage, currency: string, cost: { cpu: Atto; memory: Atto; billed: boolean }, rate: Rate): NodePrice {
  const per = (amount: Atto, size: number): string => {
    const pico = picoOf((size * (usage.endMs - usage.startMs)) / HOUR_MS);
    return pico === 0n ? '0' : formatAmount(divide(amount * 1_000_000_000_000n, pico), 12);
  };
  return {
    node: usage.node,
    instanceType: usage.instanceType,
    region: usage.region,
    vcpus: usage.vcpus,
    memoryGiB: usage.memoryGiB,
    currency,
    cpuCoreHour: per(cost.cpu, usage.vcpus),
    memoryGiBHour: per(cost.memory, usage.memoryGiB),
    source: cost.billed ? 'bill' : rate.source,
    says: cost.billed ? 'what the bills charge for it' : rate.says,
  };
}
const leftOver = (node: string, cell: number, currency: string, amount: Atto): BilledPart => ({
  cell,
  currency,
  amount,
  service: null,
  what: node,
  reason: 'not_measured',
});
function partsOf(group: BillGroup, grid: Grid): BilledPart[] {
  const reason = group.overhead ? 'overhead' : 'no_node';
  return spreadOverCells(group, grid).map(({ cell, amount }) => ({
    cell,
    currency: group.currency,
    amount,
    service: group.service === '' ? null : group.service,
    what: group.what,
    reason,
  }));
}

/** What was billed for a node in a cell. */
interface NodeBill {
  readonly periods: Span[];
  /** By currency. */
  readonly amounts: Map<string, Atto>;
}
const NO_BILL: NodeBill = { periods: [], amounts: new Map() };

/** Bill rows of nodes by cell. What is not taken by a node's usage row is left. */
class NodeBills {
  private readonly bills = new Map<string, NodeBill & { readonly node: string; readonly cell: number }>();
  constructor(groups: readonly BillGroup[], grid: Grid) {
    for (const group of groups) {
      const { node, currency } = group;
      if (node === '') continue;
      for (const { cell, amount } of spreadOverCells(group, grid)) {
        const key = `${cell} ${node}`;
        const bill = this.bills.get(key) ?? { node, cell, periods: [], amounts: new Map<string, Atto>() };
        this.bills.set(key, bill);
        bill.periods.push(group);
        bill.amounts.set(currency, (bill.amounts.get(currency) ?? 0n) + amount);
      }
    }
  }
  take(node: string, cell: number): NodeBill {
    const key = `${cell} ${node}`;
    const bill = this.bills.get(key) ?? NO_BILL;
    this.bills.delete(key);
    return bill;
  }
  left(): BilledPart[] {
    return [...this.bills.values()].flatMap(({ node, cell, amounts }) =>
      [...amounts].map(([currency, amount]) => leftOver(node, cell, currency, amount)),
    );
  }
}
