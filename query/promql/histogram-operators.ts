import type { BinaryExpr } from './ast.ts';
import { add, type Combined, divide, multiply, subtract } from './histogram-arithmetic.ts';
import { trim } from './histogram-trim.ts';
import { CONFLICT, RECONCILED } from './mixed-ranges.ts';
import { areEqual, compact, type NativeHistogram } from './native-histogram.ts';
import type { Notes, Sample } from './value.ts';

/** Operators where one side at least is a native histogram. @returns undefined: they do not go together; of a comparison whether it holds */
export function operateMixed(expr: BinaryExpr, left: Sample, right: Sample, notes: Notes): Sample | boolean | undefined {
  const { operator } = expr;
  if (typeof left === 'number') {
    if (typeof right !== 'number' && operator === '*') return compact(multiply(right, left));
  } else if (typeof right === 'number') {
    if (operator === '*') return compact(multiply(left, right));
    if (operator === '/') return compact(divide(left, right));
    if (operator === '</') return trim(left, right, 'below');
    if (operator === '>/') return trim(left, right, 'above');
  } else {
    if (operator === '+') return settled(expr, add(left, right), notes);
    if (operator === '-') {
      const difference = settled(expr, subtract(left, right), notes);
      return difference && { ...difference, hint: 'gauge' };
    }
    if (operator === '==') return areEqual(left, right);
    if (operator === '!=') return !areEqual(left, right);
  }
  const kind = (side: Sample): string => (typeof side === 'number' ? 'float' : 'histogram');
  notes.info(
    `incompatible sample types encountered for binary operator ${JSON.stringify(operator)}: ${kind(left)} ${operator} ${kind(right)}`,
    expr,
  );
  return undefined;
}
function settled(expr: BinaryExpr, combined: Combined | null, notes: Notes): NativeHistogram | undefined {
  const how = expr.operator === '+' ? 'addition' : 'subtraction';
  if (!combined) {
    notes.warn(`incompatible bucket layout encountered for binary operator ${expr.operator}`, expr);
    return undefined;
  }
  if (combined.isConflict) notes.warn(`${CONFLICT} ${how}`, expr);
  if (combined.isReconciled) notes.info(`${RECONCILED} ${how}`, expr);
  return compact(combined.histogram);
}
