import type { BinaryExpr, Expr } from '#query/promql/ast.ts';
import { checkExpr } from '#query/promql/check.ts';
import type { Comparison } from './presence.ts';

/** A comparison with a number in a rule: what a sweep varies. */
export interface Threshold {
  /** With the vector on the left. */
  readonly comparison: Comparison;
  readonly value: number;
  /** It is all there is: what is compared is computed once for all thresholds. null: it is inside of something. */
  readonly compared: Expr | null;
  /** The rule's expression with another number in its place. */
  readonly replaced: (value: number) => Expr;
}
const MIRRORED: Readonly<Record<string, Comparison>> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function numberOf(expr: Expr): number | null {
  if (expr.kind === 'number') return expr.value;
  if (expr.kind === 'paren') return numberOf(expr.expr);
  if (expr.kind !== 'unary') return null;
  const value = numberOf(expr.expr);
  return value === null ? null : expr.operator === '-' ? -value : value;
}
const bare = (expr: Expr): Expr => (expr.kind === 'paren' ? bare(expr.expr) : expr);

/** A comparison of a vector with a number. */
function thresholdOf(expr: BinaryExpr): (Omit<Threshold, 'replaced'> & { readonly isRight: boolean }) | null {
  if (!MIRRORED[expr.operator]) return null;
  const [left, right] = [numberOf(expr.left), numberOf(expr.right)];
  if (right !== null && left === null && checkExpr(expr.left, '') === 'vector')
    return { comparison: expr.operator as Comparison, value: right, compared: expr.bool ? null : expr.left, isRight: true };
  if (left !== null && right === null && checkExpr(expr.right, '') === 'vector')
    return { comparison: MIRRORED[expr.operator] as Comparison, value: left, compared: expr.bool ? null : expr.right, isRight: false };
  return null;
}
/** The first comparison with a number in reading order; the whole expression where it is one. null: there is none */
export function findThreshold(expr: Expr): Threshold | null {
  const top = bare(expr);
  const found = first(top);
  if (!found) return null;
  const { node, isRight, ...threshold } = found;
  const replaced = (value: number): Expr => {
    const { start, end } = isRight ? node.right : node.left;
    const number: Expr = { kind: 'number', value, isDuration: false, start, end };
    return withNode(top, node, isRight ? { ...node, right: number } : { ...node, left: number });
  };
  return { ...threshold, compared: node === top ? threshold.compared : null, replaced };
}
type Found = Omit<Threshold, 'replaced'> & { readonly isRight: boolean; readonly node: BinaryExpr };
function first(expr: Expr): Found | null {
  if (expr.kind === 'binary') {
    const own = thresholdOf(expr);
    if (own) return { ...own, node: expr };
    return first(expr.left) ?? first(expr.right);
  }
  if (expr.kind === 'paren' || expr.kind === 'unary' || expr.kind === 'aggregate' || expr.kind === 'subquery') return first(expr.expr);
  if (expr.kind !== 'call') return null;
  for (const each of expr.args) {
    const own = first(each);
    if (own) return own;
  }
  return null;
}
function withNode(expr: Expr, old: Expr, fresh: Expr): Expr {
  if (expr === old) return fresh;
  switch (expr.kind) {
    case 'binary':
      return { ...expr, left: withNode(expr.left, old, fresh), right: withNode(expr.right, old, fresh) };
    case 'paren':
    case 'unary':
    case 'aggregate':
    case 'subquery':
      return { ...expr, expr: withNode(expr.expr, old, fresh) };
    case 'call':
      return { ...expr, args: expr.args.map((each) => withNode(each, old, fresh)) };
    default:
      return expr;
  }
}
