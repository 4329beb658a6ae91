import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CarbonTables, parseCarbonTables } from '#analytics/carbon/carbon-tables.ts';

/** resources/carbon lies two folders up from here as well as from the bundle in out/node. */
const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../resources/carbon');
let loaded: Promise<CarbonTables> | null = null;

/** Read at the first question, then kept: the tables change with the program only. */
export function loadCarbonTables(): Promise<CarbonTables> {
  loaded ??= readTables().catch((error: unknown) => {
    loaded = null;
    throw error;
  });
  return loaded;
}
async function readTables(): Promise<CarbonTables> {
  const read = (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8');
  const [grid, pue, cpu, hosts] = await Promise.all(['grid-intensity.csv', 'pue.csv', 'cpu-watts.csv', 'hosts.csv'].map(read));
  return parseCarbonTables({ grid: grid!, pue: pue!, cpu: cpu!, hosts: hosts! });
}
