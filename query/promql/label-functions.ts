import type { Expr, SelectorExpr } from './ast.ts';
import { compileReplacement } from './label-regex.ts';
import { entriesOf, type Labels, labelOf, labelsOf, METRIC_NAME, setLabel } from './labels.ts';
import { EvaluationError } from './value.ts';

/** Labels an absent series would have: those its selector says exactly, and once. */
export function absentLabels(expr: Expr): Labels {
  const selector = selectorOf(expr);
  if (!selector) return labelsOf([]);
  const equal = selector.matchers.filter(({ operator, name }) => operator === '=' && name !== METRIC_NAME);
  const once = equal.filter(({ name }) => selector.matchers.filter((other) => other.name === name).length === 1);
  return labelsOf(once.map(({ name, value }) => [name, value] as const));
}
function selectorOf(expr: Expr): SelectorExpr | null {
  if (expr.kind === 'selector') return expr;
  if (expr.kind === 'matrix') return expr.selector;
  return null;
}

const isLabelName = (name: string): boolean => name !== '' && !/[\ud800-\udfff]/u.test(name);
/** @returns how labels change. @throws EvaluationError for names and patterns that are none */
export function labelReplace([to = '', replacement = '', from = '', pattern = '']: readonly string[]): (labels: Labels) => Labels {
  const replace = compileReplacement(
    pattern,
    replacement,
    () => new EvaluationError(`invalid regular expression in label_replace(): ${pattern}`),
  );
  if (!isLabelName(to)) throw new EvaluationError(`invalid destination label name in label_replace(): ${to}`);
  return (labels) => {
    const value = replace(labelOf(labels, from));
    return value === null ? labels : setLabel(labels, to, value);
  };
}
export function labelJoin([to = '', separator = '', ...from]: readonly string[]): (labels: Labels) => Labels {
  const bad = from.find((name) => !isLabelName(name));
  if (bad !== undefined) throw new EvaluationError(`invalid source label name in label_join(): ${bad}`);
  if (!isLabelName(to)) throw new EvaluationError(`invalid destination label name in label_join(): ${to}`);
  return (labels) =>
    labelsOf([...entriesOf(labels).filter(([name]) => name !== to), [to, from.map((name) => labelOf(labels, name)).join(separator)]]);
}
