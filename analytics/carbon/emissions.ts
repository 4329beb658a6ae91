import type { Usage } from '#contracts/cost.ts';
import { heldCoreHours, heldGiBHours, type NodeUsage, type ServiceUsage } from '#contracts/resource-usage.ts';
import { ASSUMED_UTILIZATION, LIFESPAN_HOURS, MEMORY_KWH_PER_GB_HOUR } from './ccf.ts';
import type { NodeFactors } from './node-factors.ts';
import { add, exactly, NONE, type Spread, scale } from './spread.ts';

/** What somebody holds of a node. Emissions are linear in these, so parts add up to the whole. */
export interface Holding {
  /** max(requested, used), vCPU-hours: the idle watts and the making of the host. */
  readonly reservedVcpuHours: number;
  /** In use, vCPU-hours: the watts above idle. */
  readonly busyVcpuHours: Spread;
  /** max(requested, used) of memory beside the chip's own, GB-hours. */
  readonly memoryGbHours: Spread;
}
export interface Emissions {
  /** PUE included. */
  readonly kwh: Spread;
  /** Grams CO2e. */
  readonly operational: Spread;
  readonly embodied: Spread;
  readonly total: Spread;
}
/** One service, the idle rest or the busy part nobody claims: holdings by node, emissions by cell. */
export interface Share {
  readonly byNode: ReadonlyMap<string, Holding>;
  /** Cell start, Unix milliseconds -> emissions. */
  readonly byCell: ReadonlyMap<number, Emissions>;
  readonly sum: Emissions;
}
export type BookedUsage = Pick<Usage, 'startMs' | 'stepMs' | 'nodes' | 'services'>;
export interface CarbonLedger {
  /** By name. */
  readonly services: ReadonlyMap<string, Share>;
  /** Capacity nobody reserved. */
  readonly idle: Share;
  /** Measured on the node, claimed by no service: the system, agents, what sends no telemetry. */
  readonly unattributed: Share;
  /** Computed from the nodes alone, not by adding up. */
  readonly total: Share;
  /** Services whose node reports no capacity: not counted. */
  readonly withoutNode: readonly string[];
  readonly utilizationUnknown: readonly string[];
}
const HOUR_MS = 3_600_000;
export const NO_EMISSIONS: Emissions = { kwh: NONE, operational: NONE, embodied: NONE, total: NONE };
export const NO_HOLDING: Holding = { reservedVcpuHours: 0, busyVcpuHours: NONE, memoryGbHours: NONE };

/**
 * SCI's E x I + M of a holding (SCI 1.1, ISO/IEC 21031:2024; location-based): E by CCF's model, M = TE x TiR/EL x RR/ToR.
 * `at`: which end of the ranges.
 */
export function emissionsOf(holding: Holding, factors: NodeFactors): Emissions {
  const part = (pick: (at: 'low' | 'mid' | 'high') => number): Spread => ({ low: pick('low'), mid: pick('mid'), high: pick('high') });
  const kwh = part((at) => {
    const { minWatts, maxWatts, pue } = factors;
    const wattHours = minWatts[at] * holding.reservedVcpuHours + (maxWatts[at] - minWatts[at]) * holding.busyVcpuHours[at];
    return (wattHours / 1000 + MEMORY_KWH_PER_GB_HOUR * holding.memoryGbHours[at]) * pue[at];
  });
  const operational = part((at) => kwh[at] * factors.intensity[at]);
  const embodied = part((at) => (factors.embodiedGramsPerVcpu[at] * holding.reservedVcpuHours) / LIFESPAN_HOURS);
  return { kwh, operational, embodied, total: add(operational, embodied) };
}
export const addEmissions = (a: Emissions, b: Emissions): Emissions => ({
  kwh: add(a.kwh, b.kwh),
  operational: add(a.operational, b.operational),
  embodied: add(a.embodied, b.embodied),
  total: add(a.total, b.total),
});
export const addHolding = (a: Holding, b: Holding): Holding => ({
  reservedVcpuHours: a.reservedVcpuHours + b.reservedVcpuHours,
  busyVcpuHours: add(a.busyVcpuHours, b.busyVcpuHours),
  memoryGbHours: add(a.memoryGbHours, b.memoryGbHours),
});

class ShareBook implements Share {
  readonly byNode = new Map<string, Holding>();
  readonly byCell = new Map<number, Emissions>();
  sum: Emissions = NO_EMISSIONS;
  book(cell: number, holding: Holding, factors: NodeFactors): void {
    const emissions = emissionsOf(holding, factors);
    this.byNode.set(factors.node, addHolding(this.byNode.get(factors.node) ?? NO_HOLDING, holding));
    this.byCell.set(cell, addEmissions(this.byCell.get(cell) ?? NO_EMISSIONS, emissions));
    this.sum = addEmissions(this.sum, emissions);
  }
}
const sumOf = <T>(rows: readonly T[], pick: (row: T) => number): number => rows.reduce((sum, row) => sum + pick(row), 0);
/** What does not fit is shared in proportion: more than the whole node cannot be held. */
const shrink = (sum: number, capacity: number): number => (sum > capacity && sum > 0 ? capacity / sum : 1);

/** Lays the emissions of nodes on the services that reserve and use them. Law: services + unattributed + idle = total. */
export function bookEmissions(usage: BookedUsage, factorsOf: (node: NodeUsage) => NodeFactors): CarbonLedger {
  // A node's row may begin later than its cell: rows meet by cell, not by time.
  const cellOf = (row: { readonly startMs: number }): number =>
    usage.startMs + Math.floor((row.startMs - usage.startMs) / usage.stepMs) * usage.stepMs;
  const keyOf = (row: { readonly node: string; readonly startMs: number }): string => `${cellOf(row)} ${row.node}`;
  const byCell = new Map<string, ServiceUsage[]>();
  for (const row of usage.services) {
    const rows = byCell.get(keyOf(row)) ?? [];
    byCell.set(keyOf(row), rows);
    rows.push(row);
  }
  const books = new Map<string, ShareBook>();
  const [idle, unattributed, total] = [new ShareBook(), new ShareBook(), new ShareBook()];
  const guessed = new Set<string>();
  const measured = new Set(usage.nodes.map(keyOf));
  for (const node of usage.nodes) {
    if (node.cpuUtilization === null) guessed.add(node.node);
    const cell = cellOf(node);
    const { services, factors, ...rest } = splitNode(node, byCell.get(keyOf(node)) ?? [], factorsOf(node));
    for (const [service, holding] of services) {
      const book = books.get(service) ?? new ShareBook();
      books.set(service, book);
      book.book(cell, holding, factors);
    }
    idle.book(cell, rest.idle, factors);
    unattributed.book(cell, rest.unattributed, factors);
    total.book(cell, rest.whole, factors);
  }
  const lost = usage.services.filter((row) => !measured.has(keyOf(row))).map((row) => row.service);
  return { services: books, idle, unattributed, total, withoutNode: [...new Set(lost)].sort(), utilizationUnknown: [...guessed].sort() };
}

interface CellSplit {
  readonly factors: NodeFactors;
  readonly services: readonly (readonly [string, Holding])[];
  readonly idle: Holding;
  readonly unattributed: Holding;
  readonly whole: Holding;
}
function splitNode(node: NodeUsage, rows: readonly ServiceUsage[], factors: NodeFactors): CellSplit {
  const hours = (node.endMs - node.startMs) / HOUR_MS;
  const [vcpuHours, memoryHours] = [node.vcpus * hours, node.memoryGiB * hours];
  const cpuFit = shrink(sumOf(rows, heldCoreHours), vcpuHours);
  const memoryFit = shrink(sumOf(rows, heldGiBHours), memoryHours);
  const busyFit = shrink(
    sumOf(rows, (row) => row.cpuCoreHours),
    vcpuHours,
  );
  const beside = (gbHours: number): Spread => scale(factors.memoryShare, gbHours);
  const services = rows.map((row): readonly [string, Holding] => [
    row.service,
    {
      reservedVcpuHours: heldCoreHours(row) * cpuFit,
      busyVcpuHours: exactly(row.cpuCoreHours * busyFit),
      memoryGbHours: beside(heldGiBHours(row) * memoryFit),
    },
  ]);
  const reserved = sumOf(services, ([, held]) => held.reservedVcpuHours);
  const busy = sumOf(services, ([, held]) => held.busyVcpuHours.mid);
  const whole = busyOf(node, busy, vcpuHours);
  const nobodys: Spread = { low: whole.low - busy, mid: whole.mid - busy, high: whole.high - busy };
  const nobodysReserved = Math.min(nobodys.mid, Math.max(0, vcpuHours - reserved));
  const memoryHeld = sumOf(rows, heldGiBHours) * memoryFit;
  return {
    factors,
    services,
    unattributed: { reservedVcpuHours: nobodysReserved, busyVcpuHours: nobodys, memoryGbHours: NONE },
    idle: {
      reservedVcpuHours: Math.max(0, vcpuHours - reserved - nobodysReserved),
      busyVcpuHours: NONE,
      memoryGbHours: beside(Math.max(0, memoryHours - memoryHeld)),
    },
    whole: { reservedVcpuHours: vcpuHours, busyVcpuHours: whole, memoryGbHours: beside(memoryHours) },
  };
}
/** Busy vCPU-hours of the node. Unmeasured: at least what its services used, at most all, half as CCF assumes. */
function busyOf(node: NodeUsage, ofServices: number, vcpuHours: number): Spread {
  if (node.cpuUtilization !== null) {
    const measured = Math.min(1, Math.max(0, node.cpuUtilization)) * vcpuHours;
    return exactly(Math.max(measured, ofServices));
  }
  return { low: ofServices, mid: Math.max(ofServices, ASSUMED_UTILIZATION * vcpuHours), high: Math.max(ofServices, vcpuHours) };
}
