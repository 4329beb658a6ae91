import type { Expr } from '#query/promql/ast.ts';
import { printPromql } from '#query/promql/print.ts';

/** What an expression compares with what, when it does. */
export interface WatchedExpr {
  readonly query: string;
  readonly operator: string;
  readonly threshold: string;
}
const FLIPPED: Readonly<Record<string, string>> = { '>': '<', '<': '>', '>=': '<=', '<=': '>=', '==': '==', '!=': '!=' };

/**
 * The two sides of the comparison that lets an alerting rule's series through. The expression itself gives points only while it holds;
 * the side that is watched has them always. `and` and `unless` give what their left side gives. null: it compares nothing.
 */
export function watchedExpr(expr: Expr): WatchedExpr | null {
  if (expr.kind === 'paren') return watchedExpr(expr.expr);
  if (expr.kind !== 'binary') return null;
  const { operator, left, right, bool } = expr;
  if (operator === 'and' || operator === 'unless') return watchedExpr(left);
  const flipped = FLIPPED[operator];
  if (flipped === undefined || bool) return null;
  // A scalar lets series of the other side through.
  return isConstant(left)
    ? { query: printPromql(right), operator: flipped, threshold: printPromql(left) }
    : { query: printPromql(left), operator, threshold: printPromql(right) };
}
function isConstant(expr: Expr): boolean {
  if (expr.kind === 'paren' || expr.kind === 'unary') return isConstant(expr.expr);
  if (expr.kind === 'binary') return isConstant(expr.left) && isConstant(expr.right);
  return expr.kind === 'number' || (expr.kind === 'call' && ['scalar', 'time', 'pi'].includes(expr.function));
}
