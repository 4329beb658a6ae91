import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NodeUsage, ServiceUsage } from '#contracts/resource-usage.ts';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { type CarbonTables, familyKey, parseCarbonTables, providerKey, regionKey } from './carbon-tables.ts';
import { memoryAboveChipGb } from './ccf.ts';
import { bookEmissions, type CarbonLedger, emissionsOf, type Holding } from './emissions.ts';
import { digits, fillFormula, perThousand } from './fill-formula.ts';
import { NO_SETTINGS, type NodeFactors, nodeFactors } from './node-factors.ts';
import { add, exactly, NONE, type Spread } from './spread.ts';

const root = resolve(import.meta.dirname, '../..');
const file = (name: string): string => readFileSync(join(root, 'resources/carbon', name), 'utf8');
const tables: CarbonTables = parseCarbonTables({
  grid: file('grid-intensity.csv'),
  pue: file('pue.csv'),
  cpu: file('cpu-watts.csv'),
  hosts: file('hosts.csv'),
});

const factor = (value: number): NodeFactors['pue'] => ({ ...exactly(value), source: '' });
const plain = (more: Partial<NodeFactors>): NodeFactors => ({
  node: 'n',
  provider: '',
  region: '',
  instanceType: '',
  intensity: factor(1),
  pue: factor(1),
  minWatts: factor(0),
  maxWatts: factor(0),
  memoryShare: exactly(1),
  embodiedGramsPerVcpu: factor(0),
  assumptions: [],
  ...more,
});
const held = (more: Partial<Holding>): Holding => ({ reservedVcpuHours: 0, busyVcpuHours: NONE, memoryGbHours: NONE, ...more });

interface Vector {
  readonly fn: 'compute' | 'memory' | 'storage' | 'network' | 'embodied';
  readonly kwh: number;
  /** Metric tons. */
  readonly co2e: number;
  readonly ef: number;
  readonly [name: string]: number | string;
}
const data = process.env['FAULTLINE_DATA'] ?? resolve(root, '../shared/data');
const vectorFile = join(data, 'carbon/ccf_constants_and_vectors.json');
const all = existsSync(vectorFile) ? (JSON.parse(readFileSync(vectorFile, 'utf8')) as { vectors: Vector[] }).vectors : [];
/** Of storage and network the console counts nothing. */
const vectors = all.filter(({ fn }) => fn !== 'storage' && fn !== 'network');
const n = (vector: Vector, name: string, otherwise = 1): number => (vector[name] as number | undefined) ?? otherwise;
const G_PER_T = 1e6;

/** The vector's kWh and grams as emissionsOf has them; copies (replication) are held as often. */
function emissionsOfVector(v: Vector): { kwh: number; grams: number } {
  const [pue, intensity, copies] = [factor(n(v, 'pue')), factor(v.ef * G_PER_T), n(v, 'replication')];
  if (v.fn === 'embodied') {
    const reservedVcpuHours = n(v, 'hours') * n(v, 'instanceVcpu') * (35_040 / n(v, 'lifespanHours'));
    const perVcpu = factor((n(v, 'scope3_t') * G_PER_T) / n(v, 'largestVcpu'));
    const grams = emissionsOf(held({ reservedVcpuHours }), plain({ embodiedGramsPerVcpu: perVcpu })).embodied.mid;
    return { kwh: grams / G_PER_T / v.ef, grams };
  }
  const watts = n(v, 'averageWatts', 0);
  const vcpuHours = n(v, 'vcpuHours', 0) * copies;
  const { kwh, operational } = emissionsOf(
    held({
      reservedVcpuHours: vcpuHours,
      busyVcpuHours: exactly((vcpuHours * n(v, 'cpuUtil', 0)) / 100),
      memoryGbHours: exactly(n(v, 'gbHours', 0) * copies),
    }),
    plain({ pue, intensity, minWatts: factor(n(v, 'minWatts', watts)), maxWatts: factor(n(v, 'maxWatts', watts)) }),
  );
  return { kwh: kwh.mid, grams: operational.mid };
}
describe.skipIf(vectors.length === 0)(
  `Cloud Carbon Footprint's own vectors${vectors.length === 0 ? ' (skipped without ../shared/data)' : ''}`,
  () => {
    it('are five of what is counted', () => expect(vectors.length).toBe(5));
    it.each(vectors)('$fn: $kwh kWh, $co2e t', (v) => {
      const { kwh, grams } = emissionsOfVector(v);
      expect(Math.abs(kwh / v.kwh - 1)).toBeLessThan(1e-12);
      expect(Math.abs(grams / G_PER_T / v.co2e - 1)).toBeLessThan(1e-12);
    });
  },
);
describe('the SCI', () => {
  const embodied = (kg: number, vcpus: number, of: number): number =>
    emissionsOf(held({ reservedVcpuHours: vcpus }), plain({ embodiedGramsPerVcpu: factor((kg * 1000) / of) })).embodied.mid;
  it('1000 kg over 4 years are 28 g an hour', () => expect(embodied(1_000, 1, 1)).toBeCloseTo(28.5, 1));
  it("the standard's shop: 1205.52 kg, 2 of 16 vCPU, 1 h are 4.3 g", () => expect(embodied(1_205.52, 2, 16)).toBeCloseTo(4.3, 1));
  it('half load is half way', () => {
    const one = emissionsOf(
      held({ reservedVcpuHours: 1, busyVcpuHours: exactly(0.5) }),
      plain({ minWatts: factor(1_000), maxWatts: factor(3_000) }),
    );
    expect(one.kwh.mid).toBe(2);
  });
  it("memory beside the chip is the family's share", () => {
    expect(memoryAboveChipGb(16, 4, 80.69)).toBeCloseTo((384 - 80.69) * (16 / 384), 9);
    expect(memoryAboveChipGb(2, 96, 80.69)).toBe(0);
  });
});

describe('tables', () => {
  it.each([
    ['aws', 'eu-central-1', 338],
    ['gcp', 'europe-west3', 275.82],
    ['azure', 'westeurope', 390],
  ])('%s %s has %s g/kWh', (provider, region, grams) =>
    expect(tables.grid.find((row) => row.provider === provider && row.region === region)?.gramsPerKwh).toBe(grams),
  );
  it('every processor of a host has watts', () => {
    const known = new Set(tables.cpu.map((row) => row.microarchitecture));
    expect(tables.hosts.flatMap((row) => row.microarchitectures).filter((name) => !known.has(name))).toEqual([]);
  });
  it('watts rise with load, in the ends of a range too', () => {
    for (const row of tables.cpu) expect(row.maxWatts).toBeGreaterThan(row.minWatts);
  });
  it.each([
    ['aws', 'us-east-1a', 'us-east-1'],
    ['gcp', 'europe-west1-b', 'europe-west1'],
    ['azure', 'West Europe', 'westeurope'],
  ])('%s: %s is in %s', (provider, zone, region) => expect(regionKey(provider, zone)).toBe(region));
  it.each([
    ['aws', 'm5.xlarge', 'm5'],
    ['gcp', 'n2-standard-4', 'n2-standard'],
    ['azure', 'Standard_D4s_v4', 'd#s v4'],
  ])('%s: %s is of family %s', (provider, type, family) => {
    expect(familyKey(provider, type)).toBe(family);
    expect(tables.hosts.some((row) => row.provider === provider && row.family === family)).toBe(true);
  });
  it('providers go by many names', () =>
    expect(['AWS', 'google_cloud', 'Azure', 'own'].map(providerKey)).toEqual(['aws', 'gcp', 'azure', 'own']));
  it('a damaged table is our mistake and says where', () =>
    expect(() => parseCarbonTables({ grid: file('grid-intensity.csv').replace('338', '000402x'), pue: '', cpu: '', hosts: '' })).toThrow(
      /BUG.*000402x/,
    ));
});

const node = (more: Partial<NodeUsage> = {}): NodeUsage => ({
  node: 'node-1',
  startMs: 0,
  endMs: 3_600_000,
  vcpus: 4,
  memoryGiB: 16,
  cpuUtilization: 0.25,
  provider: 'aws',
  region: 'eu-central-1',
  instanceType: 'm5.xlarge',
  ...more,
});
describe('factors of a node', () => {
  it('known node: own region, own processor, own host', () => {
    const factors = nodeFactors(node(), tables, NO_SETTINGS);
    expect(factors.assumptions).toEqual(['grid_varies', 'processor_varies']);
    expect([factors.intensity.low, factors.intensity.high]).toEqual([275.82, 338]);
    expect([factors.intensity.mid, factors.pue.mid, factors.minWatts.mid]).toEqual([338, 1.35, 0.613]);
    expect(factors.embodiedGramsPerVcpu.mid).toBeCloseTo(1_610_790 / 96, 6);
  });
  it('unknown node: every figure is a range, and says why', () => {
    const factors = nodeFactors(node({ provider: '', region: '', instanceType: '' }), tables, NO_SETTINGS);
    expect(factors.assumptions).toEqual(['region_unknown', 'pue_unknown', 'instance_unknown', 'embodied_unknown']);
    for (const factor of [factors.intensity, factors.pue, factors.minWatts, factors.maxWatts, factors.embodiedGramsPerVcpu]) {
      expect(factor.low).toBeLessThan(factor.high);
      expect(factor.mid).toBeGreaterThanOrEqual(factor.low);
      expect(factor.mid).toBeLessThanOrEqual(factor.high);
    }
    expect(factors.pue.mid).toBe(1.58);
  });
  it('an own region and factor narrow it', () => {
    const settings = { provider: 'gcp', region: 'europe-west9', gramsPerKwh: 20, pue: 1.05 };
    const factors = nodeFactors(node({ provider: '', region: '', instanceType: '' }), tables, settings);
    expect([factors.intensity.low, factors.intensity.high, factors.pue.mid]).toEqual([20, 20, 1.05]);
    expect(nodeFactors(node(), tables, settings).intensity.mid).toBe(338);
  });
});

const book = (nodes: readonly NodeUsage[], services: readonly ServiceUsage[] = []): CarbonLedger =>
  bookEmissions({ startMs: 0, stepMs: 3_600_000, nodes, services }, (each) => nodeFactors(each, tables, NO_SETTINGS));
const random = seededRng(11);
const between = (low: number, high: number): number => low + random() * (high - low);
const oneOf = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
function randomCell(): { nodes: NodeUsage[]; services: ServiceUsage[] } {
  const nodes: NodeUsage[] = [];
  const services: ServiceUsage[] = [];
  for (let i = 0; i < 3; i++) {
    const hours = between(0.01, 1);
    const span = { startMs: i * 3_600_000, endMs: i * 3_600_000 + hours * 3_600_000 };
    const made = node({
      ...span,
      node: `node-${i}`,
      vcpus: oneOf([1, 4, 96]),
      memoryGiB: oneOf([0, 2, 64, 768]),
      cpuUtilization: oneOf([null, 0, 1, random(), 1.4]),
      region: oneOf(['', 'eu-west-1', 'moon-1']),
      instanceType: oneOf(['', 'm5.large', 'm7g.large']),
    });
    nodes.push(made);
    for (let k = 0; k < 4; k++) {
      const cpu = between(0, 1.5) * made.vcpus * hours * 0.4;
      services.push({
        ...span,
        service: `service-${k}`,
        node: made.node,
        cpuCoreHours: cpu,
        cpuRequestedCoreHours: oneOf([null, 0, cpu * 2]),
        memoryGiBHours: between(0, made.memoryGiB) * hours,
        memoryRequestedGiBHours: oneOf([null, made.memoryGiB * hours]),
      });
    }
  }
  return { nodes, services };
}
const partsOf = (ledger: CarbonLedger, pick: (share: CarbonLedger['total']) => Spread): Spread =>
  [...ledger.services.values(), ledger.idle, ledger.unattributed].map(pick).reduce(add, NONE);
function expectEqual(a: Spread, b: Spread): void {
  for (const end of ['low', 'mid', 'high'] as const)
    expect(Math.abs(a[end] - b[end])).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(b[end])));
}
describe('laws over 300 random clusters', () => {
  const cases = Array.from({ length: 300 }, randomCell);
  const ledgers = cases.map(({ nodes, services }) => book(nodes, services));
  it('services + unattributed + idle = the nodes, in grams, kWh and at both ends', () => {
    for (const ledger of ledgers) {
      for (const part of ['total', 'operational', 'embodied', 'kwh'] as const)
        expectEqual(
          partsOf(ledger, (share) => share.sum[part]),
          ledger.total.sum[part],
        );
    }
  });
  it('so in every cell', () => {
    for (const ledger of ledgers) {
      for (const [cell, whole] of ledger.total.byCell)
        expectEqual(
          partsOf(ledger, (share) => share.byCell.get(cell)?.total ?? NONE),
          whole.total,
        );
    }
  });
  it('low <= mid <= high, and nothing is negative', () => {
    for (const ledger of ledgers) {
      for (const share of [...ledger.services.values(), ledger.idle, ledger.unattributed, ledger.total]) {
        const { low, mid, high } = share.sum.total;
        expect(low).toBeGreaterThanOrEqual(-1e-9);
        expect(mid).toBeGreaterThanOrEqual(low - 1e-9);
        expect(high).toBeGreaterThanOrEqual(mid - 1e-9);
      }
    }
  });
  it('the whole is what the model says of the node alone', () => {
    const ledger = book([node()]);
    const factors = nodeFactors(node(), tables, NO_SETTINGS);
    const watts = 4 * (0.613 + 0.25 * (factors.maxWatts.mid - 0.613));
    const kwh = (watts / 1000 + 16 * factors.memoryShare.mid * 0.000392) * 1.35;
    expect(ledger.total.sum.total.mid).toBeCloseTo(kwh * 338 + 1_610_790 * (1 / 35_040) * (4 / 96), 9);
  });
});
describe('sharing', () => {
  const use = (more: Partial<ServiceUsage>): ServiceUsage => ({
    service: 'cart',
    node: 'node-1',
    startMs: 0,
    endMs: 3_600_000,
    cpuCoreHours: 0.5,
    cpuRequestedCoreHours: null,
    memoryGiBHours: 1,
    memoryRequestedGiBHours: null,
    ...more,
  });
  it('more use, more emissions; more reserved, more emissions', () => {
    const grams = (more: Partial<ServiceUsage>): number => book([node()], [use(more)]).services.get('cart')!.sum.total.mid;
    expect(grams({ cpuCoreHours: 0.6 })).toBeGreaterThan(grams({}));
    expect(grams({ cpuRequestedCoreHours: 2 })).toBeGreaterThan(grams({}));
    expect(grams({ memoryRequestedGiBHours: 12 })).toBeGreaterThan(grams({}));
  });
  it('unmeasured utilisation widens what nobody claims, never a service', () => {
    const ledger = book([node({ cpuUtilization: null })], [use({})]);
    expect(ledger.utilizationUnknown).toEqual(['node-1']);
    const busy = ledger.unattributed.byNode.get('node-1')!.busyVcpuHours;
    expect([busy.low, busy.mid, busy.high]).toEqual([0, 1.5, 3.5]);
    expect(ledger.services.get('cart')!.byNode.get('node-1')!.busyVcpuHours).toEqual({ low: 0.5, mid: 0.5, high: 0.5 });
  });
  it('a node heard from the middle of a cell on still meets its services', () => {
    const ledger = book([node({ startMs: 1_800_000 })], [use({})]);
    expect(ledger.withoutNode).toEqual([]);
    expect([...ledger.services.get('cart')!.byCell.keys()]).toEqual([0]);
  });
  it('a service on a node without capacity is named, not guessed', () =>
    expect(book([node()], [use({ node: 'other' })]).withoutNode).toEqual(['cart']));
});
describe('the formula', () => {
  const ledger = book([node()]);
  const factors = nodeFactors(node(), tables, NO_SETTINGS);
  const text = fillFormula(ledger.idle, new Map([['node-1', factors]]));
  it('ends in the figure itself', () => expect(text.split('\n').at(-1)).toContain(`= ${digits(ledger.idle.sum.total.mid)} gCO2e`));
  it('its own numbers give that figure again', () => {
    const plain = text.replaceAll(/ \([\d.e-]+ to [\d.e-]+\)/g, '');
    const [, min, reserved, above, busy, wattsPerGb, gb, pue] =
      /E = \(([\d.]+) W × ([\d.]+) vCPU·h \+ ([\d.]+) W × ([\d.]+) vCPU·h \+ ([\d.]+) W\/GB × ([\d.]+) GB·h\) \/ 1000 × PUE ([\d.]+)/
        .exec(plain)!
        .map(Number);
    const [, grams] = /I = ([\d.]+)/.exec(plain)!.map(Number);
    const [, made, held] = /M = ([\d.]+) g\/vCPU × ([\d.]+)/.exec(plain)!.map(Number);
    const again = ((min! * reserved! + above! * busy! + wattsPerGb! * gb!) / 1000) * pue! * grams! + (made! * held!) / 35_040;
    expect(Math.abs(again / ledger.idle.sum.total.mid - 1)).toBeLessThan(0.001);
  });
  it('per thousand requests', () =>
    expect(perThousand({ low: 1, mid: 2, high: 4 }, 500).formula).toBe(
      'SCI = 2 gCO2e (1 to 4) / 500 requests × 1000 = 4 gCO2e per 1000 requests (2 to 8)',
    ));
});
