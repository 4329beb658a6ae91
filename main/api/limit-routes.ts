import { z } from 'zod';
import { sourceLimitSchema, sourceLimitsAnswerSchema, sourceLimitsSchema, sourceNameSchema } from '#contracts/source-limits.ts';
import type { Engine } from '#main/engine/engine.ts';
import { describeLimits } from '#main/engine/limits/describe-limits.ts';
import { type Route, route } from './route.ts';

const answerOf = (engine: Engine) => describeLimits(engine.limits, engine.collectorStatus, engine.parts.nowMs());

export const limitRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/volume/limits',
    summary: 'Hard limits by source: items a second, active series and bytes a day, and what is used of them today.',
    answer: sourceLimitsAnswerSchema,
    handle: async (call) => answerOf(call.engine),
  }),
  route({
    method: 'post',
    path: '/console/volume/limits',
    summary: 'Sets the limit of a source ("otlp-http", "scrape:*", "otlp-grpc service=cart"). It holds from now on.',
    body: z
      .object({ name: sourceNameSchema, limit: sourceLimitSchema })
      .refine(({ name, limit }) => sourceLimitsSchema.safeParse({ [name]: limit }).success, {
        error: 'a rate is for a source, not for a service of one',
        path: ['limit', 'itemsPerSecond'],
      }),
    answer: sourceLimitsAnswerSchema,
    async handle({ engine, body }) {
      await engine.limits.set(body.name, body.limit);
      return answerOf(engine);
    },
  }),
  route({
    method: 'post',
    path: '/console/volume/limits/remove',
    summary: 'Removes the limit of a source.',
    body: z.object({ name: sourceNameSchema }),
    answer: sourceLimitsAnswerSchema,
    async handle({ engine, body }) {
      await engine.limits.remove(body.name);
      return answerOf(engine);
    },
  }),
];
