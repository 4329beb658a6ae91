import { z } from 'zod';

/**
 * Service level objectives, as the SLO page shows them. Times are Unix milliseconds, durations milliseconds, shares 0 to 1.
 *
 * GET    /console/slo            -> sloList (JSON)
 * GET    /console/slo/:id        -> sloDetail (JSON)
 * GET    /console/slo/candidates -> sloCandidates (JSON): services and operations an objective can be made for
 * POST   /console/slo            -> sloSummary (JSON): writes a file of Sloth into the data folder
 * DELETE /console/slo/:id        -> { removed } (JSON): an objective made on the page
 */
export const SLO_STATES = ['ok', 'ticket', 'page', 'exhausted', 'unknown'] as const;
export type SloState = (typeof SLO_STATES)[number];

/** A number, and what it can be had from again: PromQL at a time, or a statement of SQL. */
const reproduced = z.object({ language: z.enum(['promql', 'sql']), query: z.string(), atMs: z.number() });
export type SloQuery = z.infer<typeof reproduced>;

export const sloSummarySchema = z.object({
  id: z.string(),
  service: z.string(),
  name: z.string(),
  description: z.string(),
  file: z.string(),
  line: z.number(),
  /** Made on the page: it can be removed there. */
  isOwn: z.boolean(),
  spec: z.string(),
  method: z.enum(['occurrences', 'timeslices', 'ratio-timeslices']),
  /** Requests counted from spans, or metrics. */
  source: z.enum(['spans', 'promql']),
  /** Share of good that is wanted. */
  target: z.number(),
  periodMs: z.number(),
  labels: z.record(z.string(), z.string()),
  /** Length of what is known, at most the period. */
  knownMs: z.number(),
  /** Share of good over what is known. null: nothing is known. */
  sli: z.number().nullable(),
  /** Share of the budget that is left; below 0 the objective is missed. */
  budgetLeft: z.number().nullable(),
  /** Events, where the queries tell them; of a ratio null. */
  total: z.number().nullable(),
  bad: z.number().nullable(),
  state: z.enum(SLO_STATES),
  /** Alerts of it that fire now. */
  firing: z.array(z.object({ name: z.string(), severity: z.string(), sinceMs: z.number() })),
  /** Burn rate step by step, oldest first; null: no events. */
  burn: z.object({ startMs: z.number(), stepMs: z.number(), values: z.array(z.number().nullable()) }),
  /** Why it cannot be measured; '': it can. */
  error: z.string(),
});
export type SloSummary = z.infer<typeof sloSummarySchema>;

const fileSchema = z.object({
  file: z.string(),
  objectives: z.number(),
  problems: z.array(z.object({ line: z.number(), column: z.number(), message: z.string() })),
});
export const sloListSchema = z.object({ slos: z.array(sloSummarySchema), files: z.array(fileSchema), measuredMs: z.number() });
export type SloList = z.infer<typeof sloListSchema>;

/** A pair of windows that alerts when both burn faster than `factor`. */
const windowSchema = z.object({
  severity: z.enum(['page', 'ticket']),
  speed: z.enum(['quick', 'slow']),
  factor: z.number(),
  budgetPercent: z.number(),
  short: z.object({ lengthMs: z.number(), burnRate: z.number().nullable(), query: reproduced }),
  long: z.object({ lengthMs: z.number(), burnRate: z.number().nullable(), query: reproduced }),
  isBurning: z.boolean(),
});
export type SloWindow = z.infer<typeof windowSchema>;

/** Share of all bad events of what is known; null where events are not told. */
const consumed = { bad: z.number().nullable(), share: z.number().nullable(), query: reproduced };
export const sloDetailSchema = z.object({
  slo: sloSummarySchema,
  /** Step by step; null: no events. `left` is the budget at the end of each. */
  series: z.object({
    startMs: z.number(),
    stepMs: z.number(),
    total: z.array(z.number().nullable()),
    bad: z.array(z.number().nullable()),
    left: z.array(z.number().nullable()),
    query: reproduced,
  }),
  windows: z.array(windowSchema),
  /** When it burned faster than it may, the costliest first. */
  burns: z.array(z.object({ startMs: z.number(), endMs: z.number(), share: z.number() })),
  consumers: z.object({
    incidents: z.array(
      z.object({ id: z.string(), title: z.string(), startMs: z.number(), endMs: z.number(), isOpen: z.boolean(), ...consumed }),
    ),
    changes: z.array(
      z.object({
        atMs: z.number(),
        kind: z.string(),
        service: z.string(),
        from: z.string(),
        to: z.string(),
        untilMs: z.number(),
        ...consumed,
      }),
    ),
    /** Where bad requests failed, or spent their time: services and their operations. */
    places: z.array(z.object({ service: z.string(), operation: z.string(), ...consumed })),
    /** Values of labels or attributes with the most bad events of the burning times. */
    labels: z.array(z.object({ key: z.string(), value: z.string(), total: z.number().nullable(), ...consumed })),
  }),
  /** What could not be looked at, a sentence each. */
  notes: z.array(z.string()),
  /** The file it is in, as Sloth reads it, when it was made on the page; else ''. */
  text: z.string(),
  /** Prometheus' rules it becomes, a rule file. */
  rules: z.string(),
});
export type SloDetail = z.infer<typeof sloDetailSchema>;

export const sloCandidatesSchema = z.object({
  services: z.array(
    z.object({
      service: z.string(),
      requests: z.number(),
      errors: z.number(),
      p95Ms: z.number(),
      operations: z.array(z.object({ operation: z.string(), requests: z.number(), errors: z.number(), p95Ms: z.number() })),
    }),
  ),
  query: z.string(),
});
export type SloCandidates = z.infer<typeof sloCandidatesSchema>;

export const newSloSchema = z.object({
  service: z.string().min(1).max(200),
  /** '': all of them. */
  operation: z.string().max(500).default(''),
  kind: z.enum(['errors', 'latency']),
  /** Of latency. */
  thresholdMs: z.number().positive().max(3_600_000).optional(),
  /** Percent. */
  target: z.number().gt(0).lt(100),
});
export type NewSlo = z.infer<typeof newSloSchema>;
