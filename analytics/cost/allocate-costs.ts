import { heldCoreHours, heldGiBHours, type NodeUsage, type ServiceUsage } from '#contracts/resource-usage.ts';
import { type Atto, picoOf, sumOf, timesPico } from './money.ts';
import { splitPool } from './split-pool.ts';

const HOUR_MS = 3_600_000;

/** Price of a node for the time of one of its usage rows. */
export interface PricedNode {
  readonly usage: NodeUsage;
  readonly currency: string;
  /** Cost of all vCPUs, and of all memory, for the row's time. */
  readonly cpuCost: Atto;
  readonly memoryCost: Atto;
}
/** A bill row's share in a cell: of a service that a tag names, or of nobody. */
export interface BilledPart {
  readonly cell: number;
  readonly currency: string;
  readonly amount: Atto;
  readonly service: string | null;
  readonly what: string;
  readonly reason: UnallocatedReason;
}
export type UnallocatedReason = 'no_node' | 'not_measured' | 'overhead' | 'other';
export interface CostInput {
  /** Cell i covers [startMs + i*stepMs, +stepMs). */
  readonly startMs: number;
  readonly stepMs: number;
  readonly cells: number;
  readonly nodes: readonly PricedNode[];
  readonly services: readonly ServiceUsage[];
  /** Rates for what services use on nodes nobody describes. */
  readonly elsewhere: { readonly currency: string; readonly coreHour: Atto; readonly gibHour: Atto };
  readonly billed: readonly BilledPart[];
  readonly idle: 'apart' | 'shared';
}
export interface ServiceCost {
  readonly service: string;
  readonly cells: Atto[];
  /** Part that bill rows name the service for. */
  billed: Atto;
  /** What it is charged for, by node; '' is usage on no known node. */
  readonly nodes: Map<string, { coreHours: number; gibHours: number; cpu: Atto; memory: Atto }>;
}
/** allocated + idle + unallocated = total in every cell, exactly. */
export interface Ledger {
  readonly currency: string;
  readonly services: Map<string, ServiceCost>;
  readonly idle: Atto[];
  readonly unallocated: Atto[];
  readonly total: Atto[];
  readonly lines: Map<string, { readonly what: string; readonly reason: UnallocatedReason; amount: Atto }>;
}

/** Lays node costs and bill rows on services, one ledger per currency. */
export function allocateCosts(input: CostInput): Ledger[] {
  const ledgers = new Map<string, Ledger>();
  const books: Books = { input, ledger: (currency) => entry(ledgers, currency, () => newLedger(currency, input.cells)) };
  const cellOf = (row: { readonly startMs: number }): number => Math.floor((row.startMs - input.startMs) / input.stepMs);
  const byPlace = grouped(input.services, (row) => `${cellOf(row)} ${row.node}`);
  const measured = new Set(input.services.map((row) => row.node));
  // A node may come twice, billed in one currency for a part of the time and listed in another for the rest.
  const known = new Set<string>();
  for (const node of input.nodes) {
    const key = `${cellOf(node.usage)} ${node.usage.node}`;
    const cell = cellOf(node.usage);
    if (measured.has(node.usage.node)) chargeNode(books, cell, node, byPlace.get(key) ?? []);
    else leave(books.ledger(node.currency), cell, node.usage.node, 'not_measured', node.cpuCost + node.memoryCost);
    known.add(key);
  }
  for (const [key, rows] of byPlace) if (!known.has(key)) for (const row of rows) chargeElsewhere(books, cellOf(row), row);
  for (const part of input.billed) chargeBilled(books, part);
  return [...ledgers.values()];
}

interface Books {
  readonly input: CostInput;
  readonly ledger: (currency: string) => Ledger;
}
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) entry(groups, keyOf(row), () => []).push(row);
  return groups;
}
const zeros = (cells: number): Atto[] => new Array<Atto>(cells).fill(0n);
const newLedger = (currency: string, cells: number): Ledger => ({
  currency,
  services: new Map(),
  idle: zeros(cells),
  unallocated: zeros(cells),
  total: zeros(cells),
  lines: new Map(),
});
const add = (cells: Atto[], cell: number, amount: Atto): void => {
  cells[cell] = (cells[cell] ?? 0n) + amount;
};
const serviceOf = (ledger: Ledger, service: string): ServiceCost =>
  entry(ledger.services, service, () => ({ service, cells: zeros(ledger.total.length), billed: 0n, nodes: new Map() }));

function leave(ledger: Ledger, cell: number, what: string, reason: UnallocatedReason, amount: Atto): void {
  add(ledger.unallocated, cell, amount);
  add(ledger.total, cell, amount);
  entry(ledger.lines, `${reason} ${what}`, () => ({ what, reason, amount: 0n })).amount += amount;
}
function charge(ledger: Ledger, cell: number, row: ServiceUsage, node: string, cpu: Atto, memory: Atto): void {
  const cost = serviceOf(ledger, row.service);
  add(cost.cells, cell, cpu + memory);
  const held = entry(cost.nodes, node, () => ({ coreHours: 0, gibHours: 0, cpu: 0n, memory: 0n }));
  held.coreHours += heldCoreHours(row);
  held.gibHours += heldGiBHours(row);
  held.cpu += cpu;
  held.memory += memory;
}
function chargeNode({ input, ledger: of }: Books, cell: number, node: PricedNode, rows: readonly ServiceUsage[]): void {
  const ledger = of(node.currency);
  const hours = (node.usage.endMs - node.usage.startMs) / HOUR_MS;
  const pool = (cost: Atto, capacity: number, held: (row: ServiceUsage) => number) =>
    splitPool({ cost, capacity: picoOf(capacity * hours), workloads: rows.map((row) => picoOf(held(row))) }, input.idle);
  const cpu = pool(node.cpuCost, node.usage.vcpus, heldCoreHours);
  const memory = pool(node.memoryCost, node.usage.memoryGiB, heldGiBHours);
  for (const [i, row] of rows.entries()) charge(ledger, cell, row, node.usage.node, cpu.parts[i] as Atto, memory.parts[i] as Atto);
  add(ledger.idle, cell, cpu.idle + memory.idle);
  add(ledger.total, cell, node.cpuCost + node.memoryCost);
}
/** Usage on a node of unknown size: what is held, at the rates for it. There is no idle: nobody knows what it is part of. */
function chargeElsewhere({ input, ledger: of }: Books, cell: number, row: ServiceUsage): void {
  const ledger = of(input.elsewhere.currency);
  const cpu = timesPico(input.elsewhere.coreHour, picoOf(heldCoreHours(row)));
  const memory = timesPico(input.elsewhere.gibHour, picoOf(heldGiBHours(row)));
  charge(ledger, cell, row, '', cpu, memory);
  add(ledger.total, cell, cpu + memory);
}
function chargeBilled({ ledger: of }: Books, part: BilledPart): void {
  const ledger = of(part.currency);
  if (part.service === null) {
    leave(ledger, part.cell, part.what, part.reason, part.amount);
    return;
  }
  const cost = serviceOf(ledger, part.service);
  add(cost.cells, part.cell, part.amount);
  cost.billed += part.amount;
  add(ledger.total, part.cell, part.amount);
}
export const serviceTotal = (cost: ServiceCost): Atto => sumOf(cost.cells);
