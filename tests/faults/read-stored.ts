import type { FaultlineProcess } from '../app/faultline-process.ts';
import type { Stored, StoredUnit } from './judge-stored.ts';
import { ITEM_TABLES, ITEMS_PER_UNIT, type ItemTable } from './ledger.ts';
import { SERVICE_PREFIX } from './unit-bodies.ts';

/** Where each table of the console's SQL says the id of an item, and whether its content is still what was sent. */
const ITEMS: Readonly<Record<ItemTable, string>> = {
  spans: `SELECT span_id AS id, attributes['check'] IS DISTINCT FROM md5(span_id::VARCHAR) AS changed FROM spans WHERE service LIKE '${SERVICE_PREFIX}%'`,
  logs: `SELECT split_part(body, ' ', 2)::UBIGINT AS id, split_part(body, ' ', 3) IS DISTINCT FROM md5(split_part(body, ' ', 2)) AS changed FROM logs WHERE service LIKE '${SERVICE_PREFIX}%'`,
  samples: 'SELECT value::UBIGINT AS id, false AS changed FROM samples',
  histograms: 'SELECT sum::UBIGINT AS id, count <> 3 AS changed FROM histograms',
};
/** Units asked for at once: an answer has a limit. */
const UNITS_PER_ANSWER = 50_000;

function unitsSql(table: ItemTable, fromUnit: number): string {
  const unit = `(id // ${ITEMS_PER_UNIT})`;
  return `SELECT ${unit}::DOUBLE - 1 AS unit, bit_or(1::UBIGINT << (id % ${ITEMS_PER_UNIT}))::DOUBLE AS mask, min(copies)::DOUBLE AS least,
    max(copies)::DOUBLE AS most, sum(changed)::DOUBLE AS changed
    FROM (SELECT id, count(*) AS copies, count(*) FILTER (changed) AS changed FROM (${ITEMS[table]})
      WHERE ${unit} > ${fromUnit} AND ${unit} <= ${fromUnit + UNITS_PER_ANSWER} GROUP BY id)
    GROUP BY ALL`;
}
/** Everything a console holds of what `units` numbers were sent, by its own SQL, after it has taken in all it acknowledged. */
export async function readStored(console: FaultlineProcess, units: number): Promise<Stored> {
  await console.flush();
  const stored = {} as Record<ItemTable, Map<number, StoredUnit>>;
  for (const table of ITEM_TABLES) {
    const found = new Map<number, StoredUnit>();
    // One answer beyond the last: what nobody sent would be there.
    for (let from = 0; from <= units; from += UNITS_PER_ANSWER) {
      for (const row of await console.sql(unitsSql(table, from))) {
        const [unit, mask, least, most, changed] = ['unit', 'mask', 'least', 'most', 'changed'].map((name) => Number(row[name]));
        found.set(unit as number, {
          items: BigInt(mask as number),
          least: least as number,
          most: most as number,
          changed: changed as number,
        });
      }
    }
    stored[table] = found;
  }
  return stored;
}
