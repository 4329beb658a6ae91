import { z } from 'zod';
import { promqlCheckSchema } from '#contracts/promql.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { formatPromql } from '#query/promql/print.ts';
import { PromqlError } from '#query/promql/token.ts';
import { type Route, route } from './route.ts';

const MAX_QUERY = 100_000;

export const promqlRoutes: readonly Route[] = [
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
