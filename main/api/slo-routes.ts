import { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import {
  newSloSchema,
  type SloCandidates,
  type SloSummary,
  sloCandidatesSchema,
  sloDetailSchema,
  sloListSchema,
  sloSummarySchema,
} from '#contracts/slo.ts';
import { numbers, texts } from '#store/read/columns-of.ts';
import { sloCandidatesSql } from '#store/sql/read/slo-sql.ts';
import { type Call, QUERY_TIMEOUT_MS, type Route, route } from './route.ts';

/** What was heard of within this time is offered. */
const CANDIDATE_MS = 24 * 3_600_000;
const MAX_CANDIDATES = 2_000;

async function candidates({ engine, signal }: Pick<Call, 'engine' | 'signal'>): Promise<SloCandidates> {
  const endMs = engine.parts.nowMs();
  const query = sloCandidatesSql({ startMs: endMs - CANDIDATE_MS, endMs }, MAX_CANDIDATES);
  const result = await engine.store.query(query, [], { timeoutMs: QUERY_TIMEOUT_MS, maxRows: MAX_CANDIDATES, signal });
  const [service, operation] = [texts(result, 'service'), texts(result, 'operation')];
  const [requests, errors, p95] = ['requests', 'errors', 'p95_ms'].map((name) => numbers(result, name)) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ];
  const services = new Map<string, SloCandidates['services'][number]>();
  const numbersAt = (i: number) => ({ requests: requests[i] as number, errors: errors[i] as number, p95Ms: p95[i] as number });
  for (let i = 0; i < result.rowCount; i++)
    if (operation[i] === null) services.set(service[i] ?? '', { service: service[i] ?? '', ...numbersAt(i), operations: [] });
  for (let i = 0; i < result.rowCount; i++)
    if (operation[i] !== null) services.get(service[i] ?? '')?.operations.push({ operation: operation[i] ?? '', ...numbersAt(i) });
  return { services: [...services.values()], query };
}
async function summaryOf({ engine }: Pick<Call, 'engine'>, id: string): Promise<SloSummary> {
  const found = (await engine.slos.list()).slos.find((slo) => slo.id === id);
  if (!found) throw new FaultlineError('not_found', `There is no objective "${id}".`);
  return found;
}

export const sloRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/slo',
    summary: 'Service level objectives: share of good, budget left, burn rate over time; files they are in, and what is wrong with them.',
    answer: sloListSchema,
    handle: ({ engine }) => engine.slos.list(),
  }),
  route({
    method: 'get',
    path: '/console/slo/candidates',
    summary: 'Services and operations of the last day, an objective can be made for each.',
    answer: sloCandidatesSchema,
    handle: candidates,
  }),
  route({
    method: 'post',
    path: '/console/slo',
    summary: 'Makes an objective over the requests of a service: a file of Sloth in the data folder.',
    body: newSloSchema,
    answer: sloSummarySchema,
    async handle(call) {
      const { alerting, slos } = call.engine;
      const known = new Set(alerting.slos.flatMap(({ objectives }) => objectives.map(({ id }) => id)));
      const id = slos.parts.files.add(call.body, known);
      alerting.look();
      slos.forget();
      return summaryOf(call, id);
    },
  }),
  route({
    method: 'get',
    path: '/console/slo/:id',
    summary: 'One objective: budget over time, windows that alert, and what used the budget up, each with its query.',
    answer: sloDetailSchema,
    handle: ({ engine, params, signal }) => engine.slos.detail(params['id'] ?? '', signal),
  }),
  route({
    method: 'delete',
    path: '/console/slo/:id',
    summary: 'Removes an objective that was made here.',
    answer: z.object({ removed: z.string() }),
    async handle(call) {
      const { alerting, slos } = call.engine;
      const { id, file } = await summaryOf(call, call.params['id'] ?? '');
      slos.parts.files.remove(file);
      alerting.look();
      slos.forget();
      return { removed: id };
    },
  }),
];
