import type { Connection } from '../database/database.ts';
import type { StoreDictionary } from './store-dictionary.ts';

/** Fills the dictionary from the catalog. Keys come back as the latin1 text they were given as. */
export async function loadDictionary(connection: Connection, catalog: string, dictionary: StoreDictionary): Promise<void> {
  for (const table of dictionary.tables) {
    const id = table.table.columns[0]!.name;
    const rows = await connection.rows(`SELECT ${id} AS id, identity FROM ${catalog}.main.${table.table.name}`);
    for (const row of rows) table.load(Buffer.from(row['identity'] as string, 'hex').toString('latin1'), row['id'] as number);
  }
}
