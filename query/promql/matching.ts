import type { Matcher } from './ast.ts';
import { compileLabelRegex } from './label-regex.ts';
import { type Labels, labelOf } from './labels.ts';

/** Whether a label's value is as a matcher has it; a label that is not there is ''. @throws SyntaxError for a pattern that is none */
export function valueTest({ operator, value }: Pick<Matcher, 'operator' | 'value'>): (own: string) => boolean {
  if (operator === '=') return (own) => own === value;
  if (operator === '!=') return (own) => own !== value;
  const fits = compileLabelRegex(value);
  return operator === '=~' ? fits : (own) => !fits(own);
}
/** Whether labels fit all matchers. */
export function labelsTest(matchers: readonly Matcher[]): (labels: Labels) => boolean {
  const tests = matchers.map((matcher) => [matcher.name, valueTest(matcher)] as const);
  return (labels) => tests.every(([name, test]) => test(labelOf(labels, name)));
}
