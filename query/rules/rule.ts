import type { Expr } from '#query/promql/ast.ts';
import type { Template } from './template-ast.ts';

/** Rules as a file has them, checked. Durations in milliseconds. */
export interface RecordingRule {
  readonly kind: 'recording';
  /** Of the metric that is written. */
  readonly name: string;
  readonly expr: Expr;
  readonly text: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly line: number;
}
export interface AlertingRule {
  readonly kind: 'alerting';
  readonly name: string;
  readonly expr: Expr;
  readonly text: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** Those of labels and annotations that are more than plain text, by their text. */
  readonly templates: ReadonlyMap<string, Template>;
  readonly line: number;
}
export type Rule = RecordingRule | AlertingRule;
export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  /** null: the default. */
  readonly intervalMs: number | null;
  readonly queryOffsetMs: number | null;
  /** Series of a recording rule, alerts of an alerting one; 0: no limit. */
  readonly limit: number;
  readonly rules: readonly Rule[];
  readonly line: number;
}
/** What is wrong with a file, a group or a rule. */
export interface RuleProblem {
  readonly line: number;
  readonly column: number;
  /** In Prometheus' words, with the place. */
  readonly message: string;
  readonly group: string;
  /** From 1; 0: it is not about one rule. */
  readonly rule: number;
  readonly name: string;
  /** The YAML is not of a rule file's shape. */
  readonly isShape: boolean;
}
export interface RuleFile {
  /** Without what is wrong. */
  readonly groups: readonly RuleGroup[];
  readonly problems: readonly RuleProblem[];
}
