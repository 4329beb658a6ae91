import { z } from 'zod';
import { METRIC_KINDS } from './metric-query.ts';

/** What the page asks of PromQL beside Prometheus' own API (main/api/promql-routes.ts). */
export const promqlCheckSchema = z.object({
  /** The same query as Prometheus writes it; null where it is wrong. */
  formatted: z.string().nullable(),
  /** Half-open, in UTF-16 units of the query; in Prometheus' words. */
  problem: z.object({ from: z.number(), to: z.number(), message: z.string() }).nullable(),
});
export type PromqlCheck = z.infer<typeof promqlCheckSchema>;

/** Metrics as PromQL knows them: a classic histogram is one, not its buckets, sum and count. */
export const metricCatalogueSchema = z.object({
  metrics: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(METRIC_KINDS),
      unit: z.string(),
      help: z.string(),
      /** Of a histogram one per set of labels. */
      series: z.number(),
      /** The first of them by name. */
      services: z.array(z.string()),
      labels: z.array(z.string()),
    }),
  ),
  /** Metrics beyond the limit. */
  leftOut: z.number(),
});
export type MetricCatalogue = z.infer<typeof metricCatalogueSchema>;
export type ExploredMetric = MetricCatalogue['metrics'][number];

/** What a card draws. Times are startMs + i * stepMs. */
export const metricCardsSchema = z.object({
  startMs: z.number(),
  stepMs: z.number(),
  cards: z.array(
    z.object({
      name: z.string(),
      /** PromQL that gives the values. */
      query: z.string(),
      /** null: no value at that time. */
      values: z.array(z.number().nullable()),
      /** Why there are none, in PromQL's words; '' without trouble. */
      error: z.string(),
    }),
  ),
});
export type MetricCards = z.infer<typeof metricCardsSchema>;
/** Cards of one call; time one call may take; steps of a card. */
export const CARD_LIMITS = { cards: 60, timeoutMs: 10_000, points: 200 };

/** Labels of one metric: how many values each has, and the most frequent of them. */
export const metricLabelsSchema = z.object({
  series: z.number(),
  labels: z.array(z.object({ label: z.string(), values: z.number(), top: z.array(z.object({ value: z.string(), series: z.number() })) })),
});
export type MetricLabels = z.infer<typeof metricLabelsSchema>;
