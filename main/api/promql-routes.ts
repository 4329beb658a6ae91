import { z } from 'zod';
import { CARD_LIMITS, metricCardsSchema, metricCatalogueSchema, metricLabelsSchema, promqlCheckSchema } from '#contracts/promql.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { formatPromql } from '#query/promql/print.ts';
import { PromqlError } from '#query/promql/token.ts';
import { jsonResponse } from './compress.ts';
import { type Call, type Route, route } from './route.ts';

const MAX_QUERY = 100_000;

/** Answered in the threads of PromQL; in the shape of Prometheus' API, `data` as said. */
async function computed(
  { engine, signal, context }: Pick<Call, 'engine' | 'signal' | 'context'>,
  path: string,
  form = '',
): Promise<Response> {
  const { status, first, rest } = await engine.promql.ask({ path, search: '', form, signal });
  return jsonResponse(status, first, rest, context.req.header('accept-encoding'));
}
const dataOf = (schema: z.ZodType): z.ZodType => z.object({ status: z.literal('success'), data: schema });

export const promqlRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/metrics/catalogue',
    summary: 'Metrics as PromQL knows them, with kind, unit, help, series, services and labels.',
    answer: dataOf(metricCatalogueSchema),
    handle: (call) => computed(call, '/metric-catalogue'),
  }),
  route({
    method: 'get',
    path: '/console/metrics/labels',
    summary: 'Labels of one metric: how many values each has, and the most frequent.',
    query: z.object({ metric: z.string().min(1).max(1_000) }),
    answer: dataOf(metricLabelsSchema),
    handle: (call) => computed(call, '/metric-labels', new URLSearchParams({ metric: call.query.metric }).toString()),
  }),
  route({
    method: 'post',
    path: '/console/metrics/cards',
    summary: 'Metrics as small lines over time, each by the query its kind is looked at by; times in Unix milliseconds.',
    body: z
      .object({
        names: z.array(z.string().max(1_000)).max(CARD_LIMITS.cards),
        start: z.number().min(0),
        end: z.number().min(0),
        step: z.number().int().min(1),
      })
      .refine(({ start, end, step }) => start <= end && (end - start) / step < CARD_LIMITS.points, {
        error: `start, end and step must give 1 to ${CARD_LIMITS.points} points`,
      }),
    answer: dataOf(metricCardsSchema),
    handle(call) {
      const { names, start, end, step } = call.body;
      const form = new URLSearchParams({ start: String(start / 1000), end: String(end / 1000), step: String(step / 1000) });
      for (const name of names) form.append('name', name);
      return computed(call, '/metric-cards', form.toString());
    },
  }),
  route({
    method: 'post',
    path: '/console/promql/check',
    summary: 'Whether a query is right while it is typed: what is wrong with its place, or the query formatted.',
    body: z.object({ query: z.string().max(MAX_QUERY) }),
    answer: promqlCheckSchema,
    // Wrong on the way to right is no error: an answer, not a status.
    async handle({ body: { query } }) {
      try {
        return { formatted: formatPromql(parsePromql(query)), problem: null };
      } catch (error) {
        if (!(error instanceof PromqlError)) throw error;
        return { formatted: null, problem: { from: error.range.start, to: error.range.end, message: error.message } };
      }
    },
  }),
];
