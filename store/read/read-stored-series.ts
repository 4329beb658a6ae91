import type { Store } from '#contracts/store.ts';
import { storedSeriesSql } from '../sql/read/stored-series-sql.ts';

/** Largest id of a series that is stored, as all smaller ones are: rows of the dictionary are stored in the order of their ids. */
export async function readStoredSeries(store: Pick<Store, 'query'>): Promise<number> {
  const [row] = (await store.query(storedSeriesSql())).rows();
  return Number(row?.['last'] ?? 0);
}
