import { createHash } from 'node:crypto';
import { RE2JS } from 're2js';

/**
 * Prometheus relabeling, all actions. Regular expressions are RE2 (linear time, no backtracking: a config file may
 * come from anywhere) and anchored at both ends. Spec: prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 */
export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];
/** As in the file, with Prometheus' defaults filled in. JSON-safe: travels in ScrapeMeta. */
export interface RelabelConfig {
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly action: RelabelAction;
}
export type Labels = Map<string, string>;
export type Relabel = (labels: Labels) => Labels | null;

/** $1, ${1}, ${name}, $$ as in Go's Regexp.Expand; an unknown group expands to nothing. */
function expand(template: string, group: (name: string) => string): string {
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (all, braced?: string, bare?: string) =>
    all === '$$' ? '$' : group(braced ?? bare ?? ''),
  );
}

type Step = (labels: Labels) => boolean;
const set = (labels: Labels, name: string, value: string): void => void (value === '' ? labels.delete(name) : labels.set(name, value));

function compileStep(config: RelabelConfig): Step {
  const regex = RE2JS.compile(`^(?s:${config.regex})$`);
  const joined = (labels: Labels): string => config.sourceLabels.map((name) => labels.get(name) ?? '').join(config.separator);
  const matches = (value: string): boolean => regex.matcher(value).matches();
  const { action, targetLabel } = config;
  const groupOf = (value: string): ((name: string) => string) | null => {
    const matcher = regex.matcher(value);
    if (!matcher.matches()) return null;
    return (name) => {
      try {
        return (/^\d+$/.test(name) ? matcher.group(Number(name)) : matcher.group(name)) ?? '';
      } catch {
        return '';
      }
    };
  };
  const transform =
    (change: (value: string) => string): Step =>
    (labels) => {
      set(labels, targetLabel, change(joined(labels)));
      return true;
    };
  const steps: Record<RelabelAction, Step> = {
    replace: (labels) => {
      const group = groupOf(joined(labels));
      const name = group ? expand(targetLabel, group) : '';
      if (group && name !== '') set(labels, name, expand(config.replacement, group));
      return true;
    },
    keep: (labels) => matches(joined(labels)),
    drop: (labels) => !matches(joined(labels)),
    keepequal: (labels) => joined(labels) === (labels.get(targetLabel) ?? ''),
    dropequal: (labels) => joined(labels) !== (labels.get(targetLabel) ?? ''),
    hashmod: (labels) => {
      const hash = createHash('md5').update(joined(labels)).digest().readBigUInt64BE(8);
      labels.set(targetLabel, String(hash % BigInt(config.modulus)));
      return true;
    },
    labelmap: (labels) => {
      for (const [name, value] of [...labels]) {
        const group = groupOf(name);
        const mapped = group ? expand(config.replacement, group) : '';
        if (mapped !== '') set(labels, mapped, value);
      }
      return true;
    },
    labeldrop: (labels) => {
      for (const name of [...labels.keys()]) if (matches(name)) labels.delete(name);
      return true;
    },
    labelkeep: (labels) => {
      for (const name of [...labels.keys()]) if (!matches(name)) labels.delete(name);
      return true;
    },
    lowercase: transform((value) => value.toLowerCase()),
    uppercase: transform((value) => value.toUpperCase()),
  };
  return steps[action];
}

/** @returns a function that changes the given labels and returns them, or null when they are dropped. */
export function compileRelabel(configs: readonly RelabelConfig[]): Relabel {
  const steps = configs.map(compileStep);
  return (labels) => (steps.every((step) => step(labels)) ? labels : null);
}

const DEFAULTS: Readonly<Record<string, unknown>> = { separator: ';', regex: '(.*)', modulus: 0, replacement: '$1', targetLabel: '' };
const differs = (config: RelabelConfig, keys: readonly (keyof RelabelConfig)[]): boolean =>
  keys.some((key) => (key === 'sourceLabels' ? config.sourceLabels.length > 0 : config[key] !== DEFAULTS[key]));

/** What Prometheus refuses of a step (relabel.go Validate), as a clause; '' when nothing. */
export function judgeRelabel(config: RelabelConfig): string {
  const { action, targetLabel, modulus } = config;
  try {
    RE2JS.compile(`^(?s:${config.regex})$`);
  } catch (error) {
    return `bad regular expression: ${(error as Error).message}`;
  }
  if (action === 'hashmod' && modulus === 0) return 'action hashmod needs a modulus';
  const needsTarget = ['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal'];
  if (needsTarget.includes(action) && targetLabel === '') return `action ${action} needs a target_label`;
  if ((action === 'lowercase' || action === 'uppercase') && differs(config, ['replacement']))
    return `action ${action} takes no replacement`;
  if ((action === 'keepequal' || action === 'dropequal') && differs(config, ['regex', 'modulus', 'separator', 'replacement']))
    return `action ${action} takes source_labels and target_label only`;
  if (
    (action === 'labeldrop' || action === 'labelkeep') &&
    differs(config, ['sourceLabels', 'targetLabel', 'modulus', 'separator', 'replacement'])
  )
    return `action ${action} takes a regex only`;
  return '';
}
