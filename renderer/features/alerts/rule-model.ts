import type { AlertGroup, AlertRule, AlertRules } from '#contracts/alert-rules.ts';

/** What a rule is in: one word for the list, the worst first. */
export const RULE_STATES = ['err', 'firing', 'pending', 'inactive', 'unknown', 'recording'] as const;
export type RuleState = (typeof RULE_STATES)[number];
export function stateOf({ health, kind, firing, pending }: AlertRule): RuleState {
  if (health === 'err') return 'err';
  if (health === 'unknown') return 'unknown';
  if (kind === 'recording') return 'recording';
  return firing > 0 ? 'firing' : pending > 0 ? 'pending' : 'inactive';
}
export type RuleRow =
  | { readonly kind: 'file'; readonly file: string; readonly rules: number; readonly problems: number }
  | { readonly kind: 'group'; readonly file: string; readonly group: AlertGroup }
  | { readonly kind: 'rule'; readonly file: string; readonly group: AlertGroup; readonly rule: AlertRule };
export interface WantedRules {
  readonly text: string;
  readonly state: RuleState | null;
}
const isWanted = (rule: AlertRule, words: readonly string[], state: RuleState | null): boolean =>
  (state === null || stateOf(rule) === state) &&
  words.every((word) => [rule.name, rule.query, ...Object.values(rule.labels)].some((text) => text.toLowerCase().includes(word)));

/** Files, their groups and rules below each other; what holds no rule that is wanted is left out, unless nothing is asked for. */
export function ruleRows({ files }: Pick<AlertRules, 'files'>, { text, state }: WantedRules): RuleRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const isAll = words.length === 0 && state === null;
  return files.flatMap(({ file, groups, problems }): RuleRow[] => {
    const rules = groups.flatMap((group): RuleRow[] => {
      const own = group.rules.filter((rule) => isWanted(rule, words, state));
      if (own.length === 0) return [];
      return [{ kind: 'group', file, group }, ...own.map((rule): RuleRow => ({ kind: 'rule', file, group, rule }))];
    });
    if (rules.length === 0 && !isAll) return [];
    const count = groups.reduce((sum, group) => sum + group.rules.length, 0);
    return [{ kind: 'file', file, rules: count, problems: problems.length }, ...rules];
  });
}
/** A rule and where it stands. */
export function findRule({ files }: Pick<AlertRules, 'files'>, id: string): Extract<RuleRow, { kind: 'rule' }> | undefined {
  for (const { file, groups } of files)
    for (const group of groups) for (const rule of group.rules) if (rule.id === id) return { kind: 'rule', file, group, rule };
  return undefined;
}
export function countStates({ files }: Pick<AlertRules, 'files'>): Map<RuleState, number> {
  const counts = new Map<RuleState, number>();
  for (const { groups } of files)
    for (const { rules } of groups) for (const rule of rules) counts.set(stateOf(rule), (counts.get(stateOf(rule)) ?? 0) + 1);
  return counts;
}
/** A selector of everything the alerts of a rule left in ALERTS. */
export const alertsQuery = (name: string): string => `ALERTS{alertname=${JSON.stringify(name)}}`;
