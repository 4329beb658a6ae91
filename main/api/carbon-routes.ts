import { providerKey, regionKey } from '#analytics/carbon/carbon-tables.ts';
import { describeCarbon, describeIncidentCarbon } from '#analytics/carbon/describe-carbon.ts';
import { type CarbonSettings, NO_SETTINGS } from '#analytics/carbon/node-factors.ts';
import {
  type CarbonAnswer,
  type CarbonSettingsAnswer,
  carbonAnswerSchema,
  carbonSettingsAnswerSchema,
  carbonSettingsSchema,
  type IncidentCarbon,
  incidentCarbonSchema,
} from '#contracts/carbon.ts';
import type { Usage } from '#contracts/cost.ts';
import { numbers, texts } from '#store/read/columns-of.ts';
import { readUsage } from '#store/read/read-usage.ts';
import { heldByNodesSql, heldByServicesSql, serviceRequestsSql } from '#store/sql/read/carbon-sql.ts';
import { loadCarbonTables } from './load-carbon-tables.ts';
import { type Call, QUERY_TIMEOUT_MS, type Route, route } from './route.ts';
import { IN_ORDER, inOrder, optionalNumber, timeRange } from './time-range.ts';
import { incidentGrids, usageGrid } from './usage-window.ts';

const SETTINGS_KEY = 'carbon.settings';

async function readSettings(call: Pick<Call, 'engine'>): Promise<CarbonSettings> {
  const json = await call.engine.store.getState(SETTINGS_KEY);
  return json === null ? NO_SETTINGS : carbonSettingsSchema.parse(JSON.parse(json));
}
async function settingsAnswer(settings: CarbonSettings): Promise<CarbonSettingsAnswer> {
  const { grid } = await loadCarbonTables();
  const regions = grid.map((row) => ({
    provider: row.provider,
    region: row.region,
    place: row.place,
    gramsPerKwh: row.gramsPerKwh,
    source: `${row.publisher}, ${row.asOf}`,
  }));
  return carbonSettingsAnswerSchema.parse({ ...settings, regions });
}
const optionsOf = (call: Pick<Call, 'signal'>) => ({ timeoutMs: QUERY_TIMEOUT_MS, signal: call.signal });
async function requestsIn(call: Pick<Call, 'engine' | 'signal'>, sql: string): Promise<Map<string, number>> {
  const result = await call.engine.store.query(sql, [], optionsOf(call));
  const [services, counts] = [texts(result, 'service'), numbers(result, 'requests')];
  return new Map(services.map((service, i) => [service ?? '', counts[i] ?? 0]));
}
const queriesOf = (usage: Usage, services: readonly string[] | null) => ({
  ofService: (service: string): string => heldByServicesSql(usage.serviceQuery, [service]),
  ofServices: heldByServicesSql(usage.serviceQuery, services),
});

/** What the affected services emitted during an incident, and in the same time before. */
export async function incidentCarbon(call: Pick<Call, 'engine' | 'signal'>, incidentId: string): Promise<IncidentCarbon> {
  const { incident, ...grids } = incidentGrids(call, incidentId);
  const [during, before, tables, settings] = await Promise.all([
    readUsage(call.engine.store, grids.during, optionsOf(call)),
    readUsage(call.engine.store, grids.before, optionsOf(call)),
    loadCarbonTables(),
    readSettings(call),
  ]);
  const { id, services } = incident;
  const queries = { during: queriesOf(during, services), before: queriesOf(before, services) };
  return describeIncidentCarbon({ incident: id, services, during, before, tables, settings, queries });
}

export const carbonRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/carbon',
    summary: 'Emissions of services, of idle capacity and of what nobody claims, over time, as ranges with their reasons.',
    query: timeRange.extend({ step: optionalNumber }).refine(inOrder, IN_ORDER),
    answer: carbonAnswerSchema,
    async handle(call): Promise<CarbonAnswer> {
      const window = usageGrid(call.query);
      const requestsQuery = serviceRequestsSql(window);
      const [usage, requests, tables, settings] = await Promise.all([
        readUsage(call.engine.store, window, optionsOf(call)),
        requestsIn(call, requestsQuery),
        loadCarbonTables(),
        readSettings(call),
      ]);
      const queries = { ...queriesOf(usage, null), ofNodes: heldByNodesSql(usage.nodeQuery), requests: requestsQuery };
      return describeCarbon({ usage, requests, tables, settings, queries });
    },
  }),
  route({
    method: 'get',
    path: '/console/carbon/incident/:id',
    summary: 'What the affected services emitted during an incident, and in the same time before.',
    answer: incidentCarbonSchema,
    handle: (call) => incidentCarbon(call, call.params['id'] ?? ''),
  }),
  route({
    method: 'get',
    path: '/console/carbon/settings',
    summary: 'Region, grid factor and PUE a person set, and the regions the tables know.',
    answer: carbonSettingsAnswerSchema,
    handle: async (call) => settingsAnswer(await readSettings(call)),
  }),
  route({
    method: 'post',
    path: '/console/carbon/settings',
    summary: 'Sets them; what is left out is unset.',
    body: carbonSettingsSchema,
    answer: carbonSettingsAnswerSchema,
    async handle(call) {
      const provider = providerKey(call.body.provider);
      const settings = { ...call.body, provider, region: regionKey(provider, call.body.region) };
      await call.engine.store.setState(SETTINGS_KEY, JSON.stringify(settings));
      return settingsAnswer(settings);
    },
  }),
];
