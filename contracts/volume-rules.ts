import { z } from 'zod';

/**
 * Rules that keep telemetry out of the store, drop, sample or aggregate it, applied by the engine while it decodes: what was acknowledged
 * stays acknowledged, and forwarding sends everything. Shapes of the API, all under /console:
 *
 * GET    /console/volume/rules                          -> rulesAnswer
 * POST   /console/volume/rules {rule}                   -> rulesAnswer; adds it, or changes the one of its id
 * POST   /console/volume/rules/:id/{enable,disable}     -> rulesAnswer; DELETE /console/volume/rules/:id
 * POST   /console/volume/preview {rule,start,end}       -> rulePreview: what it would have done to the stored data of a window
 *
 * Text is matched whole; `*` stands for any characters. The first enabled rule that matches an item decides.
 */
export const RULE_SIGNALS = ['metrics', 'traces', 'logs'] as const;
export const SEVERITIES = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
const text = z.string().min(1).max(1_000);

export const labelMatchSchema = z.strictObject({
  key: text,
  /** A label that is not there is ''. */
  op: z.enum(['=', '!=']),
  value: z.string().max(1_000),
});
export const ruleMatchSchema = z.strictObject({
  /** Receiver it came by: "otlp-http", "scrape:node:10.0.0.1:9100". */
  source: text.optional(),
  service: text.optional(),
  metric: text.optional(),
  labels: z.array(labelMatchSchema).max(10).optional(),
  span: text.optional(),
  status: z.enum(['unset', 'ok', 'error']).optional(),
  severity: z.enum(SEVERITIES).optional(),
  /** Shape of a log line as the Volume page shows it (store/sql/read/expressions.ts logShape); `*` is no wildcard here. */
  pattern: text.optional(),
});
export type RuleMatch = z.infer<typeof ruleMatchSchema>;

export const ruleActionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('drop') }),
  z.strictObject({
    kind: z.literal('sample'),
    /** Spans by trace id, log records by theirs or their time: the same records every time. */
    keepOneIn: z.number().int().min(2).max(1_000_000),
    /** Spans with status error, log records of error and fatal are all kept. */
    keepErrors: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('aggregate'),
    /** Labels that go; series that are then equal become one. */
    without: z.array(text).max(20),
    /** Over the series and the interval. Counters: their increases are added up, whatever stands here. Logs: lines are counted. */
    op: z.enum(['sum', 'avg', 'last']),
    intervalSeconds: z.number().int().min(10).max(300),
  }),
]);
export type RuleAction = z.infer<typeof ruleActionSchema>;

export const MAX_RULES = 100;
const SIGNAL_FIELDS: Readonly<Record<(typeof RULE_SIGNALS)[number], readonly (keyof RuleMatch)[]>> = {
  metrics: ['source', 'service', 'metric', 'labels'],
  traces: ['source', 'service', 'span', 'status'],
  logs: ['source', 'service', 'severity', 'pattern'],
};
const ACTIONS: Readonly<Record<(typeof RULE_SIGNALS)[number], readonly RuleAction['kind'][]>> = {
  metrics: ['drop', 'aggregate'],
  traces: ['drop', 'sample'],
  logs: ['drop', 'sample', 'aggregate'],
};
export const volumeRuleSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9-]{1,40}$/, { error: 'is 1 to 40 of a-z, 0-9 and -' }),
    name: z.string().trim().min(1).max(200),
    signal: z.enum(RULE_SIGNALS),
    match: ruleMatchSchema,
    action: ruleActionSchema,
    enabled: z.boolean(),
  })
  .superRefine(({ signal, match, action }, context) => {
    const given = Object.keys(match).filter((key) => match[key as keyof RuleMatch] !== undefined);
    const foreign = given.find((key) => !SIGNAL_FIELDS[signal].includes(key as keyof RuleMatch));
    if (foreign !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['match', foreign],
        message: `does not apply to ${signal}: ${SIGNAL_FIELDS[signal].join(', ')} do`,
      });
    if (given.length === 0)
      context.addIssue({ code: 'custom', path: ['match'], message: `needs one of ${SIGNAL_FIELDS[signal].join(', ')}` });
    if (!ACTIONS[signal].includes(action.kind))
      context.addIssue({ code: 'custom', path: ['action', 'kind'], message: `of ${signal} is ${ACTIONS[signal].join(' or ')}` });
  });
export type VolumeRule = z.infer<typeof volumeRuleSchema>;

/** What a rule did since the engine started; a replay after a restart counts again. */
export const ruleCountsSchema = z.object({
  /** Items that matched, and how many of them were not stored. */
  matched: z.number(),
  leftOut: z.number(),
  /** Rows stored in their place (aggregate). */
  written: z.number(),
  lastMs: z.number().nullable(),
});
export type RuleCounts = z.infer<typeof ruleCountsSchema>;
export const ruleViewSchema = z.object({ rule: volumeRuleSchema, changedMs: z.number(), counts: ruleCountsSchema });
export const rulesAnswerSchema = z.object({
  rules: z.array(ruleViewSchema),
  /** Newest first. */
  audit: z.array(z.object({ atMs: z.number(), did: z.enum(['add', 'change', 'enable', 'disable', 'remove']), rule: volumeRuleSchema })),
});
export type RulesAnswer = z.infer<typeof rulesAnswerSchema>;

export const rulePreviewSchema = z.object({
  start: z.number(),
  end: z.number(),
  /** Items of the window that match, how many of them the rule would not have stored, and what it would have stored in their place. */
  matched: z.number(),
  leftOut: z.number(),
  written: z.number(),
  bytesSaved: z.number(),
  /** Share of the signal's rows in the window that would be gone. */
  share: z.number(),
  /** Series that match and that would be left; null: no metrics. */
  seriesBefore: z.number().nullable(),
  seriesAfter: z.number().nullable(),
  /** false: it names a source, which stored rows know by their resource only. */
  exact: z.boolean(),
  examples: z.array(z.object({ time: z.string(), service: z.string(), what: z.string() })),
  /** Incidents of the window with rows of their services among those left out. */
  incidents: z.array(z.object({ id: z.string(), title: z.string(), rows: z.number() })),
  query: z.string(),
});
export type RulePreview = z.infer<typeof rulePreviewSchema>;

/** A sampled span says so in its tracestate: "fl=n:10" stands for ten. Twelve characters at most: kept within the cell. */
export const SAMPLED_KEY = 'fl=n:';
/** What is kept one in N times: a 32-bit number below this. */
export const keepBelow = (keepOneIn: number): number => Math.floor(2 ** 32 / keepOneIn);
/** Spreads 32-bit numbers that count up (Fibonacci hashing); the same in SQL: (x * SPREAD) & 4294967295. */
export const SPREAD = 2_654_435_761;
export const spread = (x: number): number => Math.imul(x, SPREAD) >>> 0;
