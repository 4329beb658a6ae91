import { z } from 'zod';

/** What the page asks of PromQL beside Prometheus' own API (main/api/promql-routes.ts). */
export const promqlCheckSchema = z.object({
  /** The same query as Prometheus writes it; null where it is wrong. */
  formatted: z.string().nullable(),
  /** Half-open, in UTF-16 units of the query; in Prometheus' words. */
  problem: z.object({ from: z.number(), to: z.number(), message: z.string() }).nullable(),
});
export type PromqlCheck = z.infer<typeof promqlCheckSchema>;
