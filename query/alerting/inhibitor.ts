import { type Labels, labelOf } from '#query/promql/labels.ts';
import { type Alert, isResolved } from './alert.ts';
import type { InhibitRule } from './config.ts';
import { matchesAll } from './matcher.ts';

/** Source alerts by the values of the labels that must be equal. */
interface RuleState {
  readonly rule: InhibitRule;
  /** Those that are no target themselves, and those that are: an alert that is both is not inhibited by the latter. */
  readonly oneSided: Map<string, Map<string, Alert>>;
  readonly twoSided: Map<string, Map<string, Alert>>;
}
/** Tells whether an alert is kept back because another fires. Two look-ups a rule, however many alerts there are. */
export class Inhibitor {
  private readonly rules: readonly RuleState[];

  constructor(rules: readonly InhibitRule[]) {
    this.rules = rules.map((rule) => ({ rule, oneSided: new Map(), twoSided: new Map() }));
  }
  /** Every alert that is put, in its latest form. */
  put(alert: Alert): void {
    const { labels } = alert;
    for (const { rule, oneSided, twoSided } of this.rules) {
      if (!matchesAll(rule.source, labels)) continue;
      const into = matchesAll(rule.target, labels) ? twoSided : oneSided;
      const key = equalKey(rule, labels);
      const alerts = into.get(key) ?? new Map<string, Alert>();
      into.set(key, alerts.set(labels.key, alert));
    }
  }
  /** Labels of a firing alert that inhibits one with these; null: none does. */
  inhibitorOf(labels: Labels, nowMs: number): Labels | null {
    for (const { rule, oneSided, twoSided } of this.rules) {
      if (!matchesAll(rule.target, labels)) continue;
      const key = equalKey(rule, labels);
      const found = firing(oneSided, key, nowMs) ?? (matchesAll(rule.source, labels) ? null : firing(twoSided, key, nowMs));
      if (found) return found.labels;
    }
    return null;
  }
  /** Lets go what is resolved. */
  expire(nowMs: number): void {
    for (const { oneSided, twoSided } of this.rules)
      for (const alerts of [oneSided, twoSided])
        for (const [key, found] of alerts) {
          for (const [id, alert] of found) if (isResolved(alert, nowMs)) found.delete(id);
          if (found.size === 0) alerts.delete(key);
        }
  }
}
const equalKey = ({ equal }: InhibitRule, labels: Labels): string => equal.map((name) => labelOf(labels, name)).join('\xff');
/** The first that fires; those that no longer do are let go: who fires again is put again. */
function firing(alerts: Map<string, Map<string, Alert>>, key: string, nowMs: number): Alert | null {
  const found = alerts.get(key);
  if (!found) return null;
  for (const [id, alert] of found) {
    if (!isResolved(alert, nowMs)) return alert;
    found.delete(id);
  }
  return null;
}
