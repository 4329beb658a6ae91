import { z } from 'zod';
import { changeEntry } from '#analytics/incidents/timeline-entries.ts';
import { type Changes, changesSchema, type ServiceMap, serviceMapSchema } from '#contracts/console-api.ts';
import { readChanges } from '#store/read/read-changes.ts';
import { readServiceMap } from '#store/read/read-service-map.ts';
import { serviceRedSql } from '#store/sql/read/services-sql.ts';
import { QUERY_TIMEOUT_MS, type Route, route, runTable } from './route.ts';
import { IN_ORDER, inOrder, optionalNumber, optionalText, stepFor, timeRange } from './time-range.ts';

const redQuery = timeRange
  .extend({ service: z.string().min(1).max(1_000), peer: optionalText, step: optionalNumber })
  .refine(inOrder, IN_ORDER);

/** Changes of one answer. */
const MAX_CHANGES = 200;

export const serviceRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/services',
    summary: 'Services, what they call, and how they do.',
    query: timeRange.refine(inOrder, IN_ORDER),
    answer: serviceMapSchema,
    async handle(call): Promise<ServiceMap> {
      const { start, end } = call.query;
      const map = await readServiceMap(
        call.engine.store,
        { startMs: start, endMs: end },
        { timeoutMs: QUERY_TIMEOUT_MS, signal: call.signal },
      );
      const open = call.engine.book.open();
      const incidentOf = (service: string): string | null => open.find((incident) => incident.services.includes(service))?.id ?? null;
      return { ...map, start, end, nodes: map.nodes.map((node) => ({ ...node, openIncident: incidentOf(node.service) })) };
    },
  }),
  route({
    method: 'get',
    path: '/console/changes',
    summary: 'Deploys, restarts, new instances, configuration and flag changes, newest first.',
    query: timeRange.extend({ service: optionalText }).refine(inOrder, IN_ORDER),
    answer: changesSchema,
    async handle(call): Promise<Changes> {
      const { start, end, service } = call.query;
      const options = { timeoutMs: QUERY_TIMEOUT_MS, signal: call.signal };
      const { changes, query } = await readChanges(call.engine.store, { startMs: start, endMs: end }, options);
      const own = service === undefined ? changes : changes.filter((change) => change.service === service);
      const told = own.slice(0, MAX_CHANGES).map((change) => {
        const { says, messageKey, params } = changeEntry(change);
        return { ...change, says, messageKey, params: { ...params } };
      });
      return { changes: told, total: own.length, query };
    },
  }),
  route({
    method: 'get',
    path: '/console/services/red',
    summary: 'Rate, errors and duration of a service, or of its calls to a peer, per step.',
    query: redQuery,
    answer: 'arrow',
    handle: (call) =>
      runTable(
        call,
        serviceRedSql({ startMs: call.query.start, endMs: call.query.end }, call.query.service, call.query.peer, stepFor(call.query)),
      ),
  }),
];
