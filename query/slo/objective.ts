import type { BurnWindow } from './burn-windows.ts';

/** Service level objectives as files describe them. Durations in milliseconds, targets in percent. */
export interface Objective {
  /** service-name, as Sloth has it: the label sloth_id. */
  readonly id: string;
  readonly service: string;
  readonly name: string;
  readonly description: string;
  /** Percent of events that are to be good, (0, 100]. */
  readonly target: number;
  readonly periodMs: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly sli: Sli;
  readonly method: BudgetMethod;
  /** Of what kind its file is: the label sloth_spec. */
  readonly spec: SloSpec;
  readonly windows: readonly BurnWindow[];
  /** null: none is generated. */
  readonly page: AlertText | null;
  readonly ticket: AlertText | null;
  /** Conditions of OpenSLO's alert policies. */
  readonly burnAlerts: readonly BurnAlert[];
  readonly rules: RuleChoice;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}
export type SloSpec = 'prometheus/v1' | 'sloth.slok.dev/v1' | 'openslo/v1alpha' | 'openslo/v1';

/** Queries have {{.window}} where the length of time stands. */
export type Sli =
  | { readonly kind: 'events'; readonly errorQuery: string; readonly totalQuery: string }
  | {
      readonly kind: 'raw';
      readonly errorRatioQuery: string;
      /** Shorter windows are asked for as this one: a slice is the least that can be told. */
      readonly leastWindowMs: number;
    };
/** How much of the budget bad events use up (OpenSLO, examples/budgeting-method). */
export type BudgetMethod =
  | { readonly kind: 'occurrences' }
  | { readonly kind: 'timeslices'; readonly sliceMs: number; readonly sliceTarget: number }
  | { readonly kind: 'ratio-timeslices'; readonly sliceMs: number };

export interface AlertText {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}
/** Error rate over a window compared with the budget. */
export interface BurnAlert extends AlertText {
  readonly operator: '>' | '>=' | '<' | '<=';
  /** Times the error budget. */
  readonly threshold: number;
  readonly windowMs: number;
  readonly forMs: number;
  readonly whenBreaching: boolean;
  readonly whenNoData: boolean;
}
/** What Sloth's plugins leave of the rules. */
export interface RuleChoice {
  readonly sli: boolean;
  readonly metadata: boolean;
  readonly alerts: boolean;
  /** The whole period from the recorded shortest window, not from the query. */
  readonly optimized: boolean;
  readonly denominatorCorrected: boolean;
  /** Queries are PromQL, not a dialect. */
  readonly isPromql: boolean;
}
export const ALL_RULES: RuleChoice = {
  ...{ sli: true, metadata: true, alerts: true, optimized: true },
  ...{ denominatorCorrected: false, isPromql: true },
};
export interface SloProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** With its place. */
  readonly message: string;
}
/** What a file says; what is wrong is left out. */
export interface SloFile {
  readonly file: string;
  readonly objectives: readonly Objective[];
  readonly problems: readonly SloProblem[];
}
