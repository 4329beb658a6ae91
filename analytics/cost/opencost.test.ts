import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Atto, formatAmount, parseAmount, sumOf } from './money.ts';
import { splitPool, splitPrice } from './split-pool.ts';

/** OpenCost's own TestAllocationSet_AggregateBy (Apache-2.0), where ../shared/data is at hand. */
const FILE = new URL('../../../shared/data/opencost/aggregate_by_cases.json', import.meta.url);
const path = process.env['FAULTLINE_DATA'] ? `${process.env['FAULTLINE_DATA']}/opencost/aggregate_by_cases.json` : FILE;

const wholeUnits = (units: number): Atto => parseAmount(String(units));
interface Allocation {
  readonly [field: string]: unknown;
  readonly namespace: string;
  readonly cluster: string;
  readonly node: string;
  readonly cpuCost: number;
  readonly ramCost: number;
}
interface Idle {
  readonly cluster: string;
  readonly node?: string;
  readonly cpuCost: number;
  readonly ramCost: number;
}
interface Cases {
  readonly allocations: readonly Allocation[];
  readonly idleByCluster: readonly Idle[];
  readonly idleByNode: readonly Idle[];
  readonly cases: readonly { readonly case: string; readonly results: Readonly<Record<string, number>> }[];
}
const OTHER = ['gpuCost', 'pvCost', 'networkCost', 'loadBalancerCost'];

/** Each pool (cluster or node) split over its allocations; what it costs is what they and the idle cost. */
function allocate(data: Cases, pools: readonly Idle[], poolOf: (a: Allocation | Idle) => string, by: string, idle: 'apart' | 'shared') {
  const results = new Map<string, Atto>();
  const add = (name: string, amount: Atto) => results.set(name, (results.get(name) ?? 0n) + amount);
  for (const a of data.allocations) add(String(a[by]), sumOf(OTHER.map((field) => wholeUnits(a[field] as number))));
  for (const pool of pools) {
    const members = data.allocations.filter((a) => poolOf(a) === poolOf(pool));
    for (const resource of ['cpuCost', 'ramCost'] as const) {
      const workloads = members.map((a) => wholeUnits(a[resource]));
      const cost = sumOf(workloads) + parseAmount(String(pool[resource]));
      const { parts, idle: rest } = splitPool({ cost, capacity: cost, workloads }, idle);
      for (const [i, a] of members.entries()) add(String(a[by]), parts[i] as Atto);
      add('__idle__', rest);
    }
  }
  return results;
}

describe.skipIf(!existsSync(path))("OpenCost's worked examples (skipped without ../shared/data)", () => {
  const data = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Cases) : (null as never);
  const expected = (name: string) => data.cases.find((c) => c.case === name)?.results ?? {};
  const cluster = (a: Allocation | Idle) => String(a.cluster);
  const node = (a: Allocation | Idle) => String(a.node);
  it.each([
    ['1a', 'cluster'],
    ['1b', 'namespace'],
    ['1c', 'pod'],
    ['1d', 'container'],
  ])('%s: idle apart, by %s', (name, by) => {
    const results = allocate(data, data.idleByCluster, cluster, by, 'apart');
    expect(Object.fromEntries([...results].map(([key, amount]) => [key, Number(formatAmount(amount))]))).toEqual(expected(name));
  });
  it('3a: idle shared by weight, per cluster and resource', () => {
    const results = allocate(data, data.idleByCluster, cluster, 'namespace', 'shared');
    for (const [name, amount] of Object.entries(expected('3a')))
      expect(Number(formatAmount(results.get(name)!)), name).toBeCloseTo(amount, 2);
    expect(formatAmount(results.get('namespace1')!, 4)).toBe('42.6875');
    expect(formatAmount(sumOf(results.values()))).toBe('112');
  });
  it('6l: idle shared per node', () => {
    const results = allocate(data, data.idleByNode, node, 'namespace', 'shared');
    expect(Number(formatAmount(results.get('namespace2')!))).toBeCloseTo(46.31, 2);
  });
});

it("takes a node's price apart as OpenCost's appendix A does", () => {
  expect(splitPrice(wholeUnits(35), [wholeUnits(30), wholeUnits(30), wholeUnits(10)]).map((part) => formatAmount(part))).toEqual([
    '15',
    '15',
    '5',
  ]);
});
