import type { AggregateExpr, BinaryExpr, CallExpr, Expr, SelectorExpr, ValueType } from './ast.ts';
import { FUNCTIONS, type FunctionSignature } from './functions.ts';
import { compileLabelRegex } from './label-regex.ts';
import { PromqlError } from './token.ts';

/** Types and rules of a whole expression, in the order in which Prometheus asks (promql/parser/parse.go checkAST). */
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<=', '<', '>=', '>']);
const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);
const SHOWN: Readonly<Record<ValueType, string>> = { scalar: 'scalar', vector: 'instant vector', matrix: 'range vector', string: 'string' };
const MODIFIED: Readonly<Record<'anchored' | 'smoothed', readonly string[]>> = {
  anchored: ['changes', 'delta', 'increase', 'rate', 'resets'],
  smoothed: ['delta', 'increase', 'rate'],
};

/** @returns the type of its value. @throws PromqlError */
export function checkExpr(expr: Expr, input: string): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      checkSelector(expr, false);
      return 'vector';
    case 'matrix':
      checkSelector(expr.selector, false);
      return 'matrix';
    case 'paren':
      return checkExpr(expr.expr, input);
    case 'unary': {
      const type = checkExpr(expr.expr, input);
      if (type === 'scalar' || type === 'vector') return type;
      throw new PromqlError(`unary expression only allowed on expressions of type scalar or instant vector, got "${SHOWN[type]}"`, expr);
    }
    case 'subquery': {
      const type = checkExpr(expr.expr, input);
      if (type !== 'vector') throw new PromqlError(`subquery is only allowed on instant vector, got ${type} instead`, expr);
      return 'matrix';
    }
    case 'aggregate':
      return checkAggregate(expr, input);
    case 'call':
      return checkCall(expr, input);
    case 'binary':
      return checkBinary(expr, input);
  }
}

function expectType(expr: Expr, wanted: ValueType, where: string, input: string): void {
  const type = checkExpr(expr, input);
  if (type !== wanted) throw new PromqlError(`expected type ${SHOWN[wanted]} in ${where}, got ${SHOWN[type]}`, expr);
}
function checkAggregate({ operator, expr, parameter }: AggregateExpr, input: string): ValueType {
  expectType(expr, 'vector', 'aggregation expression', input);
  if (parameter) expectType(parameter, operator === 'count_values' ? 'string' : 'scalar', 'aggregation parameter', input);
  return 'vector';
}

function checkCall(call: CallExpr, input: string): ValueType {
  const { args } = call;
  const name = JSON.stringify(call.function);
  const { takes, variadic, gives } = FUNCTIONS.get(call.function) as FunctionSignature;
  const needed = variadic === 0 ? takes.length : takes.length - 1;
  const wrong = (count: string): never => {
    throw new PromqlError(`expected ${count} argument(s) in call to ${name}, got ${args.length}`, call);
  };
  if (variadic === 0 && args.length !== needed) wrong(String(needed));
  if (args.length < needed) wrong(`at least ${needed}`);
  if (variadic > 0 && args.length > needed + variadic) wrong(`at most ${needed + variadic}`);
  if (call.function === 'info' && args[1]) checkInfoSelector(args[1]);
  args.forEach((arg, i) => {
    if (call.function === 'info' && i === 1) return;
    expectType(arg, takes[Math.min(i, takes.length - 1)] as ValueType, `call to function ${name}`, input);
    checkModifier(arg, call.function);
  });
  return gives;
}
function checkInfoSelector(arg: Expr): void {
  if (arg.kind !== 'selector') throw new PromqlError('expected label selectors only', arg);
  if (arg.name !== '') throw new PromqlError('expected label selectors only, got vector selector instead', arg);
  checkSelector(arg, true);
}
function checkModifier(arg: Expr, called: string): void {
  const { modifier } = arg.kind === 'matrix' ? arg.selector : { modifier: null };
  if (modifier === null || MODIFIED[modifier].includes(called)) return;
  throw new PromqlError(`${modifier} modifier can only be used with: ${MODIFIED[modifier].join(', ')} - not with ${called}`, arg);
}

function checkBinary(expr: BinaryExpr, input: string): ValueType {
  const { operator, left, right, bool, matching, operatorRange } = expr;
  const types = [checkExpr(left, input), checkExpr(right, input)];
  const areScalars = types.every((type) => type === 'scalar');
  if (bool && !COMPARISONS.has(operator)) throw new PromqlError('bool modifier can only be used on comparison operators', operatorRange);
  if (COMPARISONS.has(operator) && !bool && areScalars)
    throw new PromqlError('comparisons between scalars must use BOOL modifier', operatorRange);
  const twice = matching.on ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
  if (twice !== undefined)
    throw new PromqlError(`label ${JSON.stringify(twice)} must not occur in ON and GROUP clause at once`, operatorRange);
  [left, right].forEach((side, i) => {
    if (types[i] !== 'scalar' && types[i] !== 'vector')
      throw new PromqlError('binary expression must contain only scalar and instant vector types', side);
  });
  const areVectors = types.every((type) => type === 'vector');
  if (!areVectors && matching.labels.length > 0) throw new PromqlError('vector matching only allowed between instant vectors', expr);
  const fills = matching.fillLeft !== null || matching.fillRight !== null;
  if (!areVectors && fills) throw new PromqlError('filling in missing series only allowed between instant vectors', expr);
  if (SET_OPERATORS.has(operator)) {
    if (areVectors && matching.group) throw new PromqlError(`no grouping allowed for ${JSON.stringify(operator)} operation`, expr);
    if (!areVectors) throw new PromqlError(`set operator ${JSON.stringify(operator)} not allowed in binary scalar expression`, expr);
    if (fills) throw new PromqlError('filling in missing series not allowed for set operators', expr);
  }
  return areScalars ? 'scalar' : 'vector';
}

/** @param mayBeEmpty an info() selector: it chooses among labels of what is found anyway */
function checkSelector({ name, matchers, start, end }: SelectorExpr, mayBeEmpty: boolean): void {
  const range = { start, end };
  if (name !== '') {
    const other = matchers.slice(0, -1).find((matcher) => matcher.name === '__name__');
    if (other) throw new PromqlError(`metric name must not be set twice: ${JSON.stringify(name)} or ${JSON.stringify(other.value)}`, range);
  }
  const isEmpty = matchers.every(({ operator, value }) => {
    if (operator === '=') return value === '';
    if (operator === '!=') return value !== '';
    return emptyFits(value, range) === (operator === '=~');
  });
  if (isEmpty && !mayBeEmpty) throw new PromqlError('vector selector must contain at least one non-empty matcher', range);
}
function emptyFits(pattern: string, range: { start: number; end: number }): boolean {
  try {
    return compileLabelRegex(pattern)('');
  } catch (cause) {
    throw new PromqlError(`error parsing regexp: ${(cause as Error).message}`, range);
  }
}
