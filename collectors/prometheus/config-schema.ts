import { isIP } from 'node:net';
import { z } from 'zod';
import { HARMLESS_GLOBAL, HARMLESS_ROOT, HARMLESS_SCRAPE, LATER_GLOBAL, LATER_ROOT, LATER_SCRAPE } from './config-keys.ts';
import { HTTP_CLIENT_SHAPE, judgeHttpClient } from './http-client-config.ts';
import { judgeRelabel, RELABEL_ACTIONS, type RelabelConfig } from './relabel.ts';
import { SCRAPE_PROTOCOLS, scrapeProtocolsSchema } from './scrape-protocols.ts';

/** The keys of a prometheus.yml, with the values Prometheus takes. What it refuses is refused here. */

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };
/** Prometheus durations: 15s, 1m30s, 1h. */
export function parseDurationMs(text: string): number | null {
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return text === '0' ? 0 : null;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) total += Number(count) * (UNIT_MS[unit as string] as number);
  return total;
}
const duration = z.string().transform((written, context) => {
  const ms = parseDurationMs(written);
  if (ms === null) context.addIssue({ code: 'custom', message: `"${written}" is not a duration such as 15s` });
  return ms ?? 0;
});
const positiveDuration = (fallback: string) => duration.prefault(fallback).refine((ms) => ms > 0, 'must be longer than nothing');
const size = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d+)(B|KB|MB|GB|KiB|MiB|GiB)?$/.exec(String(value));
  if (!match) context.addIssue({ code: 'custom', message: `"${value}" is not a size such as 10MB` });
  const power = ['B', 'K', 'M', 'G'].indexOf((match?.[2] ?? 'B')[0] as string);
  return Number(match?.[1] ?? 0) * 1024 ** power;
});
const count = z.number().int().nonnegative();
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const later = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, z.unknown().optional()]));

export const relabelSchema = z
  .strictObject({
    source_labels: z.array(z.string()).optional(),
    separator: z.string().default(';'),
    regex: text.default('(.*)'),
    modulus: z.number().int().nonnegative().default(0),
    target_label: z.string().default(''),
    replacement: text.default('$1'),
    action: z.preprocess((v) => (typeof v === 'string' ? v.toLowerCase() : v), z.enum(RELABEL_ACTIONS)).default('replace'),
  })
  .transform((value, context): RelabelConfig => {
    const config: RelabelConfig = {
      sourceLabels: value.source_labels ?? [],
      separator: value.separator,
      regex: value.regex,
      modulus: value.modulus,
      targetLabel: value.target_label,
      replacement: value.replacement,
      action: value.action,
    };
    const problem = judgeRelabel(config);
    if (problem !== '') context.addIssue({ code: 'custom', message: problem });
    return config;
  });
const relabels = z.array(relabelSchema).nullable().default([]);
const labels = z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is not a label name'), text);

const FILE_PATTERN = /^[^*]*(?:\*[^/]*)?\.(?:json|yml|yaml|JSON|YML|YAML)$/;
const fileSdSchema = z.strictObject({
  files: z.array(z.string().regex(FILE_PATTERN, 'is not a .json, .yml or .yaml file with at most one * in its last part')).min(1),
  refresh_interval: positiveDuration('5m'),
});
const httpSdSchema = z
  .strictObject({
    url: z.string().refine((url) => URL.canParse(url) && /^https?:\/\/[^/]/.test(url), 'is not an http:// or https:// address'),
    refresh_interval: positiveDuration('1m'),
    ...HTTP_CLIENT_SHAPE,
    ...later(['enable_http2', 'oauth2']),
  })
  .superRefine((value, context) => {
    const problem = judgeHttpClient(value);
    if (problem !== '') context.addIssue({ code: 'custom', message: problem });
  });
export const DNS_TYPES = ['SRV', 'A', 'AAAA', 'MX', 'NS'] as const;
const dnsSdSchema = z
  .strictObject({
    names: z.array(z.string().min(1)).min(1, 'a DNS-SD config must have at least one name'),
    refresh_interval: positiveDuration('30s'),
    type: z.preprocess((v) => (typeof v === 'string' ? v.toUpperCase() : v), z.enum(DNS_TYPES)).default('SRV'),
    port: z.number().int().min(0).max(65_535).default(0),
  })
  .refine(({ type, port }) => type === 'SRV' || port > 0, 'a port is required for all record types except SRV');

/** Limits and choices that stand under `global` for all jobs and in a job for itself. */
const shared = {
  body_size_limit: size.optional(),
  sample_limit: count.optional(),
  target_limit: count.optional(),
  label_limit: count.optional(),
  label_name_length_limit: count.optional(),
  label_value_length_limit: count.optional(),
  scrape_protocols: scrapeProtocolsSchema.optional(),
  scrape_native_histograms: z.boolean().optional(),
  always_scrape_classic_histograms: z.boolean().optional(),
};
const address = z.string().refine((host) => !host.includes('/') || isIP(host) > 0, 'is not a host:port, but an address with a path');
export const scrapeSchema = z
  .strictObject({
    job_name: z.string().min(1),
    scrape_interval: duration.optional(),
    scrape_timeout: duration.optional(),
    metrics_path: z.string().default('/metrics'),
    scheme: z.enum(['http', 'https']).default('http'),
    params: z.record(z.string(), z.array(text)).default({}),
    honor_labels: z.boolean().default(false),
    honor_timestamps: z.boolean().default(true),
    track_timestamps_staleness: z.boolean().default(false),
    enable_compression: z.boolean().default(true),
    fallback_scrape_protocol: z.enum(SCRAPE_PROTOCOLS).optional(),
    scrape_classic_histograms: z.boolean().optional(),
    ...shared,
    ...HTTP_CLIENT_SHAPE,
    static_configs: z
      .array(z.strictObject({ targets: z.array(address).default([]), labels: labels.nullable().default({}) }))
      .nullable()
      .default([]),
    file_sd_configs: z.array(fileSdSchema).nullable().default([]),
    http_sd_configs: z.array(httpSdSchema).nullable().default([]),
    dns_sd_configs: z.array(dnsSdSchema).nullable().default([]),
    relabel_configs: relabels,
    metric_relabel_configs: relabels,
    ...later([...HARMLESS_SCRAPE, ...LATER_SCRAPE]),
  })
  .superRefine((value, context) => {
    const problem = judgeHttpClient(value);
    if (problem !== '') context.addIssue({ code: 'custom', message: problem });
  });
const globalSchema = z.strictObject({
  scrape_interval: duration.optional(),
  scrape_timeout: duration.optional(),
  ...shared,
  ...later([...HARMLESS_GLOBAL, ...LATER_GLOBAL]),
});
export const rootSchema = z.strictObject({
  global: globalSchema.nullish().transform((value) => value ?? ({} as z.infer<typeof globalSchema>)),
  scrape_configs: z.array(scrapeSchema).nullable().default([]),
  ...later([...HARMLESS_ROOT, ...LATER_ROOT]),
});
export type RawScrape = z.infer<typeof scrapeSchema>;
export type RawGlobal = z.infer<typeof globalSchema>;
/** Keys known at a place, for the sentence about one that is not. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = rootSchema;
  for (const step of [...path, null]) {
    for (;;) {
      const { def } = schema as { def?: { innerType?: unknown; in?: unknown } };
      const inner = def?.innerType ?? def?.in;
      if (inner === undefined) break;
      schema = inner;
    }
    if (step === null) break;
    const { def } = schema as { def?: { shape?: Record<string, unknown>; element?: unknown; valueType?: unknown } };
    schema = typeof step === 'number' ? def?.element : (def?.shape?.[String(step)] ?? def?.valueType);
    if (schema === undefined) return [];
  }
  const shape = (schema as { def?: { shape?: Record<string, unknown> } }).def?.shape;
  return shape ? Object.keys(shape) : [];
}
