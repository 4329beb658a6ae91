import type { NodeUsage } from '#contracts/resource-usage.ts';
import { type CarbonTables, type CpuRow, familyKey, providerKey, regionKey } from './carbon-tables.ts';
import { memoryAboveChipGb } from './ccf.ts';
import { exactly, isExact, type Spread } from './spread.ts';

/** What the person who runs the console knows better than the tables. Empty or null: nothing said. */
export interface CarbonSettings {
  /** For nodes that do not name theirs. */
  readonly provider: string;
  readonly region: string;
  /** Own grid factor, gCO2e/kWh, and own PUE: for nodes in `region`, or for all nodes without a region when it is empty. */
  readonly gramsPerKwh: number | null;
  readonly pue: number | null;
}
export const NO_SETTINGS: CarbonSettings = { provider: '', region: '', gramsPerKwh: null, pue: null };

/** What had to be assumed of a node; each widens a range or stands beside it. */
export type AssumptionCode =
  | 'region_unknown'
  | 'region_not_listed'
  | 'grid_varies'
  | 'pue_average'
  | 'pue_unknown'
  | 'instance_unknown'
  | 'processor_varies'
  | 'embodied_unknown'
  | 'utilization_unknown';
export interface Factor extends Spread {
  /** Who says so and when: "Google Cloud, 2024, Frankfurt". */
  readonly source: string;
}
export interface NodeFactors {
  readonly node: string;
  readonly provider: string;
  readonly region: string;
  readonly instanceType: string;
  /** gCO2e/kWh. */
  readonly intensity: Factor;
  readonly pue: Factor;
  /** Watts per vCPU. */
  readonly minWatts: Factor;
  readonly maxWatts: Factor;
  /** Share of the node's memory whose energy is not in those watts. */
  readonly memoryShare: Spread;
  /** Making one vCPU's part of the host, grams CO2e. */
  readonly embodiedGramsPerVcpu: Factor;
  readonly assumptions: readonly AssumptionCode[];
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return (sorted[Math.floor(at)]! + sorted[Math.ceil(at)]!) / 2;
}
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spreadOf = (values: readonly number[], mid: number): Spread => ({
  low: Math.min(mid, ...values),
  mid,
  high: Math.max(mid, ...values),
});

/** Factors of one node from the tables; what is unknown becomes a range over what it could be. */
export function nodeFactors(node: NodeUsage, tables: CarbonTables, settings: CarbonSettings): NodeFactors {
  const provider = providerKey(node.provider || settings.provider);
  const region = regionKey(provider, node.region || settings.region);
  const assumptions: AssumptionCode[] = [];
  const note = (code: AssumptionCode): void => void assumptions.push(code);
  // An own factor is for the named region; without a name it is for the nodes that name none either.
  const own = region === regionKey(provider, settings.region);
  const intensity = intensityOf(tables, provider, region, own ? settings.gramsPerKwh : null, note);
  const pue = pueOf(tables, provider, region, own ? settings.pue : null, note);
  const host = tables.hosts.find((row) => row.provider === provider && row.family === familyKey(provider, node.instanceType));
  const cpu = cpuOf(tables, provider, host?.microarchitectures ?? [], note);
  const memory = (chipGb: number): number =>
    node.memoryGiB > 0 ? memoryAboveChipGb(node.memoryGiB, node.vcpus, chipGb) / node.memoryGiB : 0;
  const perVcpu = tables.hosts.flatMap((row) => (row.embodiedKgPerVcpu === null ? [] : [row.embodiedKgPerVcpu * 1000]));
  const known = host?.embodiedKgPerVcpu ?? null;
  if (known === null) note('embodied_unknown');
  return {
    node: node.node,
    provider,
    region,
    instanceType: node.instanceType,
    intensity,
    pue,
    minWatts: cpu.minWatts,
    maxWatts: cpu.maxWatts,
    // More memory per chip means less beside it.
    memoryShare: { low: memory(cpu.chipGb.high), mid: memory(cpu.chipGb.mid), high: memory(cpu.chipGb.low) },
    embodiedGramsPerVcpu:
      known === null
        ? { ...spreadOf(perVcpu, middle(perVcpu)), source: 'Cloud Carbon Footprint, median of the known hosts' }
        : { ...exactly(known * 1000), source: `Cloud Carbon Footprint, ${host!.asOf}, ${host!.family}` },
    assumptions,
  };
}

function intensityOf(
  tables: CarbonTables,
  provider: string,
  region: string,
  own: number | null,
  note: (code: AssumptionCode) => void,
): Factor {
  if (own !== null) return { ...exactly(own), source: 'own setting' };
  const row = tables.grid.find((each) => each.provider === provider && each.region === region);
  if (row) {
    // Whoever measures the same grid in another year gets another average: the range holds what the tables say of it.
    const same = tables.grid.filter((each) => each.zone !== '' && each.zone === row.zone).map((each) => each.gramsPerKwh);
    const spread = spreadOf(same, row.gramsPerKwh);
    if (!isExact(spread)) note('grid_varies');
    return { ...spread, source: `${row.publisher}, ${row.asOf}, ${row.place}` };
  }
  note(region === '' ? 'region_unknown' : 'region_not_listed');
  const ofProvider = tables.grid.filter((each) => each.provider === provider);
  const rows = (ofProvider.length > 0 ? ofProvider : tables.grid).map((each) => each.gramsPerKwh);
  return {
    ...spreadOf(rows, middle(rows)),
    source: `median and range of ${rows.length} ${ofProvider.length > 0 ? `${provider} ` : ''}regions`,
  };
}
function pueOf(tables: CarbonTables, provider: string, region: string, own: number | null, note: (code: AssumptionCode) => void): Factor {
  if (own !== null) return { ...exactly(own), source: 'own setting' };
  const rows = tables.pue.filter((each) => each.provider === provider);
  const row = rows.find((each) => each.region === region && region !== '');
  if (row) return { ...exactly(row.pue), source: `${row.publisher}, ${row.asOf}` };
  const average = rows.find((each) => each.region === '');
  if (provider !== '' && average) {
    note('pue_average');
    return {
      ...spreadOf(
        rows.map((each) => each.pue),
        average.pue,
      ),
      source: `${average.publisher}, average of ${provider}`,
    };
  }
  note('pue_unknown');
  const all = tables.pue.map((each) => each.pue);
  const room = tables.pue.find((each) => each.provider === '' && each.region === '')?.pue ?? Math.max(...all);
  return { ...spreadOf(all, room), source: 'Cloud Carbon Footprint, own machine room; range of all known' };
}
interface Cpu {
  readonly minWatts: Factor;
  readonly maxWatts: Factor;
  readonly chipGb: Spread;
}
/** The watts of one processor differ from cloud to cloud: the range holds every table's figure for it. */
function cpuOf(tables: CarbonTables, provider: string, processors: readonly string[], note: (code: AssumptionCode) => void): Cpu {
  const of = (rows: readonly CpuRow[], mid: readonly CpuRow[], source: string): Cpu => {
    const factor = (pick: (row: CpuRow) => number): Factor => ({ ...spreadOf(rows.map(pick), mean(mid.map(pick))), source });
    return { minWatts: factor((row) => row.minWatts), maxWatts: factor((row) => row.maxWatts), chipGb: factor((row) => row.gbPerChip) };
  };
  const named = tables.cpu.filter((row) => processors.includes(row.microarchitecture));
  if (named.length > 0) {
    const here = named.filter((row) => row.provider === provider);
    if (named.length > 1) note('processor_varies');
    return of(named, here.length > 0 ? here : named, `${processors.join(' or ')}, ${named[0]!.asOf}`);
  }
  note('instance_unknown');
  const listed = tables.cpu.filter((row) => row.microarchitecture !== '');
  const here = listed.filter((row) => row.provider === provider);
  const standard = tables.cpu.filter((row) => row.microarchitecture === '' && (row.provider === provider || here.length === 0));
  const rows = here.length > 0 ? here : listed;
  return of(
    rows,
    standard.length > 0 ? standard : rows,
    `Cloud Carbon Footprint, default of ${here.length > 0 ? provider : 'three clouds'}`,
  );
}
