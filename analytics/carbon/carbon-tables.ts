/** Tables of resources/carbon as read from their CSV text; SOURCE.md there says who measured what, when, under which licence. */
export interface GridRow {
  readonly provider: string;
  readonly region: string;
  readonly place: string;
  /** Grid it draws from: country, or part of a large one; '' not assigned. Regions of one zone differ by table, not by place. */
  readonly zone: string;
  /** gCO2e/kWh, yearly average, location-based. */
  readonly gramsPerKwh: number;
  readonly asOf: string;
  readonly publisher: string;
}
export interface PueRow {
  readonly provider: string;
  /** '': the provider's average. */
  readonly region: string;
  readonly pue: number;
  readonly asOf: string;
  readonly publisher: string;
}
export interface CpuRow {
  readonly provider: string;
  /** '': the provider's default. */
  readonly microarchitecture: string;
  /** Watts per vCPU. */
  readonly minWatts: number;
  readonly maxWatts: number;
  readonly gbPerChip: number;
  readonly asOf: string;
}
export interface HostRow {
  readonly provider: string;
  readonly family: string;
  readonly microarchitectures: readonly string[];
  /** null: nobody published what making this host took. */
  readonly embodiedKgPerVcpu: number | null;
  readonly asOf: string;
}
export interface CarbonTables {
  readonly grid: readonly GridRow[];
  readonly pue: readonly PueRow[];
  readonly cpu: readonly CpuRow[];
  readonly hosts: readonly HostRow[];
}
export interface CarbonFiles {
  readonly grid: string;
  readonly pue: string;
  readonly cpu: string;
  readonly hosts: string;
}

/** Plain CSV without quotes, as tools wrote it; a line of another length is our mistake. */
function readCsv(text: string, columns: readonly string[]): string[][] {
  const [head, ...lines] = text.split('\n').filter((line) => line !== '');
  if (head !== columns.join(',')) throw new Error(`BUG: carbon table has columns ${head}, expected ${columns.join(',')}`);
  return lines.map((line) => {
    const cells = line.split(',');
    if (cells.length !== columns.length) throw new Error(`BUG: carbon table line "${line}" has ${cells.length} cells`);
    return cells;
  });
}
function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`BUG: carbon table holds "${text}" where a positive number belongs`);
  return value;
}
export function parseCarbonTables(files: CarbonFiles): CarbonTables {
  return {
    grid: readCsv(files.grid, ['provider', 'region', 'place', 'zone', 'gco2e_per_kwh', 'as_of', 'publisher']).map(
      ([provider, region, place, zone, grams, asOf, publisher]) => ({
        provider: provider!,
        region: region!,
        place: place!,
        zone: zone!,
        gramsPerKwh: positive(grams!),
        asOf: asOf!,
        publisher: publisher!,
      }),
    ),
    pue: readCsv(files.pue, ['provider', 'region', 'pue', 'as_of', 'publisher']).map(([provider, region, pue, asOf, publisher]) => ({
      provider: provider!,
      region: region!,
      pue: positive(pue!),
      asOf: asOf!,
      publisher: publisher!,
    })),
    cpu: readCsv(files.cpu, ['provider', 'microarchitecture', 'min_watts_per_vcpu', 'max_watts_per_vcpu', 'gb_per_chip', 'as_of']).map(
      ([provider, microarchitecture, min, max, gb, asOf]) => ({
        provider: provider!,
        microarchitecture: microarchitecture!,
        minWatts: positive(min!),
        maxWatts: positive(max!),
        gbPerChip: positive(gb!),
        asOf: asOf!,
      }),
    ),
    hosts: readCsv(files.hosts, ['provider', 'family', 'microarchitectures', 'host_vcpus', 'embodied_kgco2e', 'as_of']).map(
      ([provider, family, processors, vcpus, kg, asOf]) => ({
        provider: provider!,
        family: family!,
        microarchitectures: processors === '' ? [] : processors!.split(';'),
        embodiedKgPerVcpu: kg === '' ? null : positive(kg!) / positive(vcpus!),
        asOf: asOf!,
      }),
    ),
  };
}

const PROVIDERS: Readonly<Record<string, string>> = { google: 'gcp', google_cloud: 'gcp', amazon: 'aws', microsoft: 'azure' };
/** "AWS", "google_cloud" -> aws, gcp; an unknown name stays as it is. */
export function providerKey(provider: string): string {
  const key = provider.trim().toLowerCase();
  return PROVIDERS[key] ?? key;
}
/** "us-east-1a" -> "us-east-1" (a zone), "europe-west1-b" -> "europe-west1", "West Europe" -> "westeurope". */
export function regionKey(provider: string, region: string): string {
  const key = region.trim().toLowerCase().replaceAll(' ', '');
  if (provider === 'aws') return key.replace(/(\d)[a-z]$/, '$1');
  if (provider === 'gcp') return key.replace(/-[a-z]$/, '');
  return key;
}
/** "m5.xlarge" -> "m5", "n2-standard-4" -> "n2-standard", "Standard_D4s_v5" -> "d#s v5". */
export function familyKey(provider: string, instanceType: string): string {
  const key = instanceType.trim().toLowerCase();
  if (provider === 'aws') return key.split('.')[0]!;
  if (provider === 'gcp') return key.replace(/-\d+$/, '');
  return key
    .replace(/^standard_/, '')
    .replaceAll('_', ' ')
    .replace(/^([a-z]+)\d+/, '$1#');
}
