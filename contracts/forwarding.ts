import { z } from 'zod';

/**
 * Forwarding to a shared platform over OTLP/HTTP: what a destination is, what is told of it, and the headers by which a
 * receiving Faultline knows a repeat. Decision: docs/decisions/0006-forwarding.md.
 */
export const FORWARD_SIGNALS = ['traces', 'logs', 'metrics'] as const;
export type ForwardSignal = (typeof FORWARD_SIGNALS)[number];

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'not a header name');
// Latin-1 without control characters: what node:http would refuse later is refused here, by name.
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]{0,4096}$/, 'a header value has printable characters on one line');
/** Set by the sender itself. */
const OWN_HEADERS = ['content-type', 'content-length', 'content-encoding', 'host', 'connection', 'transfer-encoding', 'user-agent'];

/** A port is a number: else the password of "http://user:pass/word@host" would be one, and the user a host. */
const URL_FORM = /^https?:\/\/(?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:[\]]+)(?::\d{1,5})?(?:\/[^\s?#]*)?$/;
/** http(s)://HOST[:PORT][/PATH]; /v1/traces, /v1/logs and /v1/metrics are added to it. */
const destinationUrl = z
  .string()
  .max(2_000)
  .refine((text) => URL_FORM.test(text), 'not http://HOST:PORT or https://HOST:PORT with an optional path');

export const MIN_QUEUE_BYTES = 1_000_000;
export const destinationSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a name has 1 to 40 of a-z 0-9 -'),
  url: destinationUrl,
  /** Secret: kept in files of mode 0600, never logged, never answered. */
  headers: z
    .record(headerName, headerValue)
    .refine((headers) => Object.keys(headers).length <= 32, 'at most 32 headers')
    .refine(
      (headers) => !Object.keys(headers).some((name) => OWN_HEADERS.includes(name.toLowerCase())),
      'a header that is set by the sender',
    )
    .default({}),
  compression: z.enum(['gzip', 'none']).default('gzip'),
  signals: z
    .array(z.enum(FORWARD_SIGNALS))
    .min(1)
    .default([...FORWARD_SIGNALS]),
  maxQueueBytes: z
    .number()
    .int()
    .min(MIN_QUEUE_BYTES)
    .max(1024 ** 4)
    .default(1_000_000_000),
  maxQueueSeconds: z
    .number()
    .int()
    .min(60)
    .max(365 * 86_400)
    .default(86_400),
  timeoutMs: z.number().int().min(100).max(300_000).default(10_000),
});
export type Destination = z.infer<typeof destinationSchema>;

const amount = z.object({ requests: z.number(), items: z.number() });
export type Amount = z.infer<typeof amount>;
export const deadLetterSchema = z.object({
  atMs: z.number(),
  signal: z.string(),
  items: z.number(),
  /** HTTP status; 0 when the body could not be prepared. */
  status: z.number(),
  message: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

/** Counters since the destination was added; they are saved together with the position they belong to. */
export const forwardCountersSchema = z.object({
  sent: z.object({ traces: amount, logs: amount, metrics: amount }),
  /** Bodies as sent, bytes; repeats included. */
  sentBytes: z.number(),
  retries: z.number(),
  /** Items the destination said it did not take (partial_success); never sent again. */
  rejectedItems: z.number(),
  /** Refused for good, by "http_400" or "unreadable". */
  failed: z.record(z.string(), amount),
  /** Never sent, by reason code: queue_full, queue_too_old, queue_disk_full. */
  dropped: z.record(z.string(), amount),
});

export const destinationStatusSchema = z.object({
  name: z.string(),
  /**
   * idle: nothing to send; waiting: backing off after a failure, again at retryAtMs; paused: by the operator;
   * blocked: the destination refuses address or credentials, until somebody changes or resumes it.
   */
  state: z.enum(['starting', 'idle', 'sending', 'waiting', 'paused', 'blocked']),
  /** A sentence; '' when nothing is wrong. */
  error: z.string(),
  retryAtMs: z.number().nullable(),
  /** Not sent yet. Items of scrapes are not counted before they are read: a scrape counts as one. */
  queue: z.object({ requests: z.number(), items: z.number(), bytes: z.number(), oldestMs: z.number().nullable() }),
  counters: forwardCountersSchema,
  deadLetters: z.array(deadLetterSchema),
});
export type DestinationStatus = z.infer<typeof destinationStatusSchema>;

export interface ForwarderStatus {
  readonly pid: number;
  readonly startedUnixMs: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Request bytes this process has put on the wire, heads left out. */
  readonly egressBytes: number;
  readonly destinations: readonly DestinationStatus[];
}

/** What the page shows of a destination: no header value ever. */
export const destinationViewSchema = destinationStatusSchema.extend({
  url: z.string(),
  /** configuration: from flags, environment or faultline.yaml; changed there, but paused and resumed here. */
  origin: z.enum(['configuration', 'console']),
  headerNames: z.array(z.string()),
  compression: z.enum(['gzip', 'none']),
  signals: z.array(z.enum(FORWARD_SIGNALS)),
  maxQueueBytes: z.number(),
  maxQueueSeconds: z.number(),
  timeoutMs: z.number(),
});
export type DestinationView = z.infer<typeof destinationViewSchema>;
export const forwardingSchema = z.object({
  egressBytes: z.number(),
  /** State of the sending process; 'stopped' while no destination is configured. */
  process: z.enum(['starting', 'running', 'restarting', 'stopped', 'failed']),
  destinations: z.array(destinationViewSchema),
});
export type Forwarding = z.infer<typeof forwardingSchema>;
/** Answer to a test of a destination: an empty request of its first signal. */
export const destinationTestSchema = z.object({ ok: z.boolean(), status: z.number(), message: z.string(), ms: z.number() });
export type DestinationTest = z.infer<typeof destinationTestSchema>;

/** DATA/forward/destinations.json, mode 0600: written by the engine, read by the forwarder. */
export const forwardFileSchema = z.strictObject({
  version: z.literal(1),
  destinations: z.array(destinationSchema),
  /** By name, also for destinations of the configuration. `revision` grows with each resume or change: it lifts a block. */
  control: z.record(z.string(), z.strictObject({ paused: z.boolean(), revision: z.number().int() })),
});
export type ForwardFile = z.infer<typeof forwardFileSchema>;
export const NO_FORWARDING: ForwardFile = { version: 1, destinations: [], control: {} };
/** Destinations at once. */
export const MAX_DESTINATIONS = 16;

const amounts = z.object({ traces: amount, logs: amount, metrics: amount });
/** What a destination has behind it. Written as one file, so that counters and position always belong together. */
export const forwardStateSchema = z.object({
  version: z.literal(1),
  /** Everything before is sent, refused for good or dropped, and counted below. */
  position: z.number(),
  /** Of the position's segment, what lies before the position. */
  passed: amounts,
  counters: forwardCountersSchema,
  deadLetters: z.array(deadLetterSchema),
  /** Set by an answer that blocks; lifted when `revision` of the control grows beyond this one. */
  blocked: z.object({ revision: z.number(), message: z.string() }).nullable(),
});
export type ForwardState = z.infer<typeof forwardStateSchema>;

export const evictionSchema = z.object({
  sequence: z.number(),
  reason: z.enum(['queue_full', 'queue_disk_full']),
  amount: amounts,
});
/** A segment the collector had to give up although a destination had not read it. */
export type Eviction = z.infer<typeof evictionSchema>;
export const evictionsSchema = z.array(evictionSchema);
