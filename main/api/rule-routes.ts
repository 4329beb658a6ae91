import { z } from 'zod';
import { rulePreviewSchema, rulesAnswerSchema, volumeRuleSchema } from '#contracts/volume-rules.ts';
import { readRulePreview } from '#store/read/read-rule-preview.ts';
import { QUERY_TIMEOUT_MS, type Route, route } from './route.ts';
import { IN_ORDER, inOrder, timeRange } from './time-range.ts';

const idOf = (params: Readonly<Record<string, string>>): string => params['id'] ?? '';

export const ruleRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/volume/rules',
    summary: 'Rules that keep telemetry out of the store, what each left out since the engine started, and who changed what when.',
    answer: rulesAnswerSchema,
    handle: async (call) => call.engine.rules.view(),
  }),
  route({
    method: 'post',
    path: '/console/volume/rules',
    summary: 'Adds a rule, or changes the one of that id. It holds for what is decoded from now on.',
    body: z.object({ rule: volumeRuleSchema }),
    answer: rulesAnswerSchema,
    handle: (call) => call.engine.rules.save(call.body.rule),
  }),
  route({
    method: 'post',
    path: '/console/volume/rules/:id/enable',
    summary: 'Puts a rule in force.',
    answer: rulesAnswerSchema,
    handle: (call) => call.engine.rules.enable(idOf(call.params), true),
  }),
  route({
    method: 'post',
    path: '/console/volume/rules/:id/disable',
    summary: 'Takes a rule out of force, and keeps it.',
    answer: rulesAnswerSchema,
    handle: (call) => call.engine.rules.enable(idOf(call.params), false),
  }),
  route({
    method: 'delete',
    path: '/console/volume/rules/:id',
    summary: 'Removes a rule. What it left out does not come back.',
    answer: rulesAnswerSchema,
    handle: (call) => call.engine.rules.remove(idOf(call.params)),
  }),
  route({
    method: 'post',
    path: '/console/volume/preview',
    summary: 'What a rule would have done to the stored data of a window: rows, bytes, series, examples, incidents it would have touched.',
    body: timeRange.extend({ rule: volumeRuleSchema }).refine(inOrder, IN_ORDER),
    answer: rulePreviewSchema,
    handle(call) {
      const { engine, body } = call;
      const window = { startMs: body.start, endMs: body.end };
      return readRulePreview(engine.store, body.rule, window, engine.book.list(200), { timeoutMs: QUERY_TIMEOUT_MS, signal: call.signal });
    },
  }),
];
