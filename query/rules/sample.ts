import type { Evaluated } from '#query/promql/engine.ts';
import { type Labels, NO_LABELS } from '#query/promql/labels.ts';
import type { NativeHistogram } from '#query/promql/native-histogram.ts';
import { EvaluationError, sampleAt } from '#query/promql/value.ts';

/** One series' value at the time of an evaluation. */
export interface RuleSample {
  readonly labels: Labels;
  /** Of a histogram 0, as in Prometheus. */
  readonly value: number;
  readonly histogram?: NativeHistogram;
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
  return answer.rows.flatMap((row): readonly RuleSample[] => {
    const sample = sampleAt(row, 0);
    if (sample === undefined) return [];
    const { labels } = row;
    return [typeof sample === 'number' ? { labels, value: sample } : { labels, value: 0, histogram: sample }];
  });
}
