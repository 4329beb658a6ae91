import type { DurationExpr, Expr, Matcher, SelectorExpr, SubqueryExpr, VectorMatching } from './ast.ts';
import { checkExpr } from './check.ts';
import { durationSeconds } from './duration.ts';
import { FUNCTIONS } from './functions.ts';
import { printNumber } from './print.ts';

/** An expression as Prometheus' /api/v1/parse_query shows it (web/api/v1/translate_ast.go), for its tree view and others. */
export function describeExpr(expr: Expr): object {
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: printNumber(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'paren':
      return { type: 'parenExpr', expr: describeExpr(expr.expr) };
    case 'unary':
      return { type: 'unaryExpr', op: expr.operator, expr: describeExpr(expr.expr) };
    case 'selector':
      return { type: 'vectorSelector', ...selected(expr) };
    case 'matrix':
      return { type: 'matrixSelector', range: msOf(expr.range), ...selected(expr.selector) };
    case 'subquery': {
      const { range, step } = expr;
      return {
        type: 'subquery',
        expr: describeExpr(expr.expr),
        range: msOf(range),
        step: step ? msOf(step) : 0,
        ...when(expr),
        alignEvalTime: false,
      };
    }
    case 'call': {
      const { takes, variadic, gives } = FUNCTIONS.get(expr.function) as NonNullable<ReturnType<(typeof FUNCTIONS)['get']>>;
      const func = { name: expr.function, argTypes: takes, variadic, returnType: gives };
      return { type: 'call', func, args: expr.args.map(describeExpr) };
    }
    case 'aggregate': {
      const { operator, parameter, grouping, without } = expr;
      return {
        type: 'aggregation',
        op: operator,
        expr: describeExpr(expr.expr),
        param: parameter ? describeExpr(parameter) : null,
        grouping,
        without,
      };
    }
    case 'binary': {
      const { operator, left, right, bool, matching } = expr;
      const areVectors = checkExpr(left, '') === 'vector' && checkExpr(right, '') === 'vector';
      return {
        type: 'binaryExpr',
        op: operator,
        lhs: describeExpr(left),
        rhs: describeExpr(right),
        matching: areVectors ? matched(operator, matching) : null,
        bool,
      };
    }
  }
}
/** One that depends on the query's step or range is 0 until those are known. */
function msOf(duration: DurationExpr): number {
  return Math.round(durationSeconds(duration, { startMs: 0, stepMs: 0, count: 1 }) * 1000);
}
const when = ({ offset, at }: Pick<SelectorExpr | SubqueryExpr, 'offset' | 'at'>): object => ({
  offset: offset ? msOf(offset) : 0,
  timestamp: at?.kind === 'time' ? at.ms : null,
  startOrEnd: at && at.kind !== 'time' ? at.kind : null,
});
const selected = (selector: SelectorExpr): object => ({
  name: selector.name,
  matchers: selector.matchers.map(({ name, operator, value }: Matcher) => ({ name, value, type: operator })),
  ...when(selector),
  anchored: selector.modifier === 'anchored',
  smoothed: selector.modifier === 'smoothed',
});
const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);
function matched(operator: string, { group, labels, on, include, fillLeft, fillRight }: VectorMatching): object {
  const card = SET_OPERATORS.has(operator) ? 'many-to-many' : group ? (group === 'left' ? 'many-to-one' : 'one-to-many') : 'one-to-one';
  return { card, labels, on, include, fillValues: { lhs: fillLeft, rhs: fillRight } };
}
