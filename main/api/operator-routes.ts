import { z } from 'zod';
import { importResultSchema, sourcesSchema, stateSchema } from '#contracts/console-api.ts';
import { MAX_ROWS, QUERY_TIMEOUT_MS, type Route, route } from './route.ts';
import { IN_ORDER, inOrder, optionalNumber } from './time-range.ts';

const incidentAnswer = z
  .looseObject({ id: z.string(), title: z.string(), status: z.enum(['open', 'resolved']) })
  .describe('contracts/judgement.ts Incident');
const rcaAnswer = z
  .looseObject({ verdict: z.enum(['confirmed', 'likely', 'inconclusive']), candidates: z.array(z.looseObject({})) })
  .describe('contracts/judgement.ts RcaResult');
const demoAnswer = z.object({ demo: z.object({ scenario: z.string(), startedMs: z.number() }).nullable() });
const idOf = (params: Readonly<Record<string, string>>): string => params['id'] ?? '';

export const incidentRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/incidents',
    summary: 'Incidents, newest first.',
    query: z.object({ limit: z.coerce.number().int().min(1).max(2_000).default(200) }),
    answer: z.object({ incidents: z.array(incidentAnswer) }),
    handle: async (call) => ({ incidents: call.engine.book.list(call.query.limit) }),
  }),
  route({
    method: 'get',
    path: '/console/incidents/:id',
    summary: 'One incident.',
    answer: incidentAnswer,
    handle: async (call) => call.engine.book.get(idOf(call.params)),
  }),
  route({
    method: 'post',
    path: '/console/incidents/:id/acknowledge',
    summary: 'Says that somebody looks after it.',
    answer: incidentAnswer,
    handle: async (call) => call.engine.book.acknowledge(idOf(call.params)),
  }),
  route({
    method: 'post',
    path: '/console/incidents/:id/resolve',
    summary: 'Closes it.',
    answer: incidentAnswer,
    handle: async (call) => call.engine.book.resolve(idOf(call.params)),
  }),
  route({
    method: 'post',
    path: '/console/incidents/:id/notes',
    summary: 'Adds a note to its timeline.',
    body: z.object({ text: z.string().trim().min(1).max(10_000) }),
    answer: incidentAnswer,
    handle: async (call) => call.engine.book.note(idOf(call.params), call.body.text),
  }),
];

export const operatorRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/state',
    summary: 'The console at a glance.',
    answer: stateSchema,
    handle: (call) => call.engine.state(),
  }),
  route({
    method: 'get',
    path: '/console/sources',
    summary: 'What is received, refused, dropped and stored.',
    answer: sourcesSchema,
    handle: (call) => call.engine.sources(),
  }),
  route({
    method: 'post',
    path: '/console/query/sql',
    summary: 'One SELECT over the documented views (docs/data-dictionary.md).',
    body: z.object({ sql: z.string().min(1).max(200_000), maxRows: z.number().int().min(1).max(1_000_000).optional() }),
    answer: 'arrow',
    async handle(call) {
      const { sql, maxRows } = call.body;
      const result = await call.engine.userQuery(sql, {
        timeoutMs: QUERY_TIMEOUT_MS,
        maxRows: maxRows ?? MAX_ROWS,
        signal: call.signal,
      });
      return { sql, result };
    },
  }),
  route({
    method: 'post',
    path: '/console/rca',
    summary: 'Ranked causes of what went wrong in a window. Times: Unix milliseconds or RFC 3339.',
    body: z
      .object({
        start: instant(),
        end: instant(),
        service: z.string().max(1_000).nullish(),
        top: z.number().int().min(1).max(50).optional(),
      })
      .refine(inOrder, IN_ORDER),
    answer: rcaAnswer,
    handle: (call) =>
      call.engine.rca({ startMs: call.body.start, endMs: call.body.end, service: call.body.service || undefined, top: call.body.top }),
  }),
  route({
    method: 'post',
    path: '/console/import',
    summary: 'Takes in a file: the body is its bytes.',
    query: z.object({ name: z.string().min(1).max(1_000) }),
    answer: importResultSchema,
    async handle(call) {
      const { takeFile } = await import('#main/import/take-file.ts');
      return takeFile(call.engine, call.query.name, new Uint8Array(await call.context.req.arrayBuffer()));
    },
  }),
  route({
    method: 'post',
    path: '/console/demo',
    summary: 'Starts the demo shop.',
    body: z.object({ scenario: z.string().max(200).optional() }).optional(),
    answer: demoAnswer,
    async handle(call) {
      await call.engine.startDemo(call.body?.scenario);
      return { demo: call.engine.parts.demo.running };
    },
  }),
  route({
    method: 'delete',
    path: '/console/demo',
    summary: 'Stops the demo shop.',
    answer: demoAnswer,
    async handle(call) {
      await call.engine.parts.demo.stop();
      return { demo: null };
    },
  }),
  route({
    method: 'post',
    path: '/console/admin/flush',
    summary:
      'Answers once all acknowledged data is queryable; durable=1: and written to its day files; compact=1: and samples made into blocks.',
    query: z.object({ durable: optionalNumber, compact: optionalNumber }),
    answer: z.object({ position: z.number() }),
    handle: async (call) => ({
      position: await call.engine.flush(call.query.durable === 1 || call.query.compact === 1, call.query.compact === 1),
    }),
  }),
];

function instant() {
  return z
    .union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))])
    .refine((ms) => ms >= 0 && ms < 9e12, 'not a time');
}
