import type { CarbonAnswer, CarbonAssumption, CarbonFigure, IncidentCarbon, ServiceCarbon } from '#contracts/carbon.ts';
import type { Usage } from '#contracts/cost.ts';
import { sayAssumptions } from './assumptions.ts';
import type { CarbonTables } from './carbon-tables.ts';
import {
  addEmissions,
  addHolding,
  bookEmissions,
  type CarbonLedger,
  type Holding,
  NO_EMISSIONS,
  NO_HOLDING,
  type Share,
} from './emissions.ts';
import { fillFormula, perThousand } from './fill-formula.ts';
import { type CarbonSettings, type NodeFactors, nodeFactors } from './node-factors.ts';
import { NONE, type Spread, spreadOnly } from './spread.ts';

/** Statements behind the figures; the texts are the store's. */
export interface CarbonQueries {
  readonly ofService: (service: string) => string;
  readonly ofServices: string;
  readonly ofNodes: string;
  readonly requests: string;
}
export interface CarbonInput {
  readonly usage: Usage;
  /** Entry requests by service in the window. */
  readonly requests: ReadonlyMap<string, number>;
  readonly tables: CarbonTables;
  readonly settings: CarbonSettings;
  readonly queries: CarbonQueries;
}
export interface CarbonBooks {
  readonly ledger: CarbonLedger;
  readonly factorsOf: ReadonlyMap<string, NodeFactors>;
  readonly assumptions: readonly CarbonAssumption[];
  readonly missing: CarbonAnswer['missing'];
}
const EMPTY: Share = { byNode: new Map(), byCell: new Map(), sum: NO_EMISSIONS };

export function keepBooks(usage: Usage, tables: CarbonTables, settings: CarbonSettings): CarbonBooks {
  const factorsOf = new Map<string, NodeFactors>();
  // A node's own figures do not change within a window; a resize is a cell's own size, not another processor.
  for (const node of usage.nodes) if (!factorsOf.has(node.node)) factorsOf.set(node.node, nodeFactors(node, tables, settings));
  const ledger = bookEmissions(usage, (node) => factorsOf.get(node.node)!);
  return { ledger, factorsOf, assumptions: sayAssumptions(ledger, [...factorsOf.values()]), missing: missingOf(usage) };
}
function missingOf(usage: Usage): CarbonAnswer['missing'] {
  const gaps: CarbonAnswer['missing'] = [];
  if (usage.nodes.length === 0)
    gaps.push({
      code: 'no_nodes',
      says: 'Nothing says how large the nodes are.',
      todo: 'Send host metrics (system.cpu.*, system.memory.*) with the OpenTelemetry host receiver, or scrape node_exporter or kube-state-metrics.',
    });
  if (usage.services.length === 0)
    gaps.push({
      code: 'no_usage',
      says: 'Nothing says what services use.',
      todo: 'Send process.* or container.* metrics by OTLP, or scrape cAdvisor.',
    });
  return gaps;
}
const figureOf = (share: Share, books: CarbonBooks, query: string): CarbonFigure => ({
  ...spreadOnly(share.sum.total),
  query,
  formula: fillFormula(share, books.factorsOf),
});
/** Shares as one: the services together. */
function together(shares: Iterable<Share>): Share {
  const byNode = new Map<string, Holding>();
  let sum = EMPTY.sum;
  for (const share of shares) {
    for (const [node, held] of share.byNode) byNode.set(node, addHolding(byNode.get(node) ?? NO_HOLDING, held));
    sum = addEmissions(sum, share.sum);
  }
  return { byNode, byCell: new Map(), sum };
}
function serviceOf(service: string, share: Share, times: readonly number[], input: CarbonInput, books: CarbonBooks): ServiceCarbon {
  const { total, kwh, embodied } = share.sum;
  const held = [...share.byNode.values()];
  const reserved = held.reduce((sum, each) => sum + each.reservedVcpuHours, 0);
  const busy = held.reduce((sum, each) => sum + each.busyVcpuHours.mid, 0);
  const requests = input.requests.get(service) ?? 0;
  const unit = requests > 0 ? perThousand(total, requests) : null;
  const emissions = figureOf(share, books, input.queries.ofService(service));
  return {
    service,
    emissions,
    kwh: spreadOnly(kwh),
    embodied: spreadOnly(embodied),
    idleShare: reserved > 0 ? Math.max(0, 1 - busy / reserved) : 0,
    requests,
    perThousandRequests: unit && { ...unit.spread, query: input.queries.requests, formula: `${emissions.formula}\n${unit.formula}` },
    cells: cellsOf(share, times).map((cell) => cell.mid),
  };
}
const cellsOf = (share: Share, times: readonly number[]): Spread[] =>
  times.map((time) => spreadOnly(share.byCell.get(time)?.total ?? NONE));

/** The whole answer for a window. */
export function describeCarbon(input: CarbonInput): CarbonAnswer {
  const { usage, tables, settings, queries } = input;
  const books = keepBooks(usage, tables, settings);
  const { ledger } = books;
  const cells = Math.max(1, Math.ceil((usage.endMs - usage.startMs) / usage.stepMs));
  const times = Array.from({ length: cells }, (_, i) => usage.startMs + i * usage.stepMs);
  const services = [...ledger.services].map(([service, share]) => serviceOf(service, share, times, input, books));
  return {
    start: usage.startMs,
    end: usage.endMs,
    stepMs: usage.stepMs,
    times,
    total: figureOf(ledger.total, books, queries.ofNodes),
    allocated: figureOf(together(ledger.services.values()), books, queries.ofServices),
    idle: figureOf(ledger.idle, books, queries.ofNodes),
    unattributed: figureOf(ledger.unattributed, books, queries.ofNodes),
    services: services.sort((a, b) => b.emissions.mid - a.emissions.mid || (a.service < b.service ? -1 : 1)),
    idleCells: cellsOf(ledger.idle, times).map((cell) => cell.mid),
    unattributedCells: cellsOf(ledger.unattributed, times).map((cell) => cell.mid),
    totalCells: cellsOf(ledger.total, times),
    nodes: [...books.factorsOf.values()].map((factors) => ({
      node: factors.node,
      provider: factors.provider,
      region: factors.region,
      instanceType: factors.instanceType,
      intensity: factors.intensity,
      pue: factors.pue,
      minWatts: factors.minWatts,
      maxWatts: factors.maxWatts,
      embodied: factors.embodiedGramsPerVcpu,
    })),
    assumptions: [...books.assumptions],
    missing: books.missing,
  };
}

export interface IncidentCarbonInput {
  readonly incident: string;
  readonly services: readonly string[];
  /** The incident's window, and the same length before it. */
  readonly during: Usage;
  readonly before: Usage;
  readonly tables: CarbonTables;
  readonly settings: CarbonSettings;
  /** Statements of both windows. */
  readonly queries: {
    readonly during: Pick<CarbonQueries, 'ofService' | 'ofServices'>;
    readonly before: Pick<CarbonQueries, 'ofService' | 'ofServices'>;
  };
}
/** What the affected services emitted while it lasted, beside the same time before. */
export function describeIncidentCarbon(input: IncidentCarbonInput): IncidentCarbon {
  const [during, before] = [input.during, input.before].map((usage) => keepBooks(usage, input.tables, input.settings)) as [
    CarbonBooks,
    CarbonBooks,
  ];
  const shareOf = (books: CarbonBooks, service: string): Share => books.ledger.services.get(service) ?? EMPTY;
  const services = [...new Set(input.services)].sort();
  const all = (books: CarbonBooks): Share => together(services.map((service) => shareOf(books, service)));
  return {
    incident: input.incident,
    window: { start: input.during.startMs, end: input.during.endMs },
    before: { start: input.before.startMs, end: input.before.endMs },
    emissions: figureOf(all(during), during, input.queries.during.ofServices),
    emissionsBefore: figureOf(all(before), before, input.queries.before.ofServices),
    services: services.map((service) => ({
      service,
      emissions: figureOf(shareOf(during, service), during, input.queries.during.ofService(service)),
      emissionsBefore: figureOf(shareOf(before, service), before, input.queries.before.ofService(service)),
    })),
    assumptions: [...during.assumptions],
    missing: during.missing,
  };
}
