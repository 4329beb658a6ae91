import type { Evaluated } from '#query/promql/engine.ts';
import { type Labels, NO_LABELS } from '#query/promql/labels.ts';
import { EvaluationError } from '#query/promql/value.ts';

/** One series' value at the time of an evaluation. */
export interface RuleSample {
  readonly labels: Labels;
  readonly value: number;
}
/** What a rule gives to the store. */
export interface WrittenSample extends RuleSample {
  readonly atMs: number;
  /** The series ends here; `value` means nothing. */
  readonly isStale: boolean;
}
/** An answer as rules take it: a vector, or a scalar as one without labels. @throws EvaluationError */
export function ruleVector({ answer }: Evaluated): readonly RuleSample[] {
  if (answer.type === 'scalar') return [{ labels: NO_LABELS, value: answer.values[0] as number }];
  if (answer.type !== 'vector') throw new EvaluationError('rule result is not a vector or scalar');
  return answer.rows.flatMap(({ labels, values, has }) => (has[0] === 1 ? [{ labels, value: values[0] as number }] : []));
}
