import { z } from 'zod';
import { type CostBooks, describeCost, keepCostBooks } from '#analytics/cost/describe-cost.ts';
import { describeIncidentCost } from '#analytics/cost/describe-incident-cost.ts';
import { parseAmount } from '#analytics/cost/money.ts';
import {
  type BillList,
  billListSchema,
  type CostAnswer,
  costAnswerSchema,
  type IncidentCost,
  incidentCostSchema,
  priceListSchema,
} from '#contracts/cost.ts';
import { readBilled, readScrapedPrices } from '#store/read/read-prices.ts';
import { readUsage } from '#store/read/read-usage.ts';
import { billTotalsSql, costQueries } from '#store/sql/read/cost-sql.ts';
import { describePriceLists, loadOwnPrices, loadShippedPrices, removeOwnPrices, saveOwnPrices } from './load-price-lists.ts';
import { type Call, QUERY_TIMEOUT_MS, type Route, route } from './route.ts';
import { IN_ORDER, inOrder, optionalNumber, timeRange } from './time-range.ts';
import { incidentGrids, type UsageGrid, usageGrid } from './usage-window.ts';

/** Usage, bills and prices of a window, laid on services. */
export async function costBooksOf(call: Pick<Call, 'engine' | 'signal'>, window: UsageGrid, idle: 'apart' | 'shared'): Promise<CostBooks> {
  const { store } = call.engine;
  const options = { timeoutMs: QUERY_TIMEOUT_MS, signal: call.signal };
  const [usage, rows, scraped, own, shipped, bills] = await Promise.all([
    readUsage(store, window, options),
    readBilled(store, window, options),
    readScrapedPrices(store, window, options),
    loadOwnPrices(store),
    loadShippedPrices(),
    store.bills(),
  ]);
  const groups = rows.map((row) => ({ ...row, amount: parseAmount(row.amount) }));
  const prices = { own: own?.entries ?? [], ownName: own?.name ?? '', scraped, shipped: shipped.entries, shippedName: shipped.name };
  return keepCostBooks({ usage, groups, prices, idle, bills: bills.length > 0 });
}
const listBills = async (call: Pick<Call, 'engine'>): Promise<BillList> => ({
  bills: [...(await call.engine.store.bills())],
  query: billTotalsSql,
});

/** What the affected services cost during an incident, and in the same time before. */
export async function incidentCost(call: Pick<Call, 'engine' | 'signal'>, incidentId: string): Promise<IncidentCost> {
  const { incident, ...grids } = incidentGrids(call, incidentId);
  const [during, before] = await Promise.all([costBooksOf(call, grids.during, 'apart'), costBooksOf(call, grids.before, 'apart')]);
  return describeIncidentCost({ incident: incident.id, services: incident.services, during, before }, costQueries);
}

export const costRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/cost',
    summary: 'Cost of services over time, idle and unallocated apart; every figure with its statement and calculation.',
    query: timeRange.extend({ step: optionalNumber, idle: z.enum(['apart', 'shared']).default('apart') }).refine(inOrder, IN_ORDER),
    answer: costAnswerSchema,
    async handle(call): Promise<CostAnswer> {
      return describeCost(await costBooksOf(call, usageGrid(call.query), call.query.idle), costQueries);
    },
  }),
  route({
    method: 'get',
    path: '/console/cost/incident/:id',
    summary: 'What the affected services cost during an incident, and in the same time before.',
    answer: incidentCostSchema,
    handle: (call) => incidentCost(call, call.params['id'] ?? ''),
  }),
  route({
    method: 'get',
    path: '/console/cost/bills',
    summary: 'Imported bills with what was wrong with them, newest import first.',
    answer: billListSchema,
    handle: listBills,
  }),
  route({
    method: 'delete',
    path: '/console/cost/bills/:id',
    summary: 'Takes a bill and its rows away.',
    answer: billListSchema,
    async handle(call) {
      await call.engine.store.removeBill(call.params['id'] ?? '');
      return listBills(call);
    },
  }),
  route({
    method: 'get',
    path: '/console/cost/prices',
    summary: 'Price lists: the own one, where set, and the shipped one.',
    answer: priceListSchema,
    handle: (call) => describePriceLists(call.engine.store),
  }),
  route({
    method: 'post',
    path: '/console/cost/prices',
    summary: 'Sets the own price list: CSV or JSON as text. It replaces the one before.',
    body: z.object({ name: z.string().trim().min(1).max(200), text: z.string().max(900_000) }),
    answer: priceListSchema,
    async handle(call) {
      const { engine } = call;
      await saveOwnPrices(engine.store, call.body.name, call.body.text, engine.parts.nowMs());
      return describePriceLists(engine.store);
    },
  }),
  route({
    method: 'delete',
    path: '/console/cost/prices',
    summary: 'Removes the own price list.',
    answer: priceListSchema,
    async handle(call) {
      await removeOwnPrices(call.engine.store);
      return describePriceLists(call.engine.store);
    },
  }),
];
