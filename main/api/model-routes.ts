import { z } from 'zod';
import { modelsSchema } from '#contracts/console-models.ts';
import { type Route, route } from './route.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256');

export const modelRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/models',
    summary: 'Local models, the one that is asked, and the job that runs.',
    answer: modelsSchema,
    handle: async (call) => call.engine.models.describe(),
  }),
  route({
    method: 'post',
    path: '/console/models',
    summary: 'Starts to check a GGUF file on the machine of the console and adds it; or makes the demo model.',
    body: z.union([z.strictObject({ path: z.string().trim().min(1).max(4_096) }), z.strictObject({ demo: z.literal(true) })]),
    answer: modelsSchema,
    async handle(call) {
      if ('path' in call.body) call.engine.models.add(call.body.path);
      else call.engine.models.addDemo();
      return call.engine.models.describe();
    },
  }),
  route({
    method: 'post',
    path: '/console/models/current',
    summary: 'Chooses the model to ask; null: none, the template narrator tells every story.',
    body: z.strictObject({ sha256: sha256.nullable() }),
    answer: modelsSchema,
    async handle(call) {
      await call.engine.models.choose(call.body.sha256);
      return call.engine.models.describe();
    },
  }),
  route({
    method: 'post',
    path: '/console/models/test',
    summary: 'Starts a test run of the current model.',
    answer: modelsSchema,
    async handle(call) {
      call.engine.models.test();
      return call.engine.models.describe();
    },
  }),
  route({
    method: 'delete',
    path: '/console/models/job',
    summary: 'Cancels the job that runs.',
    answer: modelsSchema,
    async handle(call) {
      call.engine.models.cancelJob();
      await call.engine.models.settled();
      return call.engine.models.describe();
    },
  }),
  route({
    method: 'delete',
    path: '/console/models/:sha256',
    summary: 'Forgets a model; its file stays where it is.',
    answer: modelsSchema,
    async handle(call) {
      await call.engine.models.remove(call.params['sha256'] ?? '');
      return call.engine.models.describe();
    },
  }),
];
