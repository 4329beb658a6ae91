/**
 * Keys of a prometheus.yml that Prometheus knows and this console does not act on: each is named once in a warning, while a
 * key that Prometheus does not know either is refused, as Prometheus refuses it.
 * Source: prometheus.io/docs/prometheus/latest/configuration/configuration (2.42 to 3.9).
 */

/** Told nobody: they change nothing here, because what they are about does not exist here or is so anyway. */
export const HARMLESS_ROOT = ['runtime', 'rule_files', 'alerting'] as const;
export const LATER_ROOT = ['remote_write', 'remote_read', 'storage', 'tracing', 'otlp', 'scrape_config_files'] as const;
/** Labels for outgoing data, rules and log files of a server: nothing a scrape depends on. */
export const HARMLESS_GLOBAL = [
  'evaluation_interval',
  'rule_query_offset',
  'query_log_file',
  'scrape_failure_log_file',
  'external_labels',
  'keep_dropped_targets',
  'runtime',
] as const;
export const LATER_GLOBAL = [
  'metric_name_validation_scheme',
  'metric_name_escaping_scheme',
  'convert_classic_histograms_to_nhcb',
  'extra_scrape_metrics',
] as const;
/** HTTP/2 is an allowance, dropped targets are never kept, failures are on the Sources page. */
export const HARMLESS_SCRAPE = ['enable_http2', 'keep_dropped_targets', 'scrape_failure_log_file'] as const;
const SERVICE_DISCOVERIES = [
  'aws',
  'azure',
  'consul',
  'digitalocean',
  'docker',
  'dockerswarm',
  'ec2',
  'eureka',
  'gce',
  'hetzner',
  'ionos',
  'kubernetes',
  'kuma',
  'lightsail',
  'linode',
  'marathon',
  'nerve',
  'nomad',
  'openstack',
  'ovhcloud',
  'puppetdb',
  'scaleway',
  'serverset',
  'stackit',
  'triton',
  'uyuni',
  'vultr',
] as const;
export const LATER_SCRAPE = [
  ...LATER_GLOBAL,
  'oauth2',
  'native_histogram_bucket_limit',
  'native_histogram_min_bucket_factor',
  ...SERVICE_DISCOVERIES.map((name) => `${name}_sd_configs`),
] as const;

/** Edits (insert, remove, replace) between two short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
/** The known key a wrong one was probably meant to be; '' when none is near. */
export function nearestKey(key: string, known: readonly string[]): string {
  if (key.length > 64) return '';
  let best = '';
  let least = Math.min(4, Math.ceil(key.length / 3) + 1);
  for (const candidate of known) {
    const edits = distance(key, candidate);
    if (edits >= least) continue;
    least = edits;
    best = candidate;
  }
  return best;
}
