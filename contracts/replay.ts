import { z } from 'zod';

/**
 * The replay lab: rules over a stored window, as the live evaluation would have had them, through routes and silences, beside incidents.
 *
 * POST /console/replay {start,end,rules?,...}  -> replayAnswer; with "Accept: application/x-ndjson" lines {"progress":0.4} come before
 *                                                the last one, {"answer":...} or {"error":{code,message}}
 * Times: Unix milliseconds; the window is [start, end).
 */
export const NDJSON = 'application/x-ndjson';
export const REPLAY_LIMITS = {
  rules: 1_000,
  /** Of all rules together. */
  evaluations: 20_000_000,
  variants: 200,
  /** Samples recorded by rules that others read. */
  outputs: 20_000_000,
  /** Times an alert begins, fires or ends. */
  episodes: 300_000,
  /** Alerts looked at in all turns of all groups, of one variant. */
  turns: 2_000_000,
  variantTurns: 50_000,
  /** Of one variant: what fires oftener is told up to there. */
  variantFirings: 5_000,
  timeoutMs: 120_000,
  atOnce: 2,
  /** What the answer shows of the alerts and pages there are. */
  shownEpisodes: 1_000,
  shownPages: 500,
  shownLanes: 60,
  shownStretches: 400,
} as const;
const unixMs = z.number().min(0).max(9_000_000_000_000);
const title = z.string().max(200);
const seconds = z.array(z.number().min(0).max(31_536_000)).max(REPLAY_LIMITS.variants);

export const sweepSchema = z.strictObject({
  /** The alert whose rule is varied; absent: the only one there is. */
  alert: title.optional(),
  /** In place of the first number something is compared with. */
  thresholds: z.array(z.number()).max(REPLAY_LIMITS.variants).optional(),
  forSeconds: seconds.optional(),
  /** Of keep_firing_for. */
  keepSeconds: seconds.optional(),
});
export const replayBodySchema = z
  .strictObject({
    start: unixMs,
    end: unixMs,
    /** A rule file; absent: the rules that are evaluated now. */
    rules: z.string().max(800_000).optional(),
    /** Of those only this alert, or this group. */
    alert: title.optional(),
    group: title.optional(),
    /** For groups that say none; absent: as live. */
    intervalSeconds: z.number().min(1).max(86_400).optional(),
    /** What should have been paged, beside the incidents on record. */
    truths: z
      .array(z.strictObject({ title, start: unixMs, end: unixMs }))
      .max(500)
      .optional(),
    /** An alertmanager.yml to send by; absent: the one in force. */
    alertmanager: z.string().max(800_000).optional(),
    /** Silences there were and are keep alerts back; false: none does. */
    silences: z.boolean().optional(),
    /** Incidents on record are compared with; false: only what is given. */
    incidents: z.boolean().optional(),
    sweep: sweepSchema.optional(),
  })
  .refine(({ start, end }) => start < end, { error: 'start must be before end', path: ['start'] });
export type ReplayBody = z.infer<typeof replayBodySchema>;

const labels = z.record(z.string(), z.string());
export const replayedRuleSchema = z.object({
  group: z.string(),
  name: z.string(),
  kind: z.enum(['alerting', 'recording']),
  expr: z.string(),
  forSeconds: z.number(),
  intervalSeconds: z.number(),
  /** The number a sweep varies; null: there is none. */
  threshold: z.number().nullable(),
  comparison: z.string(),
  /** What is compared with it, as PromQL; '': the comparison is inside of something. */
  compared: z.string(),
  evaluations: z.number(),
  failures: z.number(),
  lastError: z.string(),
  /** Why it was evaluated one time after the other; '': for all times at once. */
  stepwise: z.string(),
  alerts: z.number(),
  firings: z.number(),
  /** Were pending, and never fired. */
  neverFired: z.number(),
  firingMs: z.number(),
  longestMs: z.number(),
});
export type ReplayedRule = z.infer<typeof replayedRuleSchema>;

export const episodeSchema = z.object({
  /** Index of `rules`. */
  rule: z.number(),
  labels,
  annotations: labels,
  activeMs: z.number(),
  firedMs: z.number(),
  /** null: it goes on. */
  endedMs: z.number().nullable(),
  /** null: not a number, or infinite. */
  value: z.number().nullable(),
});
export type ReplayedEpisode = z.infer<typeof episodeSchema>;

export const pageSchema = z.object({
  atMs: z.number(),
  receiver: z.string(),
  groupLabels: labels,
  reason: z.enum(['first', 'new', 'resolved', 'repeat']),
  firing: z.number(),
  resolved: z.number(),
  /** Alerts told to fire, the first ones. */
  alerts: z.array(labels),
});
export type ReplayedPage = z.infer<typeof pageSchema>;

export const troubleSchema = z.object({
  /** Of an incident; '': given with the question. */
  id: z.string(),
  title: z.string(),
  startMs: z.number(),
  noticedMs: z.number().nullable(),
  endMs: z.number().nullable(),
});
export const caughtSchema = z.object({
  trouble: troubleSchema,
  /** already: something fired since before, and nothing new rang. */
  verdict: z.enum(['caught', 'missed', 'already']),
  pageMs: z.number().nullable(),
  delayMs: z.number().nullable(),
  /** Before it was noticed then; negative: later. */
  earlierMs: z.number().nullable(),
});
export type ReplayCaught = z.infer<typeof caughtSchema>;

const judgedFields = {
  /** Times somebody is rung: first, new and repeated notifications. */
  pages: z.number(),
  falsePages: z.number(),
  pagesPerWeek: z.number(),
  falsePerWeek: z.number(),
  caught: z.number(),
  missed: z.number(),
  /** Mean; what is missed counts with its whole length. null: there was no trouble. */
  delayMs: z.number().nullable(),
};
export const judgedSchema = z.object({ ...judgedFields, each: z.array(caughtSchema) });
export const variantSchema = z.object({
  ...judgedFields,
  /** null: as written. */
  threshold: z.number().nullable(),
  forSeconds: z.number(),
  keepSeconds: z.number(),
  alerts: z.number(),
  firings: z.number(),
  firingMs: z.number(),
  /** No other variant is both faster and less noisy. */
  isFront: z.boolean(),
  /** It fires too often: figures count a part of the window. */
  isCut: z.boolean(),
  /** From, to, from, to ... of anything that fires; the first ones. */
  firing: z.array(z.number()),
  /** When somebody is rung; the first ones. */
  rings: z.array(z.number()),
  verdicts: z.array(z.object({ verdict: caughtSchema.shape.verdict, earlierMs: z.number().nullable(), delayMs: z.number().nullable() })),
});
export type ReplayVariant = z.infer<typeof variantSchema>;

export const replayAnswerSchema = z.object({
  startMs: z.number(),
  endMs: z.number(),
  /** First evaluation: before the window, so that what was pending then is known. */
  warmMs: z.number(),
  rules: z.array(replayedRuleSchema),
  problems: z.array(z.string()),
  episodes: z.array(episodeSchema),
  /** All there are; `episodes` are the first ones. */
  episodeCount: z.number(),
  pages: z.array(pageSchema),
  pageCount: z.number(),
  receivers: z.array(z.object({ receiver: z.string(), pages: z.number() })),
  /** Alerts that were kept back at some time, by what. */
  heldBack: z.array(z.object({ by: z.string(), id: z.string(), alerts: z.number() })),
  /** Pages are told up to here; null: all. */
  cutMs: z.number().nullable(),
  judged: judgedSchema,
  troubles: z.array(troubleSchema),
  /** Of the rule that is varied. */
  sweep: z
    .object({
      rule: z.number(),
      comparison: z.string(),
      thresholds: z.array(z.number()),
      forSeconds: z.array(z.number()),
      keepSeconds: z.array(z.number()),
      variants: z.array(variantSchema),
    })
    .nullable(),
  cost: z.object({ samples: z.number(), evaluations: z.number(), ms: z.number() }),
});
export type ReplayAnswer = z.infer<typeof replayAnswerSchema>;
