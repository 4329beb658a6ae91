import { z } from 'zod';
import { partsOf, SOURCE_NAME } from './limited-source.ts';

/**
 * Hard limits by source, of the configuration (`limits.sources`) and of the Volume page. The collector enforces rates and bytes, before
 * it acknowledges; the engine enforces series, which are known when a body is decoded. Shapes of the API, all under /console:
 *
 * GET    /console/volume/limits                        -> sourceLimitsAnswer
 * POST   /console/volume/limits {name,limit}           -> sourceLimitsAnswer; sets the limit of that name
 * POST   /console/volume/limits/remove {name}          -> sourceLimitsAnswer
 *
 * A name is a source as the Sources page writes it, `*` stands for any characters: "otlp-http", "scrape:node:*". With " service=NAME"
 * behind it, it is about a service of that source: of series their own, of bytes the first one a body names. Each source, or service of
 * one, that a name fits is counted by itself; where several names fit, each holds.
 */
export const sourceLimitSchema = z
  .strictObject({
    /** Ten seconds of it may come at once. Not with a service. */
    itemsPerSecond: z.number().positive().optional(),
    /** Series with a point that arrived on the UTC day. */
    maxSeries: z.number().int().positive().max(1e9).optional(),
    /** Bytes of bodies as the journal keeps them (compressed as sent; JSON and other protocols as OTLP protobuf) of the UTC day. */
    maxBytesPerDay: z.number().int().positive().max(1e15).optional(),
  })
  .refine((limit) => Object.values(limit).some((value) => value !== undefined), {
    error: 'needs one of itemsPerSecond, maxSeries, maxBytesPerDay',
  });
export type SourceLimit = z.infer<typeof sourceLimitSchema>;
export const sourceNameSchema = z.string().trim().min(1).max(500).regex(SOURCE_NAME, { error: 'is a source, or "SOURCE service=NAME"' });
export const MAX_SOURCE_LIMITS = 100;
export const sourceLimitsSchema = z
  .record(sourceNameSchema, sourceLimitSchema)
  .refine((limits) => Object.keys(limits).length <= MAX_SOURCE_LIMITS, { error: `has at most ${MAX_SOURCE_LIMITS} names` })
  .superRefine((limits, context) => {
    for (const [name, limit] of Object.entries(limits))
      if (limit.itemsPerSecond !== undefined && partsOf(name).service !== null)
        context.addIssue({ code: 'custom', path: [name, 'itemsPerSecond'], message: 'is for a source, not for a service of one' });
  });
export type SourceLimits = z.infer<typeof sourceLimitsSchema>;

export const limitUsageSchema = z.object({
  source: z.string(),
  service: z.string().nullable(),
  /** Active today, null: not limited. */
  series: z.number().nullable(),
  bytes: z.number().nullable(),
  /** Points left out for series and requests refused for bytes, since the processes started. */
  dropped: z.number(),
  refused: z.number(),
});
export const sourceLimitsAnswerSchema = z.object({
  limits: z.array(
    z.object({
      name: z.string(),
      limit: sourceLimitSchema,
      /** Of the configuration it is changed there. */
      origin: z.enum(['console', 'configuration']),
      /** The hundred with most series and bytes. */
      usage: z.array(limitUsageSchema),
      counted: z.number(),
    }),
  ),
  /** Sources there are, for the form. */
  sources: z.array(z.string()),
  /** When the day ends, Unix milliseconds. */
  resetsMs: z.number(),
});
export type SourceLimitsAnswer = z.infer<typeof sourceLimitsAnswerSchema>;
