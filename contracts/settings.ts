import { z } from 'zod';
import { type Destination, destinationSchema, FORWARD_SIGNALS } from './forwarding.ts';
import type { ListenerKey } from './listeners.ts';
import { type ReceiverAdditions, receiverAdditionsSchema } from './receiver-additions.ts';
import { sourceLimitsSchema } from './source-limits.ts';
import { tailConfigSchema } from './tail-config.ts';
import { TAIL_FORMATS, type TailSettings } from './tailing.ts';

/** Every limit of the receivers, with its default. Refusals are counted by reason (reasons.ts). */
export const limitsSchema = z
  .strictObject({
    maxBodyBytes: z
      .number()
      .int()
      .positive()
      .default(16 * 1024 * 1024)
      .describe('request body as sent, bytes'),
    maxDecompressedBytes: z
      .number()
      .int()
      .positive()
      .default(64 * 1024 * 1024)
      .describe('request body after decompression, bytes'),
    maxInFlightBytes: z
      .number()
      .int()
      .positive()
      .default(256 * 1024 * 1024)
      .describe('bodies held at once, bytes'),
    maxDepth: z.number().int().positive().default(32).describe('nesting of attribute values'),
    maxAttributes: z.number().int().positive().default(256).describe('attributes per item'),
    maxAttributeBytes: z
      .number()
      .int()
      .positive()
      .default(64 * 1024)
      .describe('one attribute value or body, bytes'),
    maxSeries: z.number().int().positive().default(1_000_000).describe('metric series in the dictionary'),
    maxScrapeBytes: z
      .number()
      .int()
      .positive()
      .default(64 * 1024 * 1024)
      .describe('one exposition, bytes'),
    journalMaxBytes: z
      .number()
      .int()
      .positive()
      .default(4 * 1024 ** 3)
      .describe('journal not yet stored, bytes'),
    diskReserveBytes: z
      .number()
      .int()
      .nonnegative()
      .default(512 * 1024 * 1024)
      .describe('free disk below which receiving stops'),
    maxEngineBytes: z
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('memory of the engine at which SQL queries are stopped, bytes; 0: from the size of the machine'),
    maxModelBytes: z
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('memory of the local model at which its process is ended, bytes; 0: half of the machine'),
    modelIdleSeconds: z
      .number()
      .int()
      .positive()
      .default(300)
      .describe('the process of the local model is ended this long after its last question'),
    forwardKeepBytes: z
      .number()
      .int()
      .nonnegative()
      .default(8 * 1024 ** 3)
      .describe('journal kept only for forwarding, bytes; the oldest is dropped first, also when the disk is down to its reserve'),
    sources: sourceLimitsSchema
      .default({})
      .describe(
        'hard limits by source: `otlp-http: { itemsPerSecond: 5000, maxSeries: 100000, maxBytesPerDay: 5000000000 }`, also `"scrape:*"` and `otlp-grpc service=cart` (no rate); counted `source_rate`, `source_series`, `source_bytes`',
      ),
    corsOrigins: z.array(z.string()).default([]).describe('web origins that may send telemetry'),
  })
  .prefault({});
export type Limits = z.infer<typeof limitsSchema>;

/** "sync": fdatasync before the answer. A number: fdatasync every so many milliseconds. "none": the OS decides. */
export type Durability = 'sync' | 'none' | { readonly intervalMs: number };

/** Prometheus' `otlp.translation_strategy`. */
export const OTLP_TRANSLATIONS = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;
/** How series of OTLP are called in PromQL. */
export interface OtlpNaming {
  readonly translation: (typeof OTLP_TRANSLATIONS)[number];
  /** Resource attributes on every series. */
  readonly promote: readonly string[] | 'all';
}

/** What speaks HTTP/2 on the OTLP/gRPC port. "grpc-js": the library's own server, should a client not get on with ours. */
export const GRPC_SERVERS = ['http2', 'grpc-js'] as const;
export type GrpcServerName = (typeof GRPC_SERVERS)[number];

/** One entry of `forward` in faultline.yaml. */
export const forwardConfigSchema = z.strictObject({
  url: destinationSchema.shape.url,
  name: destinationSchema.shape.name.optional(),
  headers: z.record(z.string(), z.string()).optional().describe('name: value; better in a file or variable'),
  headersFile: z.string().optional().describe('file with one "Name: value" a line'),
  headersEnv: z.string().optional().describe('variable with NAME=VALUE,NAME=VALUE'),
  compression: z.enum(['gzip', 'none']).optional(),
  signals: z.array(z.enum(FORWARD_SIGNALS)).min(1).optional(),
  maxQueue: z.string().optional().describe('bytes waiting at most: 1GB'),
  maxAge: z.string().optional().describe('age of what waits at most: 24h'),
  timeout: z.string().optional().describe('for one request: 10s'),
});
export type ForwardConfig = z.infer<typeof forwardConfigSchema>;

/** faultline.yaml; the same keys as `serve` flags (kebab-case there) and FAULTLINE_... variables. */
export const configSchema = z.strictObject({
  data: z.string().optional().describe('data folder'),
  api: z.string().default('127.0.0.1:4400').describe('console and API, HOST:PORT'),
  ingest: z.string().default('127.0.0.1:4318').describe('OTLP/HTTP, HOST:PORT'),
  otlpGrpc: z.string().default('127.0.0.1:4317').describe('OTLP/gRPC, HOST:PORT'),
  otlpGrpcServer: z.string().default('http2').describe('what serves OTLP/gRPC: http2, or grpc-js for clients it does not suit'),
  syslog: z.string().optional().describe('syslog by UDP and TCP, HOST:PORT (default: off)'),
  syslogTls: z.string().optional().describe('syslog by TLS, HOST:PORT (default: off); needs tlsCert and tlsKey'),
  syslogTimeZone: z.string().default('local').describe('zone of RFC 3164 times, which have none: local, or a name such as Europe/Berlin'),
  fluent: z.string().optional().describe('Fluent Forward by TCP (Fluentd, Fluent Bit), HOST:PORT (default: off)'),
  fluentTls: z.string().optional().describe('Fluent Forward by TLS, HOST:PORT (default: off); needs tlsCert and tlsKey'),
  fluentSharedKey: z
    .string()
    .min(1)
    .optional()
    .describe('shared key that senders of Fluent Forward must have; better in the file or a variable'),
  statsd: z.string().optional().describe('StatsD and DogStatsD by UDP and TCP, HOST:PORT (default: off)'),
  statsdFlush: z.string().default('10s').describe('how often what came by StatsD becomes points: 1s to 10m'),
  tlsCert: z.string().optional().describe('certificate of the listeners with TLS, PEM file'),
  tlsKey: z.string().optional().describe('its private key, PEM file'),
  prometheusConfig: z.string().optional().describe('prometheus.yml to scrape by'),
  rules: z.string().optional().describe('Prometheus rule files to evaluate, a glob; those of `prometheusConfig` are evaluated too'),
  alertmanagerConfig: z
    .string()
    .optional()
    .describe('alertmanager.yml to notify by: routes, receivers, inhibition, mute times (default: one route to the desktop)'),
  receivers: receiverAdditionsSchema
    .optional()
    .describe(
      'what receivers of `alertmanagerConfig` do beside, by name: `ops: { desktop: true, sound: true, syslog: tcp://127.0.0.1:514 }`, so that Alertmanager can load the same file',
    ),
  alertmanagers: z
    .string()
    .optional()
    .describe('Alertmanagers that alerts of rules are sent to as well: addresses, separated by commas; those of `prometheusConfig` too'),
  slo: z
    .string()
    .optional()
    .describe('files of service level objectives (Sloth, OpenSLO) to evaluate, a glob; those made on the page are too'),
  sloPeriod: z.string().default('30d').describe("period of Sloth's objectives: 30d, 28d or 7d"),
  otlpTranslation: z
    .string()
    .default('UnderscoreEscapingWithSuffixes')
    .describe("names of OTLP metrics and attributes in PromQL, by Prometheus' word for them (`translation_strategy`)"),
  otlpPromote: z
    .string()
    .default('service.version,deployment.environment.name')
    .describe('resource attributes that are labels of every series of OTLP in PromQL: keys, separated by commas; all, none'),
  retention: z.string().default('7d').describe('how long telemetry is kept: 36h, 7d, off'),
  maxSize: z.string().default('20GB').describe('size of the store at which the oldest days go: 500MB, 20GB'),
  compaction: z.string().default('on').describe('whether stored samples become blocks per series: on, off'),
  durability: z.string().default('sync').describe('sync, an interval such as 100ms, or none'),
  forward: z
    .union([z.string(), z.array(forwardConfigSchema)])
    .optional()
    .describe('OTLP/HTTP addresses everything is sent on to, separated by commas; in the file also a list with more'),
  forwardHeadersFile: z.string().optional().describe('headers for `forward` addresses, one "Name: value" a line'),
  tail: z
    .union([z.string(), z.array(z.union([z.string(), tailConfigSchema]))])
    .optional()
    .describe('files to read as they grow: a glob, or a list of globs or of entries with more'),
  tailFormat: z.enum(TAIL_FORMATS).optional().describe('format of `tail` entries that name none'),
  tailMultiline: z.string().min(1).optional().describe('multiline of `tail` entries that name none'),
  tailService: z.string().optional().describe('service of `tail` entries that name none'),
  hostMetrics: z.union([z.boolean(), z.string()]).default(false).describe('measure this machine: true (every 15s), or how often: 5s, 1m'),
  demo: z.union([z.boolean(), z.string()]).default(false).describe('start the demo shop, with a scenario name or the default'),
  token: z.string().min(16).optional().describe('API token; generated when absent'),
  ui: z.boolean().default(true).describe('serve the console'),
  limits: limitsSchema,
});
export type Config = z.infer<typeof configSchema>;

/** Settings after parsing: what the code passes on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}
/** null = off. */
export interface Listeners extends Readonly<Record<ListenerKey, Address | null>> {
  /** IANA name; '' = the zone of this machine. */
  readonly syslogTimeZone: string;
  readonly fluentSharedKey: string | null;
  readonly statsdFlushMs: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}
export interface Settings {
  readonly dataDir: string;
  readonly api: Address;
  readonly ingest: Address;
  readonly otlpGrpc: Address;
  readonly otlpGrpcServer: GrpcServerName;
  /** Absent: none. */
  readonly listeners?: Listeners;
  readonly prometheusConfig: string | null;
  /** Glob of rule files; absent or null: none. */
  readonly rules?: string | null;
  /** Absent or null: one route to the desktop. */
  readonly alertmanagerConfig?: string | null;
  readonly receivers?: ReceiverAdditions;
  /** Addresses of Alertmanagers. */
  readonly alertmanagers?: readonly string[];
  /** Glob of files of objectives; absent or null: none. */
  readonly slo?: string | null;
  /** Absent: 30 days. */
  readonly sloPeriodMs?: number;
  /** Absent: Prometheus' own names, service.version and deployment.environment.name on every series. */
  readonly otlpNaming?: OtlpNaming;
  /** A console of one command looks at the past only: rules are loaded, and not evaluated. */
  readonly evaluatesRules?: boolean;
  /** 0 = off. */
  readonly retentionSeconds: number;
  readonly maxSizeBytes: number;
  readonly durability: Durability;
  /** Absent: on. */
  readonly compaction?: boolean;
  /** Destinations of the configuration; the page may add others (DATA/forward/destinations.json). */
  readonly forward: readonly Destination[];
  /** Absent: none. */
  readonly tails?: readonly TailSettings[];
  /** How often this machine is measured; absent: not at all. */
  readonly hostMetricsMs?: number;
  readonly demo: string | null;
  readonly token: string;
  readonly ui: boolean;
  readonly limits: Limits;
}
