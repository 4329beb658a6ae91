import type { CostAnswer, CostGap, CostLedger, Figure, Usage } from '#contracts/cost.ts';
import { heldCoreHours, heldGiBHours } from '#contracts/resource-usage.ts';
import { allocateCosts, type BilledPart, type Ledger, type PricedNode, type ServiceCost, serviceTotal } from './allocate-costs.ts';
import { type Atto, divide, formatAmount, picoOf, sumOf } from './money.ts';
import { type BillGroup, type Grid, type Priced, type Prices, priceNodes } from './price-nodes.ts';

const MAX_LINES = 50;
const HOUR_MS = 3_600_000;

export interface Rates {
  readonly node: string;
  readonly first: number;
  readonly last: number;
  /** Per core-hour and GiB-hour, decimal text. */
  readonly held: readonly [string, string];
  readonly offered: readonly [string, string];
}
/** Everything a figure's statement needs; the text of it is the store's. */
export interface Statements {
  readonly window: Usage;
  readonly currency: string;
  readonly nodeQuery: string;
  readonly serviceQuery: string;
  readonly rates: readonly Rates[];
  readonly unmeasured: readonly Rates[];
  readonly leftOver: string;
}
export interface CostQueries {
  service(s: Statements, services: readonly string[]): string;
  allocated(s: Statements): string;
  idle(s: Statements): string;
  unallocated(s: Statements): string;
  total(s: Statements): string;
}
export interface CostQuestion {
  readonly usage: Usage;
  readonly groups: readonly BillGroup[];
  readonly prices: Prices;
  readonly idle: 'apart' | 'shared';
  /** Whether any bill is there at all. */
  readonly bills: boolean;
}
/** The ledgers of a window with all it takes to say how they came about. */
export interface CostBooks {
  readonly question: CostQuestion;
  readonly grid: Grid;
  readonly priced: Priced;
  readonly ledgers: readonly Ledger[];
  readonly missing: readonly CostGap[];
}

export function keepCostBooks(question: CostQuestion): CostBooks {
  const { usage, groups, prices, idle } = question;
  const { startMs, endMs, stepMs } = usage;
  const grid: Grid = { startMs, endMs, stepMs, cells: Math.max(1, Math.ceil((endMs - startMs) / stepMs)) };
  const priced = priceNodes(usage.nodes, groups, prices, grid);
  const { nodes, billed, elsewhere } = priced;
  const ledgers = allocateCosts({ ...grid, nodes, services: usage.services, billed, elsewhere, idle });
  const size = (ledger: Ledger): Atto => sumOf(ledger.total);
  ledgers.sort((a, b) => (size(a) === size(b) ? a.currency.localeCompare(b.currency) : size(a) > size(b) ? -1 : 1));
  return { question, grid, priced, ledgers, missing: gapsOf(question, priced) };
}

export function describeCost(books: CostBooks, queries: CostQueries): CostAnswer {
  const { grid, question, priced, ledgers, missing } = books;
  return {
    start: grid.startMs,
    end: grid.endMs,
    stepMs: grid.stepMs,
    times: Array.from({ length: grid.cells }, (_, i) => grid.startMs + i * grid.stepMs),
    idle: question.idle,
    ledgers: ledgers.map((ledger) => describeLedger(books, ledger, queries)),
    nodes: priced.prices,
    missing: [...missing],
  };
}

function describeLedger(books: CostBooks, ledger: Ledger, queries: CostQueries): CostLedger {
  const statements = statementsFor(books, ledger.currency);
  const services = [...ledger.services.values()].sort(
    (a, b) => compare(serviceTotal(b), serviceTotal(a)) || a.service.localeCompare(b.service),
  );
  const [allocated, idle, unallocated, total] = [
    sumOf(services.map(serviceTotal)),
    sumOf(ledger.idle),
    sumOf(ledger.unallocated),
    sumOf(ledger.total),
  ];
  const lines = [...ledger.lines.values()].sort((a, b) => compare(b.amount, a.amount));
  const money = (amount: Atto): string => `${formatAmount(amount, 12)} ${ledger.currency}`;
  const figure = (amount: Atto, query: string, formula: string): Figure => ({ amount: formatAmount(amount), query, formula });
  const rest = lines.slice(MAX_LINES);
  return {
    currency: ledger.currency,
    total: figure(
      total,
      queries.total(statements),
      `allocated ${money(allocated)}\n+ idle ${money(idle)}\n+ unallocated ${money(unallocated)}\n= ${money(total)}`,
    ),
    allocated: figure(
      allocated,
      queries.allocated(statements),
      sumFormula(
        services.map((s) => [s.service, serviceTotal(s)]),
        allocated,
        money,
      ),
    ),
    idle: figure(idle, queries.idle(statements), idleFormula(books, ledger, idle, money)),
    unallocated: figure(
      unallocated,
      queries.unallocated(statements),
      sumFormula(
        lines.map((l) => [l.what, l.amount]),
        unallocated,
        money,
      ),
    ),
    services: services.map((cost) => ({
      service: cost.service,
      cost: figure(serviceTotal(cost), queries.service(statements, [cost.service]), serviceFormula(books, ledger, cost)),
      billed: formatAmount(cost.billed),
      cpuCoreHours: [...cost.nodes.values()].reduce((sum, held) => sum + held.coreHours, 0),
      memoryGiBHours: [...cost.nodes.values()].reduce((sum, held) => sum + held.gibHours, 0),
      cells: cost.cells.map((amount) => formatAmount(amount)),
    })),
    idleCells: ledger.idle.map((amount) => formatAmount(amount)),
    unallocatedCells: ledger.unallocated.map((amount) => formatAmount(amount)),
    totalCells: ledger.total.map((amount) => formatAmount(amount)),
    unallocatedLines: [
      ...lines.slice(0, MAX_LINES).map(({ what, reason, amount }) => ({ what, reason, amount: formatAmount(amount) })),
      ...(rest.length > 0 ? [{ what: 'other', reason: 'other' as const, amount: formatAmount(sumOf(rest.map((l) => l.amount))) }] : []),
    ],
  };
}
const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** The calculation of a service's cost with its numbers filled in. */
export function serviceFormula({ grid, question }: CostBooks, ledger: Ledger, cost: ServiceCost): string {
  const hours = (value: number): string => Number(value.toPrecision(9)).toString();
  const lines = [...cost.nodes].map(([node, held]) => {
    const rate = (amount: Atto, quantity: number): string =>
      quantity > 0 ? formatAmount(divide(amount * 1_000_000_000_000n, picoOf(quantity)), 9) : '0';
    const of = `${hours(held.coreHours)} core-h x ${rate(held.cpu, held.coreHours)} + ${hours(held.gibHours)} GiB-h x ${rate(held.memory, held.gibHours)}`;
    return `${node === '' ? 'node of unknown size' : node}: ${of} = ${formatAmount(held.cpu + held.memory, 12)}`;
  });
  const steps = `${grid.cells} step${grid.cells === 1 ? '' : 's'} of ${Math.round(grid.stepMs / 1000)} s`;
  return [
    ...(lines.length > 0 ? [`held = max(requested, used), in each of ${steps}`] : []),
    ...lines,
    ...(question.idle === 'shared' && lines.length > 0 ? ['rates include the idle part of each node, shared by what is held'] : []),
    ...(cost.billed === 0n ? [] : [`billed for it by tag: ${formatAmount(cost.billed, 12)}`]),
    `= ${formatAmount(serviceTotal(cost), 12)} ${ledger.currency}`,
  ].join('\n');
}
function sumFormula(parts: readonly (readonly [string, Atto])[], total: Atto, money: (amount: Atto) => string): string {
  const shown = parts.slice(0, MAX_LINES).map(([name, amount], i) => `${i === 0 ? '' : '+ '}${name} ${formatAmount(amount, 12)}`);
  const rest = parts.slice(MAX_LINES);
  if (rest.length > 0) shown.push(`+ ${rest.length} more ${formatAmount(sumOf(rest.map(([, amount]) => amount)), 12)}`);
  return [...shown, `= ${money(total)}`].join('\n');
}
function idleFormula(books: CostBooks, ledger: Ledger, idle: Atto, money: (amount: Atto) => string): string {
  const measured = measuredNodes(books.question.usage);
  const byNode = new Map<string, { cost: Atto; held: Atto }>();
  for (const { usage, currency, cpuCost, memoryCost } of books.priced.nodes) {
    if (currency !== ledger.currency || !measured.has(usage.node)) continue;
    const sum = byNode.get(usage.node) ?? { cost: 0n, held: 0n };
    sum.cost += cpuCost + memoryCost;
    byNode.set(usage.node, sum);
  }
  for (const service of ledger.services.values())
    for (const [node, held] of service.nodes) {
      const sum = byNode.get(node);
      if (sum) sum.held += held.cpu + held.memory;
    }
  const lines = [...byNode].map(
    ([node, { cost, held }]) => `${node}: costs ${formatAmount(cost, 12)} - held by services ${formatAmount(held, 12)}`,
  );
  return [
    ...lines.slice(0, MAX_LINES),
    ...(lines.length > MAX_LINES ? [`and ${lines.length - MAX_LINES} nodes more`] : []),
    `= ${money(idle)}`,
  ].join('\n');
}
const measuredNodes = (usage: Usage): ReadonlySet<string> => new Set(usage.services.map((row) => row.node));

/** What a held and an offered hour cost, by node and run of cells with equal rates. */
export function statementsFor(books: CostBooks, currency: string): Statements {
  const { question, grid, priced } = books;
  const { usage } = question;
  const cellOf = (row: { readonly startMs: number }): number => Math.floor((row.startMs - grid.startMs) / grid.stepMs);
  const asked = new Map<string, { core: bigint; gib: bigint }>();
  for (const row of usage.services) {
    const key = `${cellOf(row)} ${row.node}`;
    const sum = asked.get(key) ?? { core: 0n, gib: 0n };
    sum.core += picoOf(heldCoreHours(row));
    sum.gib += picoOf(heldGiBHours(row));
    asked.set(key, sum);
  }
  const per = (cost: Atto, quantityPico: bigint): string =>
    quantityPico > 0n ? formatAmount(divide(cost * 1_000_000_000_000n, quantityPico), 15) : '0';
  const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
  const rowOf = ({ usage: node, cpuCost, memoryCost }: PricedNode): Rates => {
    const cell = cellOf(node);
    const hours = (node.endMs - node.startMs) / HOUR_MS;
    const [cores, gib] = [picoOf(node.vcpus * hours), picoOf(node.memoryGiB * hours)];
    const held = asked.get(`${cell} ${node.node}`) ?? { core: 0n, gib: 0n };
    const shared = question.idle === 'shared';
    return {
      node: node.node,
      first: cell,
      last: cell,
      held: [
        per(cpuCost, shared && held.core > 0n ? held.core : most(cores, held.core)),
        per(memoryCost, shared && held.gib > 0n ? held.gib : most(gib, held.gib)),
      ],
      offered: [per(cpuCost, cores), per(memoryCost, gib)],
    };
  };
  const measured = measuredNodes(usage);
  const own = priced.nodes.filter((node) => node.currency === currency);
  const sized = new Set(priced.nodes.map(({ usage: node }) => `${cellOf(node)} ${node.node}`));
  const elsewhere: Rates[] =
    priced.elsewhere.currency === currency
      ? [...asked.keys()]
          .filter((key) => !sized.has(key))
          .map((key) => {
            const cell = Number(key.slice(0, key.indexOf(' ')));
            const held = [formatAmount(priced.elsewhere.coreHour), formatAmount(priced.elsewhere.gibHour)] as const;
            return { node: key.slice(key.indexOf(' ') + 1), first: cell, last: cell, held, offered: ['0', '0'] as const };
          })
      : [];
  const left = priced.billed.filter((part) => isLeftOver(part, currency)).map((part) => part.amount);
  return {
    window: usage,
    currency,
    nodeQuery: usage.nodeQuery,
    serviceQuery: usage.serviceQuery,
    rates: runsOf([...own.filter((node) => measured.has(node.usage.node)).map(rowOf), ...elsewhere]),
    unmeasured: runsOf(own.filter((node) => !measured.has(node.usage.node)).map(rowOf)),
    leftOver: formatAmount(sumOf(left)),
  };
}
const isLeftOver = (part: BilledPart, currency: string): boolean =>
  part.currency === currency && part.service === null && part.reason === 'not_measured';
function runsOf(rows: readonly Rates[]): Rates[] {
  const runs: Rates[] = [];
  const same = (a: Rates, b: Rates): boolean => a.node === b.node && String([a.held, a.offered]) === String([b.held, b.offered]);
  for (const row of [...rows].sort((a, b) => a.node.localeCompare(b.node) || a.first - b.first)) {
    const before = runs.at(-1);
    if (before && same(before, row)) runs[runs.length - 1] = { ...before, last: row.last };
    else runs.push(row);
  }
  return runs;
}

function gapsOf({ usage, groups, bills }: CostQuestion, { prices, elsewhere }: Priced): CostGap[] {
  const gaps: CostGap[] = [];
  const gap = (when: boolean, code: CostGap['code'], says: string, todo: string): void => void (when && gaps.push({ code, says, todo }));
  gap(
    usage.services.length === 0,
    'no_usage',
    'Nothing says what services use.',
    'Send process.* or container.* metrics by OTLP, or scrape cAdvisor.',
  );
  gap(
    usage.nodes.length === 0,
    'no_nodes',
    'Nothing says how large the nodes are: use is priced, idle is not known.',
    'Send host metrics with the OpenTelemetry host receiver, or scrape node_exporter or kube-state-metrics.',
  );
  gap(
    usage.services.length > 0 && usage.services.every((row) => row.cpuRequestedCoreHours === null && row.memoryRequestedGiBHours === null),
    'no_requests',
    'No requests are known: services are charged for what they use.',
    'Scrape kube-state-metrics, or send k8s.container.cpu_request.',
  );
  gap(
    !bills,
    'no_bill',
    'No bill is imported: prices come from price lists.',
    'Import a FOCUS bill: faultline import bill.csv.gz, or drop it on Open.',
  );
  gap(
    bills && groups.length === 0,
    'period_not_billed',
    'No bill covers this period.',
    'Import the bill of the period once the provider has made it.',
  );
  gap(
    prices.some((price) => price.source === 'shipped_list') ||
      (elsewhere.source === 'shipped_list' && prices.length === 0 && usage.services.length > 0),
    'default_prices',
    "Default prices are used: OpenCost's, for no provider in particular.",
    'Import a bill, set an own price list (faultline prices set FILE), or scrape OpenCost.',
  );
  return gaps;
}
