import { z } from 'zod';
import { explainStateSchema, explanationSchema } from '#contracts/explanation.ts';
import { type Route, route } from './route.ts';

const idOf = (params: Readonly<Record<string, string>>): string => params['id'] ?? '';

export const explainRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/console/explain/settings',
    summary: 'Whether each incident is asked about once by itself, a minute after it opened, while a local model is chosen.',
    body: z.object({ auto: z.boolean() }),
    answer: z.object({ auto: z.boolean() }),
    async handle(call) {
      await call.engine.explainer.setAuto(call.body.auto);
      return { auto: await call.engine.explainer.isAuto() };
    },
  }),
  route({
    method: 'get',
    path: '/console/incidents/:id/explanation',
    summary: 'The template narrative, the question on its way, and what the local model last said, checked.',
    answer: explainStateSchema,
    handle: (call) => call.engine.explainer.state(idOf(call.params)),
  }),
  route({
    method: 'post',
    path: '/console/incidents/:id/explain',
    summary: 'Asks the local model, or joins the question on its way. Progress: "explain" events of /console/events, or the GET above.',
    body: z
      .object({
        again: z.boolean().optional().describe('ask even if this very question was answered before'),
        deadlineMs: z.number().int().min(1_000).max(600_000).optional(),
      })
      .optional(),
    answer: explainStateSchema,
    async handle(call) {
      const { again, deadlineMs } = call.body ?? {};
      const id = idOf(call.params);
      call.engine.explainer.ask(id, { ...(again === undefined ? {} : { again }), ...(deadlineMs === undefined ? {} : { deadlineMs }) });
      return call.engine.explainer.state(id);
    },
  }),
  route({
    method: 'delete',
    path: '/console/incidents/:id/explain',
    summary: 'Cancels the question on its way, if there is one.',
    answer: explainStateSchema,
    async handle(call) {
      const id = idOf(call.params);
      call.engine.explainer.cancel(id);
      await call.engine.explainer.settled(id);
      return call.engine.explainer.state(id);
    },
  }),
  route({
    method: 'get',
    path: '/console/incidents/:id/calls',
    summary: 'Calls of the local model about an incident, newest first, each with its prompt and answer.',
    query: z.object({ limit: z.coerce.number().int().min(1).max(200).default(20) }),
    answer: z.object({ calls: z.array(explanationSchema) }),
    handle: async (call) => ({ calls: await call.engine.explainer.calls(idOf(call.params), call.query.limit) }),
  }),
];
