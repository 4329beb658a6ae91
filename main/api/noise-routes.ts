import { noiseAnswerSchema } from '#contracts/noise.ts';
import { jsonResponse } from './compress.ts';
import { type Route, route } from './route.ts';
import { IN_ORDER, inOrder, timeRange } from './time-range.ts';

export const noiseRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/noise',
    summary: 'Alerts of a window that were noise: flapping, never acted on, duplicates, always together; each with a change and its proof.',
    query: timeRange.refine(inOrder, IN_ORDER),
    answer: noiseAnswerSchema,
    async handle({ engine, query, signal, context }) {
      const { status, first, rest } = await engine.parts.replay.noise({ startMs: query.start, endMs: query.end }, signal);
      return jsonResponse(status, first, rest, context.req.header('accept-encoding'));
    },
  }),
];
