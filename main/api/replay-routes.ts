import { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import { NDJSON, replayAnswerSchema, replayBodySchema } from '#contracts/replay.ts';
import type { PromqlAnswer } from '#main/engine/promql-threads.ts';
import { adoptRules, readAdopted, removeAdopted } from '#main/rules/adopted-rules.ts';
import { jsonResponse } from './compress.ts';
import { type Call, type Route, route } from './route.ts';

const adopted = z.object({
  /** Where it is kept. */
  file: z.string(),
  text: z.string(),
});
const adoptedOf = ({ engine }: Pick<Call, 'engine'>) => {
  const { adoptedFile } = engine.parts.alerting;
  return { file: adoptedFile, text: readAdopted(adoptedFile) };
};
/** Progress at most this often. */
const NEWS_MS = 200;

/** The answer at the end of a stream that says how far it is. */
function streamed(work: (onProgress: (share: number) => void) => Promise<PromqlAnswer>, onGone: () => void): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const line = (value: unknown): void => controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      let saidMs = Number.NEGATIVE_INFINITY;
      try {
        const { first, rest } = await work((progress) => {
          if (performance.now() - saidMs < NEWS_MS) return;
          saidMs = performance.now();
          line({ progress });
        });
        controller.enqueue(encoder.encode('{"answer":'));
        controller.enqueue(first);
        for await (const bytes of rest ?? []) controller.enqueue(bytes);
        controller.enqueue(encoder.encode('}\n'));
      } catch (error) {
        const { code, message } = error instanceof FaultlineError ? error : new FaultlineError('internal', 'Something failed inside.');
        line({ error: { code, message } });
        if (!(error instanceof FaultlineError)) throw error;
      }
      controller.close();
    },
    cancel: onGone,
  });
  return new Response(body, { headers: { 'Content-Type': NDJSON } });
}

export const replayRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/console/replay',
    summary: 'Rules over a stored window, as the live evaluation would have had them: firings, notifications, beside incidents; sweeps.',
    body: replayBodySchema,
    answer: replayAnswerSchema,
    async handle({ engine, body, signal, context }) {
      const gone = new AbortController();
      const talk = { signal: AbortSignal.any([signal, gone.signal]) };
      if (!context.req.header('accept')?.includes(NDJSON)) {
        const { status, first, rest } = await engine.parts.replay.replay(body, talk);
        return jsonResponse(status, first, rest, context.req.header('accept-encoding'));
      }
      return streamed(
        (onProgress) => engine.parts.replay.replay(body, { ...talk, onProgress }),
        () => gone.abort(),
      );
    },
  }),
  route({
    method: 'get',
    path: '/console/replay/adopted',
    summary: "The rule file of this console's own, which is evaluated beside the given ones.",
    answer: adopted,
    handle: async (call) => adoptedOf(call),
  }),
  route({
    method: 'post',
    path: '/console/replay/adopted',
    summary: 'Puts the groups of a rule file into it and evaluates them from now on; groups of the same name are replaced.',
    body: z.object({ rules: z.string().max(800_000) }),
    answer: adopted,
    async handle(call) {
      const { alerting } = call.engine.parts;
      adoptRules(alerting.adoptedFile, call.body.rules);
      alerting.adopted();
      return adoptedOf(call);
    },
  }),
  route({
    method: 'delete',
    path: '/console/replay/adopted/:group',
    summary: 'Takes an adopted group out of the file; its alerts end.',
    answer: adopted,
    async handle(call) {
      const { alerting } = call.engine.parts;
      removeAdopted(alerting.adoptedFile, call.params['group'] ?? '');
      alerting.adopted();
      return adoptedOf(call);
    },
  }),
];
