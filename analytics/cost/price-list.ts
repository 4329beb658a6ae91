import { type PriceEntry, priceEntrySchema } from '#contracts/cost.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { NodeUsage } from '#contracts/resource-usage.ts';

export const MAX_ENTRIES = 20_000;
/** Columns of a price list as CSV, in any order; the first four may be missing. */
const CSV_COLUMNS = {
  provider: 'provider',
  region: 'region',
  instance_type: 'instanceType',
  node: 'node',
  currency: 'currency',
  cpu_core_hour: 'cpuCoreHour',
  memory_gib_hour: 'memoryGiBHour',
  from: 'from',
} as const;

/** Reads a price list, CSV or JSON ({entries: [...]} or [...]). @throws FaultlineError bad_request with line and column */
export function parsePriceList(text: string): PriceEntry[] {
  const plain = text.replace(/^\uFEFF/, '').trim();
  const rows = /^[[{]/.test(plain) ? jsonRows(plain) : csvRows(plain);
  if (rows.length === 0) throw new FaultlineError('bad_request', 'The price list holds no price.');
  if (rows.length > MAX_ENTRIES)
    throw new FaultlineError('bad_request', `The price list has ${rows.length} prices; ${MAX_ENTRIES} are the limit.`);
  return rows.map(({ where, value }) => {
    const parsed = priceEntrySchema.safeParse(value);
    if (parsed.success) {
      const { cpuCoreHour, memoryGiBHour } = parsed.data;
      if (!cpuCoreHour.startsWith('-') && !memoryGiBHour.startsWith('-')) return parsed.data;
      throw new FaultlineError('bad_request', `${where}: a price is below 0.`);
    }
    const issue = parsed.error.issues[0];
    throw new FaultlineError('bad_request', `${where}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}.`);
  });
}
interface Row {
  readonly where: string;
  readonly value: unknown;
}
function jsonRows(text: string): Row[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FaultlineError('bad_request', `The price list is not JSON: ${(error as Error).message}`);
  }
  const entries = Array.isArray(value) ? value : (value as { entries?: unknown }).entries;
  if (!Array.isArray(entries)) throw new FaultlineError('bad_request', 'The price list has no "entries".');
  return entries.map((entry: unknown, i) => ({ where: `entry ${i + 1}`, value: entry }));
}
function csvRows(text: string): Row[] {
  const [head = '', ...lines] = text.split(/\r?\n/);
  const columns = head.split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  const unknown = columns.find((name) => !Object.hasOwn(CSV_COLUMNS, name));
  if (unknown !== undefined)
    throw new FaultlineError('bad_request', `line 1: there is no column "${unknown}"; known: ${Object.keys(CSV_COLUMNS).join(', ')}.`);
  return lines.flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const cells = line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    const where = `line ${i + 2}`;
    if (cells.length !== columns.length)
      throw new FaultlineError('bad_request', `${where}: ${cells.length} values for ${columns.length} columns.`);
    return [{ where, value: Object.fromEntries(columns.map((name, at) => [CSV_COLUMNS[name as keyof typeof CSV_COLUMNS], cells[at]])) }];
  });
}

/** YYYY-MM-DD, UTC. */
export const dayOf = (unixMs: number): string => new Date(unixMs).toISOString().slice(0, 10);
/** The entry for a node at a time: the most specific one (node, type, region, provider), of these the newest. null: none. */
export function choosePrice(entries: readonly PriceEntry[], node: NodeUsage): PriceEntry | null {
  const day = dayOf(node.startMs);
  let best: PriceEntry | null = null;
  let bestRank = '';
  for (const entry of entries) {
    const fits =
      entry.from <= day &&
      accepts(entry.node, node.node) &&
      accepts(entry.instanceType, node.instanceType) &&
      accepts(entry.region, node.region) &&
      accepts(entry.provider, node.provider);
    if (!fits) continue;
    const rank =
      [entry.node, entry.instanceType, entry.region, entry.provider].map((text) => (text === '' ? '0' : '1')).join('') + entry.from;
    if (best === null || rank > bestRank) [best, bestRank] = [entry, rank];
  }
  return best;
}
const accepts = (asked: string, is: string): boolean => asked === '' || asked.toLowerCase() === is.toLowerCase();
