import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import { checkRegex, RELABEL_ACTIONS, type RelabelConfig } from './relabel.ts';

/** What we read of a prometheus.yml. Parts of it we do not act on (yet) are kept apart as warnings, never dropped silently. */
export interface PrometheusConfig {
  readonly file: string;
  readonly scrapes: readonly ScrapeConfig[];
  readonly warnings: readonly string[];
}
export interface ScrapeConfig {
  readonly job: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly sampleLimit: number;
  /** 0 = the collector's own limit. */
  readonly bodySizeLimitBytes: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: { readonly insecureSkipVerify: boolean; readonly caFile: string | null };
  readonly staticTargets: readonly { readonly targets: readonly string[]; readonly labels: Readonly<Record<string, string>> }[];
  readonly fileTargets: readonly { readonly patterns: readonly string[]; readonly refreshMs: number }[];
  readonly relabel: readonly RelabelConfig[];
  readonly metricRelabel: readonly RelabelConfig[];
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };
/** Prometheus durations: 15s, 1m30s, 1h. */
export function parseDurationMs(text: string): number | null {
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return text === '0' ? 0 : null;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) total += Number(count) * (UNIT_MS[unit as string] as number);
  return total;
}
const duration = z.string().transform((text, context) => {
  const ms = parseDurationMs(text);
  if (ms === null) context.addIssue({ code: 'custom', message: `"${text}" is not a duration such as 15s` });
  return ms ?? 0;
});
const size = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d+)(B|KB|MB|GB|KiB|MiB|GiB)?$/.exec(String(value));
  if (!match) context.addIssue({ code: 'custom', message: `"${value}" is not a size such as 10MB` });
  const power = ['B', 'K', 'M', 'G'].indexOf((match?.[2] ?? 'B')[0] as string);
  return Number(match?.[1] ?? 0) * 1024 ** power;
});
const regex = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    checkRegex(String(value));
  } catch (error) {
    context.addIssue({ code: 'custom', message: `bad regular expression: ${(error as Error).message}` });
  }
  return String(value);
});
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const relabelSchema = z
  .strictObject({
    source_labels: z.array(z.string()).default([]),
    separator: z.string().default(';'),
    regex: regex.default('(.*)'),
    modulus: z.number().int().positive().default(1),
    target_label: z.string().default(''),
    replacement: text.default('$1'),
    action: z.preprocess((v) => (typeof v === 'string' ? v.toLowerCase() : v), z.enum(RELABEL_ACTIONS)).default('replace'),
  })
  .superRefine((value, context) => {
    const needs = ['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal'];
    if (needs.includes(value.action) && value.target_label === '')
      context.addIssue({ code: 'custom', message: `action ${value.action} needs a target_label` });
  })
  .transform(
    (value): RelabelConfig => ({
      sourceLabels: value.source_labels,
      separator: value.separator,
      regex: value.regex,
      modulus: value.modulus,
      targetLabel: value.target_label,
      replacement: value.replacement,
      action: value.action,
    }),
  );
const labels = z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is not a label name'), text);
const tlsSchema = z.object({ insecure_skip_verify: z.boolean().default(false), ca_file: z.string().optional() });
const scrapeSchema = z.object({
  job_name: z.string().min(1),
  scrape_interval: duration.optional(),
  scrape_timeout: duration.optional(),
  metrics_path: z.string().default('/metrics'),
  scheme: z.enum(['http', 'https']).default('http'),
  params: z.record(z.string(), z.array(text)).default({}),
  honor_labels: z.boolean().default(false),
  honor_timestamps: z.boolean().default(true),
  sample_limit: z.number().int().nonnegative().default(0),
  body_size_limit: size.default(0),
  basic_auth: z
    .object({ username: z.string().default(''), password: z.string().optional(), password_file: z.string().optional() })
    .optional(),
  authorization: z
    .object({ type: z.string().default('Bearer'), credentials: z.string().optional(), credentials_file: z.string().optional() })
    .optional(),
  tls_config: tlsSchema.prefault({}),
  static_configs: z.array(z.strictObject({ targets: z.array(z.string()), labels: labels.default({}) })).default([]),
  file_sd_configs: z.array(z.strictObject({ files: z.array(z.string()).min(1), refresh_interval: duration.prefault('5m') })).default([]),
  relabel_configs: z.array(relabelSchema).nullable().default([]),
  metric_relabel_configs: z.array(relabelSchema).nullable().default([]),
});
const rootSchema = z.object({
  global: z
    .object({ scrape_interval: duration.prefault('1m'), scrape_timeout: duration.optional() })
    .nullable()
    .optional()
    .transform((g) => g ?? { scrape_interval: 60_000, scrape_timeout: undefined }),
  scrape_configs: z.array(scrapeSchema).nullable().default([]),
});
type RawScrape = z.infer<typeof scrapeSchema>;

/** Keys of Prometheus' own schema that this part does not act on: named once, then left alone. */
const LATER_ROOT = new Set([
  'rule_files',
  'alerting',
  'remote_write',
  'remote_read',
  'storage',
  'tracing',
  'otlp',
  'runtime',
  'scrape_config_files',
]);

const lineOf = (document: Document, counter: LineCounter, path: readonly PropertyKey[]): number => {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth) as (string | number)[], true);
    if ((isScalar(node) || isMap(node)) && node.range) return counter.linePos(node.range[0]).line;
  }
  return 1;
};

function authorization(raw: RawScrape, base: string): Record<string, string> {
  const secret = (inline: string | undefined, file: string | undefined): string =>
    inline ?? (file ? readFileSync(resolve(base, file), 'utf8').trim() : '');
  if (raw.basic_auth) {
    const { username, password, password_file } = raw.basic_auth;
    return { authorization: `Basic ${Buffer.from(`${username}:${secret(password, password_file)}`).toString('base64')}` };
  }
  if (raw.authorization) {
    return { authorization: `${raw.authorization.type} ${secret(raw.authorization.credentials, raw.authorization.credentials_file)}` };
  }
  return {};
}

function scrapeConfig(
  raw: RawScrape,
  defaults: { scrape_interval: number; scrape_timeout?: number | undefined },
  base: string,
): ScrapeConfig {
  const intervalMs = raw.scrape_interval ?? defaults.scrape_interval;
  return {
    job: raw.job_name,
    intervalMs,
    timeoutMs: Math.min(raw.scrape_timeout ?? defaults.scrape_timeout ?? 10_000, intervalMs),
    metricsPath: raw.metrics_path,
    scheme: raw.scheme,
    params: raw.params,
    honorLabels: raw.honor_labels,
    honorTimestamps: raw.honor_timestamps,
    sampleLimit: raw.sample_limit,
    bodySizeLimitBytes: raw.body_size_limit,
    headers: authorization(raw, base),
    tls: {
      insecureSkipVerify: raw.tls_config.insecure_skip_verify,
      caFile: raw.tls_config.ca_file ? resolve(base, raw.tls_config.ca_file) : null,
    },
    staticTargets: raw.static_configs,
    fileTargets: raw.file_sd_configs.map((sd) => ({ patterns: sd.files.map((f) => resolve(base, f)), refreshMs: sd.refresh_interval })),
    relabel: raw.relabel_configs ?? [],
    metricRelabel: raw.metric_relabel_configs ?? [],
  };
}

function warningsOf(root: Record<string, unknown>): string[] {
  const warnings = Object.keys(root)
    .filter((key) => LATER_ROOT.has(key))
    .map((key) => `${key} is not acted on yet`);
  const known = new Set(Object.keys(scrapeSchema.shape));
  for (const scrape of (root['scrape_configs'] as Record<string, unknown>[] | null) ?? []) {
    for (const key of Object.keys(scrape))
      if (!known.has(key)) warnings.push(`job ${String(scrape['job_name'])}: ${key} is not acted on yet`);
  }
  return warnings;
}

/** Throws FaultlineError config_invalid with "FILE:LINE path: what". */
export function parsePrometheusConfig(file: string, source: string): PrometheusConfig {
  const counter = new LineCounter();
  const document = parseDocument(source, { lineCounter: counter });
  const problem = document.errors[0];
  if (problem) throw new FaultlineError('config_invalid', `${file}:${problem.linePos?.[0].line ?? 1} ${problem.message.split('\n')[0]}`);
  const root = (document.toJS() ?? {}) as Record<string, unknown>;
  const parsed = rootSchema.safeParse(root);
  if (!parsed.success) {
    const issue = parsed.error.issues[0] as z.core.$ZodIssue;
    throw new FaultlineError(
      'config_invalid',
      `${file}:${lineOf(document, counter, issue.path)} ${issue.path.join('.')}: ${issue.message}`,
    );
  }
  const base = dirname(resolve(file));
  const scrapes = (parsed.data.scrape_configs ?? []).map((raw) => scrapeConfig(raw, parsed.data.global, base));
  const twice = scrapes.find((scrape, i) => scrapes.findIndex((other) => other.job === scrape.job) !== i);
  if (twice) throw new FaultlineError('config_invalid', `${file}: job_name ${twice.job} comes twice`);
  return { file, scrapes, warnings: warningsOf(root) };
}

export const readPrometheusConfig = (file: string): PrometheusConfig => {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    throw new FaultlineError('config_invalid', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  return parsePrometheusConfig(file, source);
};
