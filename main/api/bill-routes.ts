import { z } from 'zod';
import { billDaysSql } from '#store/sql/read/bill-days-sql.ts';
import { type Route, route, runTable } from './route.ts';
import { IN_ORDER, inOrder, timeRange } from './time-range.ts';

export const billRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/cost/bill-days',
    summary: "Billed costs by day and the provider's service, one currency: list, contracted, effective, billed.",
    query: timeRange.extend({ currency: z.string().min(1).max(20) }).refine(inOrder, IN_ORDER),
    answer: 'arrow',
    handle: (call) => runTable(call, billDaysSql({ startMs: call.query.start, endMs: call.query.end, currency: call.query.currency })),
  }),
];
