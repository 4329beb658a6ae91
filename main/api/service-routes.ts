import { z } from 'zod';
import { type ServiceMap, serviceMapSchema } from '#contracts/console-api.ts';
import { readServiceMap } from '#store/read/read-service-map.ts';
import { serviceRedSql } from '#store/sql/read/services-sql.ts';
import { QUERY_TIMEOUT_MS, type Route, route, runTable } from './route.ts';
import { IN_ORDER, inOrder, optionalNumber, optionalText, stepFor, timeRange } from './time-range.ts';

const redQuery = timeRange
  .extend({ service: z.string().min(1).max(1_000), peer: optionalText, step: optionalNumber })
  .refine(inOrder, IN_ORDER);

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
