import { z } from 'zod';

/**
 * Where alerts go, as the Alerts page draws it beside alerting.ts' overview.
 *
 * GET  /console/alerting/routing               -> routing (JSON): inhibition rules and time intervals in force
 * POST /console/alerting/routing/test {labels} -> routeTest (JSON): which way an alert of these labels would go now
 */
const labels = z.record(z.string().min(1).max(1_000), z.string().max(10_000));
export const routingSchema = z.object({
  inhibitRules: z.array(z.object({ source: z.array(z.string()), target: z.array(z.string()), equal: z.array(z.string()) })),
  timeIntervals: z.array(
    z.object({
      name: z.string(),
      /** Each of its parts, as the file would have it: "09:00-17:00 monday:friday Europe/Berlin". */
      says: z.array(z.string()),
      /** Now is within it. */
      isNow: z.boolean(),
    }),
  ),
});
export type RoutingAnswer = z.infer<typeof routingSchema>;
export const routeTestBodySchema = z.object({ labels });
export const routeTestSchema = z.object({
  /** Places among the overview's routes: those that take it, and those on the way to them. */
  taken: z.array(z.number()),
  passed: z.array(z.number()),
  ends: z.array(z.object({ receiver: z.string(), groupLabels: z.record(z.string(), z.string()) })),
  /** Silences that hold for it now. */
  silencedBy: z.number(),
});
export type RouteTestAnswer = z.infer<typeof routeTestSchema>;
