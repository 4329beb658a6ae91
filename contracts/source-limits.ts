import { z } from 'zod';
import { globOf } from './volume-rules.ts';

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
const NAME = /^(\S.*?)(?: service=(.+))?$/s;
export const sourceNameSchema = z.string().trim().min(1).max(500).regex(NAME, { error: 'is a source, or "SOURCE service=NAME"' });
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

/** The two halves of a name; service null: all of the source. */
export function partsOf(name: string): { readonly source: string; readonly service: string | null } {
  const [, source = name, service = null] = NAME.exec(name) ?? [];
  return { source, service };
}
export interface CompiledLimit {
  readonly name: string;
  readonly limit: SourceLimit;
  readonly ofService: boolean;
  readonly source: (source: string) => boolean;
  readonly service: (service: string) => boolean;
}
export const compileLimits = (limits: SourceLimits): CompiledLimit[] =>
  Object.entries(limits).map(([name, limit]) => {
    const { source, service } = partsOf(name);
    const [bySource, byService] = [globOf(source), service === null ? null : globOf(service)];
    return {
      ...{ name, limit, ofService: service !== null },
      source: (text) => bySource.test(text),
      service: (text) => byService === null || byService.test(text),
    };
  });
/** What is counted by itself under a name. */
export interface LimitedSource {
  readonly name: string;
  readonly source: string;
  /** null: all of the source. */
  readonly service: string | null;
}
export const keyOf = ({ name, source, service }: LimitedSource): string => `${name}\n${source}\n${service ?? ''}`;
/** Names are the senders' own: services (and sources) beyond so many share one count, which is one more. */
export const MAX_COUNTED = 10_000;
export const OTHER_SOURCES = '<others>';
/** UTC day, "2026-11-21". */
export const dayOf = (unixMs: number): string => new Date(unixMs).toISOString().slice(0, 10);
export const DAY_MS = 86_400_000;

/** Bytes of today, told by the collector. */
export interface SourceBytes extends LimitedSource {
  readonly bytes: number;
  /** Requests, scrapes or batches refused since the process started. */
  readonly refused: number;
}
/** DATA/source-limits.json: limits in force, written by the engine for the collector, which starts without it. */
export const SOURCE_LIMITS_FILE = 'source-limits.json';
/** DATA/source-bytes.json, of the collector. */
export const SOURCE_BYTES_FILE = 'source-bytes.json';

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
