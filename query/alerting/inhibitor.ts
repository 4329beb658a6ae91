import { type Labels, labelOf } from '#query/promql/labels.ts';
import { type Alert, isResolved } from './alert.ts';
import type { InhibitRule } from './config.ts';
import { matchesAll } from './matcher.ts';
import { MatcherIndex } from './matcher-index.ts';

/** Alerts by the values of the labels that must be equal, then by their labels. */
type Sources = Map<string, Map<string, Alert>>;
interface RuleState {
  readonly rule: InhibitRule;
  /** Those that are no target themselves, and those that are: an alert that is both is not inhibited by the latter. */
  readonly oneSided: Sources;
  readonly twoSided: Sources;
}
/** Tells whether an alert is kept back because another fires. Two look-ups for each rule it is a target of, however many alerts there are. */
export class Inhibitor {
  private readonly states: readonly RuleState[];
  private readonly bySource: MatcherIndex<RuleState>;
  private readonly byTarget: MatcherIndex<RuleState>;

  constructor(rules: readonly InhibitRule[]) {
    this.states = rules.map((rule) => ({ rule, oneSided: new Map(), twoSided: new Map() }));
    this.bySource = new MatcherIndex(this.states, ({ rule }) => rule.source);
    this.byTarget = new MatcherIndex(this.states, ({ rule }) => rule.target);
  }
  /** Every alert that is put, in its latest form. */
  put(alert: Alert): void {
    const { labels } = alert;
    for (const { rule, oneSided, twoSided } of this.bySource.matching(labels)) {
      const into = matchesAll(rule.target, labels) ? twoSided : oneSided;
      const key = equalKey(rule, labels);
      const alerts = into.get(key) ?? new Map<string, Alert>();
      into.set(key, alerts.set(labels.key, alert));
    }
  }
  /** Labels of a firing alert that inhibits one with these; null: none does. */
  inhibitorOf(labels: Labels, nowMs: number): Labels | null {
    for (const { rule, oneSided, twoSided } of this.byTarget.matching(labels)) {
      const key = equalKey(rule, labels);
      const found = firing(oneSided, key, nowMs) ?? (matchesAll(rule.source, labels) ? null : firing(twoSided, key, nowMs));
      if (found) return found.labels;
    }
    return null;
  }
  /** Lets go what is resolved. */
  expire(nowMs: number): void {
    for (const { oneSided, twoSided } of this.states)
      for (const sources of [oneSided, twoSided])
        for (const [key, alerts] of sources) {
          for (const [id, alert] of alerts) if (isResolved(alert, nowMs)) alerts.delete(id);
          if (alerts.size === 0) sources.delete(key);
        }
  }
}
const equalKey = ({ equal }: InhibitRule, labels: Labels): string => equal.map((name) => labelOf(labels, name)).join('\xff');
/** The first that fires; those that no longer do are let go: who fires again is put again. */
function firing(sources: Sources, key: string, nowMs: number): Alert | null {
  const alerts = sources.get(key);
  if (!alerts) return null;
  for (const [id, alert] of alerts) {
    if (!isResolved(alert, nowMs)) return alert;
    alerts.delete(id);
  }
  return null;
}
