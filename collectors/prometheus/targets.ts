import type { ScrapeConfig } from './config.ts';
import { parseDurationMs } from './config-schema.ts';
import { compileRelabel, type Labels } from './relabel.ts';

/** One endpoint to scrape, after relabeling. */
export interface Target {
  /** Identity: equal keys are the same target across reloads. */
  readonly key: string;
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Before relabeling. */
  readonly discovered: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}
const PARAM = '__param_';

/** Before relabeling; a group may bring its own job, path or scheme (scrape/target.go PopulateLabels). */
function initialLabels(config: ScrapeConfig, address: string, group: TargetGroup): Labels {
  const labels: Labels = new Map([['__address__', address]]);
  for (const [name, value] of Object.entries(group.labels)) if (value !== '') labels.set(name, value);
  const defaults: readonly (readonly [string, string])[] = [
    ['job', config.job],
    ['__scrape_interval__', `${config.intervalMs}ms`],
    ['__scrape_timeout__', `${config.timeoutMs}ms`],
    ['__metrics_path__', config.metricsPath],
    ['__scheme__', config.scheme],
  ];
  for (const [name, value] of defaults) if (!labels.has(name)) labels.set(name, value);
  for (const [name, values] of Object.entries(config.params)) if (values[0]) labels.set(`${PARAM}${name}`, values[0]);
  return labels;
}
function times(labels: Labels): { readonly intervalMs: number; readonly timeoutMs: number } {
  const read = (name: string): number => {
    const ms = parseDurationMs(labels.get(name) ?? '');
    if (ms === null || ms === 0) throw new Error(`${name} is "${labels.get(name) ?? ''}", not a duration such as 15s`);
    return ms;
  };
  const [intervalMs, timeoutMs] = [read('__scrape_interval__'), read('__scrape_timeout__')];
  if (timeoutMs > intervalMs) throw new Error('__scrape_timeout__ is longer than __scrape_interval__');
  return { intervalMs, timeoutMs };
}
/** Prometheus 2 names the port also where it is the scheme's own. */
function withPort(address: string, scheme: string): string {
  const hasPort = /:\d+$/.test(address) && (address.startsWith('[') || !/:.*:/.test(address));
  if (hasPort) return address;
  const host = /:.*:/.test(address) && !address.startsWith('[') ? `[${address}]` : address;
  return `${host}:${scheme === 'https' ? 443 : 80}`;
}
function toTarget(config: ScrapeConfig, labels: Labels, discovered: Target['discovered']): Target {
  const scheme = labels.get('__scheme__') ?? '';
  const { intervalMs, timeoutMs } = times(labels);
  if (scheme !== 'http' && scheme !== 'https') throw new Error(`__scheme__ is "${scheme}", not http or https`);
  const address = withPort(labels.get('__address__') ?? '', scheme);
  const bad = `"${labels.get('__address__')}" is not a host:port to scrape`;
  if (/[\s/?#@\\]/.test(address) || !URL.canParse(`${scheme}://${address}`)) throw new Error(bad);
  const url = new URL(`${scheme}://${address}`);
  url.pathname = labels.get('__metrics_path__') ?? '';
  // Relabeling may change what a job asks for, or add to it: that is how one prober serves many targets.
  const params = new Map<string, readonly string[]>(Object.entries(config.params));
  for (const [name, value] of labels) {
    if (!name.startsWith(PARAM)) continue;
    const key = name.slice(PARAM.length);
    params.set(key, [value, ...(params.get(key) ?? []).slice(1)]);
  }
  for (const [name, values] of [...params].sort(([a], [b]) => (a < b ? -1 : 1)))
    for (const value of values) url.searchParams.append(name, value);
  const kept: [string, string][] = [...labels].filter(([name]) => !name.startsWith('__'));
  if (!labels.has('instance')) kept.push(['instance', address]);
  const final = Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
  const key = `${url.href}|${JSON.stringify(final)}|${intervalMs}|${timeoutMs}`;
  return { key, url: url.href, labels: final, discovered, intervalMs, timeoutMs };
}

/** Groups -> targets: relabeled, dropped ones gone, duplicates once, bad addresses reported. */
export function buildTargets(config: ScrapeConfig, groups: readonly TargetGroup[], onProblem: (message: string) => void): Target[] {
  const relabel = compileRelabel(config.relabel);
  const targets = new Map<string, Target>();
  for (const group of groups) {
    for (const address of group.targets) {
      const initial = initialLabels(config, address, group);
      const discovered = Object.fromEntries(initial);
      const labels = relabel(initial);
      if (labels === null) continue;
      try {
        if (!labels.get('__address__')) throw new Error(`relabeling leaves "${address}" no __address__`);
        const target = toTarget(config, labels, discovered);
        targets.set(target.key, target);
      } catch (error) {
        onProblem(`job ${config.job}: ${(error as Error).message}`);
      }
    }
  }
  return [...targets.values()];
}
