import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parsePriceList } from '#analytics/cost/price-list.ts';
import type { PriceEntry, PriceList } from '#contracts/cost.ts';
import type { Store } from '#contracts/store.ts';

/** resources/prices lies two folders up from here as well as from the bundle in out/node. */
const file = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../resources/prices/opencost-default.json');
const OWN_KEY = 'cost.prices';
interface NamedList {
  readonly name: string;
  readonly source: string;
  readonly entries: readonly PriceEntry[];
}
let shipped: Promise<NamedList> | null = null;

/** The shipped list, read at the first question and kept: it changes with the program only. */
export function loadShippedPrices(): Promise<NamedList> {
  shipped ??= readShipped().catch((error: unknown) => {
    shipped = null;
    throw error;
  });
  return shipped;
}
async function readShipped(): Promise<NamedList> {
  const text = await readFile(file, 'utf8');
  const { name, source } = JSON.parse(text) as { name: string; source: string };
  return { name, source, entries: parsePriceList(text) };
}
/** The list a person set; null: none. */
export async function loadOwnPrices(store: Pick<Store, 'getState'>): Promise<NamedList | null> {
  const json = await store.getState(OWN_KEY);
  return json === null || json === 'null' ? null : (JSON.parse(json) as NamedList);
}
/** @throws FaultlineError bad_request for a list that is not one; the list before stays then */
export async function saveOwnPrices(store: Pick<Store, 'setState'>, name: string, text: string, nowMs: number): Promise<void> {
  const list: NamedList = { name, source: `set by hand on ${new Date(nowMs).toISOString().slice(0, 10)}`, entries: parsePriceList(text) };
  await store.setState(OWN_KEY, JSON.stringify(list));
}
export const removeOwnPrices = (store: Pick<Store, 'setState'>): Promise<void> => store.setState(OWN_KEY, 'null');

export async function describePriceLists(store: Pick<Store, 'getState'>): Promise<PriceList> {
  const own = await loadOwnPrices(store);
  const list = await loadShippedPrices();
  return {
    lists: [
      ...(own ? [{ ...own, kind: 'own_list' as const, entries: [...own.entries] }] : []),
      { ...list, kind: 'shipped_list', entries: [...list.entries] },
    ],
  };
}
