import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { YamlDecoder } from '#query/rules/yaml-decoder.ts';
import type { YamlNode } from '#query/rules/yaml-node.ts';
import { globRules } from './load-rules.ts';
import { parseYaml } from './parse-yaml.ts';

/** Where rules come from: a pattern, and the rule_files of a prometheus.yml. */
export interface RuleSettings {
  /** Absolute; null: none. */
  readonly pattern: string | null;
  readonly prometheusConfig: string | null;
  /** Files of objectives; absent: none. */
  readonly slos?: SloSettings;
}
export interface SloSettings {
  /** Absolute; null: none. */
  readonly pattern: string | null;
  /** Those made on the page. */
  readonly folder: string;
  /** Others that may be there. */
  readonly files: readonly string[];
}
/** What a prometheus.yml says of rules beside its files. */
export interface RuleSources {
  readonly files: readonly string[];
  readonly sloFiles: readonly string[];
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly externalLabels: ReadonlyMap<string, string>;
  /** alerting: of it, as written. */
  readonly alerting: YamlNode | null;
  /** A pattern was given. */
  readonly isAsked: boolean;
  /** Files and what they were when this was made: other ones, or other contents, make another text. */
  readonly version: string;
}
const MINUTE_MS = 60_000;
export const MAX_RULE_FILES = 1_000;

/** @param more files that are there beside */
export function findRules({ pattern, prometheusConfig, slos }: RuleSettings, more: readonly string[] = []): RuleSources {
  const files = new Set([...more, ...(pattern === null ? [] : globRules(pattern, '/'))]);
  const config = prometheusConfig === null ? null : readConfig(prometheusConfig);
  for (const each of config?.patterns ?? []) for (const file of globRules(each, dirname(prometheusConfig as string))) files.add(file);
  const kept = [...files].slice(0, MAX_RULE_FILES);
  const sloFiles = slos ? findSlos(slos) : [];
  return {
    files: kept,
    sloFiles,
    intervalMs: config?.intervalMs ?? MINUTE_MS,
    queryOffsetMs: config?.queryOffsetMs ?? 0,
    externalLabels: config?.externalLabels ?? new Map(),
    alerting: config?.alerting ?? null,
    isAsked: pattern !== null || (config?.patterns.length ?? 0) > 0,
    version: [...kept, ...sloFiles, ...(prometheusConfig === null ? [] : [prometheusConfig])].map(versionOf).join('\n'),
  };
}
function findSlos({ pattern, folder, files }: SloSettings): string[] {
  // Names in folders of our own are no patterns, whatever they hold.
  const own = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  const found = [
    ...(pattern === null ? [] : globRules(pattern, '/')),
    ...own.filter((each) => each.isFile() && /\.ya?ml$/.test(each.name)).map(({ name }) => join(folder, name)),
    ...files.filter((file) => existsSync(file)),
  ];
  return [...new Set(found)].sort().slice(0, MAX_RULE_FILES);
}
function versionOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return `${file} ${stat?.mtimeMs ?? ''} ${stat?.size ?? ''} ${stat?.ino ?? ''}`;
}
interface RuleConfig {
  readonly patterns: readonly string[];
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly alerting: YamlNode | null;
}
/** What is wrong in it the collector tells, which reads it whole. */
function readConfig(file: string): RuleConfig | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const decoder = new YamlDecoder();
  const top = decoder.map(parseYaml(text).root ?? undefined, 'config.Config', null);
  const global = decoder.map(top.get('global'), 'config.GlobalConfig', null);
  return {
    patterns: decoder.list(top.get('rule_files'), 'string').map((node: YamlNode) => decoder.text(node)),
    intervalMs: decoder.duration(global.get('evaluation_interval')) || MINUTE_MS,
    queryOffsetMs: decoder.duration(global.get('rule_query_offset')) ?? 0,
    externalLabels: decoder.texts(global.get('external_labels')),
    alerting: top.get('alerting') ?? null,
  };
}
