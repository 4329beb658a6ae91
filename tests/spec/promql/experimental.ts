import { childrenOf, type DurationExpr, type Expr } from '#query/promql/ast.ts';
import { FUNCTIONS } from '#query/promql/functions.ts';
import { parsePromql } from '#query/promql/parser.ts';

/** What of an expression Prometheus 3.14 calls experimental: off there unless a feature flag is given. */
export function experimentalIn(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  const isComputed = (duration: DurationExpr | null | undefined): boolean =>
    duration !== null &&
    duration !== undefined &&
    duration.kind !== 'seconds' &&
    !(duration.kind === 'negative' && !isComputed(duration.of));
  const walk = (expr: Expr): void => {
    if (expr.kind === 'call' && FUNCTIONS.get(expr.function)?.isExperimental) found.add(`${expr.function}()`);
    if (expr.kind === 'aggregate' && expr.operator.startsWith('limit')) found.add(expr.operator);
    if (expr.kind === 'selector' && expr.modifier) found.add(expr.modifier);
    if (expr.kind === 'binary' && (expr.matching.fillLeft !== null || expr.matching.fillRight !== null)) found.add('fill');
    if (expr.kind === 'binary' && (expr.operator === '</' || expr.operator === '>/')) found.add('trimming');
    const durations =
      expr.kind === 'matrix'
        ? [expr.range, expr.selector.offset]
        : expr.kind === 'subquery'
          ? [expr.range, expr.step, expr.offset]
          : expr.kind === 'selector'
            ? [expr.offset]
            : [];
    if (durations.some(isComputed)) found.add('computed durations');
    const inner = expr.kind === 'matrix' ? [expr.selector] : expr.kind === 'subquery' ? [expr.expr] : childrenOf(expr);
    inner.forEach(walk);
  };
  try {
    walk(parsePromql(text));
  } catch {
    // What must not be taken belongs to nothing.
  }
  return found;
}
