import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import { LATER_GLOBAL, LATER_ROOT, LATER_SCRAPE, nearestKey } from './config-keys.ts';
import { type DNS_TYPES, knownKeys, type RawGlobal, type RawScrape, rootSchema } from './config-schema.ts';
import { type HttpClientConfig, httpClientConfig } from './http-client-config.ts';
import type { RelabelConfig } from './relabel.ts';
import { defaultProtocols, type ScrapeProtocol } from './scrape-protocols.ts';

export { parseDurationMs } from './config-schema.ts';

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
  readonly trackTimestampsStaleness: boolean;
  readonly compression: boolean;
  readonly protocols: readonly ScrapeProtocol[];
  readonly fallbackProtocol: ScrapeProtocol | null;
  readonly nativeHistograms: boolean;
  /** The classic buckets too, where a histogram has both forms. */
  readonly classicHistograms: boolean;
  /** 0 = none; of the body, the collector's own limit holds. */
  readonly limits: ScrapeLimits;
  readonly client: HttpClientConfig;
  readonly staticTargets: readonly { readonly targets: readonly string[]; readonly labels: Readonly<Record<string, string>> }[];
  readonly discoveries: readonly DiscoveryConfig[];
  readonly relabel: readonly RelabelConfig[];
  readonly metricRelabel: readonly RelabelConfig[];
}
export interface ScrapeLimits {
  readonly bodyBytes: number;
  readonly samples: number;
  readonly targets: number;
  readonly labels: number;
  readonly labelNameBytes: number;
  readonly labelValueBytes: number;
}
export type DiscoveryConfig =
  | { readonly kind: 'file'; readonly patterns: readonly string[]; readonly refreshMs: number }
  | { readonly kind: 'http'; readonly url: string; readonly refreshMs: number; readonly client: HttpClientConfig }
  | {
      readonly kind: 'dns';
      readonly names: readonly string[];
      readonly type: (typeof DNS_TYPES)[number];
      readonly port: number;
      readonly refreshMs: number;
    };

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 10_000;

const lineOf = (document: Document, counter: LineCounter, path: readonly PropertyKey[], key?: string): number => {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth) as (string | number)[], true);
    const pair = key !== undefined && isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    const found = pair ? pair.key : node;
    if ((isScalar(found) || isMap(found)) && found.range) return counter.linePos(found.range[0]).line;
  }
  return 1;
};

function discoveriesOf(raw: RawScrape, base: string): DiscoveryConfig[] {
  return [
    ...(raw.file_sd_configs ?? []).map(
      (sd) => ({ kind: 'file', patterns: sd.files.map((file) => resolve(base, file)), refreshMs: sd.refresh_interval }) as const,
    ),
    ...(raw.http_sd_configs ?? []).map(
      (sd) => ({ kind: 'http', url: sd.url, refreshMs: sd.refresh_interval, client: httpClientConfig(sd, base) }) as const,
    ),
    ...(raw.dns_sd_configs ?? []).map(
      (sd) => ({ kind: 'dns', names: sd.names, type: sd.type, port: sd.port, refreshMs: sd.refresh_interval }) as const,
    ),
  ];
}
function scrapeConfig(raw: RawScrape, defaults: RawGlobal, base: string): ScrapeConfig {
  const intervalMs = raw.scrape_interval || defaults.scrape_interval || DEFAULT_INTERVAL_MS;
  const nativeHistograms = raw.scrape_native_histograms ?? defaults.scrape_native_histograms ?? false;
  const limit = (key: Exclude<keyof RawGlobal & keyof RawScrape & `${string}_limit`, symbol>): number => raw[key] || defaults[key] || 0;
  return {
    job: raw.job_name,
    intervalMs,
    timeoutMs: raw.scrape_timeout || Math.min(defaults.scrape_timeout || DEFAULT_TIMEOUT_MS, intervalMs),
    metricsPath: raw.metrics_path,
    scheme: raw.scheme,
    params: raw.params,
    honorLabels: raw.honor_labels,
    honorTimestamps: raw.honor_timestamps,
    trackTimestampsStaleness: raw.track_timestamps_staleness,
    compression: raw.enable_compression,
    protocols: raw.scrape_protocols ?? defaults.scrape_protocols ?? defaultProtocols(nativeHistograms),
    fallbackProtocol: raw.fallback_scrape_protocol ?? null,
    nativeHistograms,
    classicHistograms:
      raw.always_scrape_classic_histograms ?? raw.scrape_classic_histograms ?? defaults.always_scrape_classic_histograms ?? false,
    limits: {
      bodyBytes: limit('body_size_limit'),
      samples: limit('sample_limit'),
      targets: limit('target_limit'),
      labels: limit('label_limit'),
      labelNameBytes: limit('label_name_length_limit'),
      labelValueBytes: limit('label_value_length_limit'),
    },
    client: httpClientConfig(raw, base),
    staticTargets: (raw.static_configs ?? []).map(({ targets, labels }) => ({ targets, labels: labels ?? {} })),
    discoveries: discoveriesOf(raw, base),
    relabel: raw.relabel_configs ?? [],
    metricRelabel: raw.metric_relabel_configs ?? [],
  };
}

/** What Prometheus refuses although each key is good, as a clause; '' when nothing. */
function judgeTogether(raw: readonly RawScrape[], global: RawGlobal): string {
  const interval = global.scrape_interval || DEFAULT_INTERVAL_MS;
  if ((global.scrape_timeout ?? 0) > interval) return 'global: scrape_timeout is longer than scrape_interval';
  const jobs = new Set<string>();
  for (const scrape of raw) {
    if (jobs.has(scrape.job_name)) return `job_name ${scrape.job_name} comes twice`;
    jobs.add(scrape.job_name);
    if ((scrape.scrape_timeout ?? 0) > (scrape.scrape_interval || interval))
      return `job ${scrape.job_name}: scrape_timeout is longer than scrape_interval`;
  }
  return '';
}
function warningsOf(root: Readonly<Record<string, unknown>>): string[] {
  const among = (value: unknown, keys: readonly string[]): string[] =>
    Object.keys((value as object | null) ?? {}).filter((key) => keys.includes(key));
  const says = 'is not acted on yet';
  const warnings = among(root, LATER_ROOT).map((key) => `${key} ${says}`);
  warnings.push(...among(root['global'], LATER_GLOBAL).map((key) => `global: ${key} ${says}`));
  for (const scrape of (root['scrape_configs'] as Record<string, unknown>[] | null) ?? []) {
    const job = `job ${String(scrape['job_name'])}`;
    warnings.push(...among(scrape, LATER_SCRAPE).map((key) => `${job}: ${key} ${says}`));
    // The collector is not given the environment's proxies (child-environment.ts).
    if (scrape['proxy_from_environment'] === true) warnings.push(`${job}: proxy_from_environment ${says}: name the proxy in proxy_url`);
    const lists = (scrape['http_sd_configs'] as unknown[] | null) ?? [];
    warnings.push(...lists.flatMap((sd) => among(sd, ['oauth2'])).map((key) => `${job}: http_sd_configs: ${key} ${says}`));
  }
  return warnings;
}
function sentenceOf(issue: z.core.$ZodIssue): { readonly key?: string; readonly says: string } {
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  if (issue.code === 'invalid_key') return { says: `${where}${issue.issues[0]?.message ?? issue.message}` };
  if (issue.code !== 'unrecognized_keys') return { says: `${where}${issue.message}` };
  const key = issue.keys[0] ?? '';
  const meant = nearestKey(key, knownKeys(issue.path));
  return {
    key,
    says: `${where}"${key.slice(0, 100)}" is not a key Prometheus knows here${meant === '' ? '' : `; did you mean ${meant}?`}`,
  };
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
    const { key, says } = sentenceOf(issue);
    throw new FaultlineError('config_invalid', `${file}:${lineOf(document, counter, issue.path, key)} ${says}`);
  }
  const raw = parsed.data.scrape_configs ?? [];
  const refused = judgeTogether(raw, parsed.data.global);
  if (refused !== '') throw new FaultlineError('config_invalid', `${file}: ${refused}`);
  const base = dirname(resolve(file));
  return { file, scrapes: raw.map((scrape) => scrapeConfig(scrape, parsed.data.global, base)), warnings: warningsOf(root) };
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
