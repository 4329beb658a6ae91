import { globSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { ScrapeConfig } from './config.ts';
import { compileRelabel, type Labels } from './relabel.ts';

/** One endpoint to scrape, after relabeling. */
export interface Target {
  /** Identity: equal keys are the same target across reloads. */
  readonly key: string;
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const groupSchema = z.array(z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.coerce.string()).nullish() }));
/** file_sd: JSON or YAML target groups. Throws with the file's name; the caller keeps the last good list. */
export function readTargetFiles(patterns: readonly string[]): TargetGroup[] {
  return globSync([...patterns])
    .sort()
    .flatMap((file) => {
      try {
        const content = readFileSync(file, 'utf8');
        const groups = groupSchema.parse(file.endsWith('.json') ? JSON.parse(content) : parseYaml(content));
        return groups.map((g) => ({ targets: g.targets, labels: { ...g.labels, __meta_filepath: file } }));
      } catch (error) {
        throw new Error(`cannot read targets of ${file}: ${(error as Error).message}`);
      }
    });
}

function initialLabels(config: ScrapeConfig, address: string, group: TargetGroup): Labels {
  const labels: Labels = new Map([
    ['job', config.job],
    ['__address__', address],
    ['__metrics_path__', config.metricsPath],
    ['__scheme__', config.scheme],
    ['__scrape_interval__', `${config.intervalMs}ms`],
    ['__scrape_timeout__', `${config.timeoutMs}ms`],
  ]);
  for (const [name, values] of Object.entries(config.params)) if (values[0] !== undefined) labels.set(`__param_${name}`, values[0]);
  for (const [name, value] of Object.entries(group.labels)) labels.set(name, value);
  return labels;
}

function toTarget(config: ScrapeConfig, labels: Labels): Target {
  const address = labels.get('__address__') ?? '';
  const scheme = labels.get('__scheme__') ?? 'http';
  const url = new URL(`${scheme}://${address}${labels.get('__metrics_path__') ?? '/metrics'}`);
  for (const [name, values] of Object.entries(config.params)) {
    values.forEach((value, i) => void url.searchParams.append(name, i === 0 ? (labels.get(`__param_${name}`) ?? value) : value));
  }
  const kept: [string, string][] = [...labels].filter(([name]) => !name.startsWith('__'));
  // Prometheus names the port even when it is the scheme's default
  const instance = labels.get('instance') ?? (url.port || /:\d+$/.test(address) ? address : `${address}:${scheme === 'https' ? 443 : 80}`);
  const final = Object.fromEntries(
    [...kept.filter(([name]) => name !== 'instance'), ['instance', instance]].sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  );
  return {
    key: `${url.href}|${JSON.stringify(final)}`,
    url: url.href,
    labels: final,
    intervalMs: config.intervalMs,
    timeoutMs: config.timeoutMs,
  };
}

/** Groups -> targets: relabeled, dropped ones gone, duplicates once, bad addresses reported. */
export function buildTargets(config: ScrapeConfig, groups: readonly TargetGroup[], onProblem: (message: string) => void): Target[] {
  const relabel = compileRelabel(config.relabel);
  const targets = new Map<string, Target>();
  for (const group of groups) {
    for (const address of group.targets) {
      const labels = relabel(initialLabels(config, address, group));
      if (labels === null || labels.get('__address__') === undefined) continue;
      try {
        const target = toTarget(config, labels);
        targets.set(target.key, target);
      } catch {
        onProblem(`job ${config.job}: "${labels.get('__address__')}" is not a host:port to scrape`);
      }
    }
  }
  return [...targets.values()];
}
