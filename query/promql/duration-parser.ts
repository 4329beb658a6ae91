import type { DurationExpr } from './ast.ts';
import { numberOf } from './literals.ts';
import { PromqlError, type Range } from './token.ts';
import type { TokenStream } from './token-stream.ts';

const EXPECTED = 'number, duration, step(), or range()';
const IN_RANGE = 'subquery or range selector';
type Operator = '+' | '-' | '*' | '/' | '%' | '^';
const PRECEDENCE: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 4 };
/** Go's time.Duration: nanoseconds in 64 bits. */
const MAX_SECONDS = 2 ** 63 / 1e9;
const MAX_DEPTH = 100;

interface Context {
  readonly tokens: TokenStream;
  readonly where: string;
  depth: number;
}

/** What stands in brackets behind an operand, after the opening one. */
export function parseRange(tokens: TokenStream): { range: DurationExpr; step: DurationExpr | null; isSubquery: boolean } {
  const context: Context = { tokens, where: IN_RANGE, depth: 0 };
  const range = positive(binary(context, 0));
  if (tokens.is(']')) {
    tokens.take();
    return { range, step: null, isSubquery: false };
  }
  if (!tokens.is(':')) tokens.unexpected(IN_RANGE, '":" or "]"');
  tokens.take();
  const step = tokens.is(']') ? null : positive(binary(context, 0));
  tokens.expect(']', IN_RANGE);
  return { range, step, isSubquery: true };
}
/** What stands behind `offset`: one value with its sign; more than that in parentheses. */
export function parseOffset(tokens: TokenStream): DurationExpr {
  const context: Context = { tokens, where: 'offset', depth: 0 };
  const { next } = tokens;
  const sign = tokens.takeSign();
  return sign ? signed(sign, operand(context), next) : operand(context);
}

function positive(duration: DurationExpr): DurationExpr {
  if (duration.kind === 'seconds' && duration.value <= 0) throw new PromqlError('duration must be greater than 0', duration);
  return duration;
}
function signed(sign: '+' | '-', of: DurationExpr, { start }: Range): DurationExpr {
  if (of.kind === 'seconds') return { ...of, value: sign === '-' ? -of.value : of.value, start };
  return sign === '+' ? { ...of, start } : { kind: 'negative', of, start, end: of.end };
}
function binary(context: Context, above: number): DurationExpr {
  const { tokens } = context;
  if (++context.depth > MAX_DEPTH) throw new PromqlError(`the duration is nested more than ${MAX_DEPTH} deep`, tokens.next);
  let left = unary(context);
  for (;;) {
    const { type, word } = tokens.next;
    const precedence = type === 'operator' ? (PRECEDENCE[word] ?? 0) : 0;
    if (precedence === 0 || (word === '^' ? precedence < above : precedence <= above)) break;
    const operator = tokens.take();
    const right = binary(context, word === '^' ? precedence - 0.5 : precedence);
    if (right.kind === 'seconds' && right.value === 0 && (word === '/' || word === '%'))
      throw new PromqlError(word === '/' ? 'division by zero' : 'modulo by zero', operator);
    left = { kind: 'binary', operator: word as Operator, left, right, start: left.start, end: right.end };
  }
  context.depth--;
  return left;
}
function unary(context: Context): DurationExpr {
  const { next } = context.tokens;
  const sign = context.tokens.takeSign();
  // Above * and below ^: -2^2 is -(2^2).
  return sign ? signed(sign, binary(context, 3), next) : operand(context);
}
function operand(context: Context): DurationExpr {
  const { tokens, where } = context;
  const { next } = tokens;
  const to = (): Range => ({ start: next.start, end: tokens.last.end });
  if (tokens.is('number') || tokens.is('duration')) {
    const value = numberOf(tokens.take());
    if (!(Math.abs(value) <= MAX_SECONDS)) throw new PromqlError('duration out of range', next);
    return { kind: 'seconds', value, isDuration: next.type === 'duration', ...to() };
  }
  for (const kind of ['step', 'range'] as const) {
    if (!tokens.isWord(kind)) continue;
    tokens.take();
    tokens.expect('(', where, EXPECTED);
    tokens.expect(')', where, EXPECTED);
    return { kind, ...to() };
  }
  for (const kind of ['min_of', 'max_of'] as const) {
    if (!tokens.isWord(kind)) continue;
    tokens.take();
    tokens.expect('(', where, EXPECTED);
    const left = binary(context, 0);
    tokens.expect(',', where, '","');
    const right = binary(context, 0);
    tokens.expect(')', where, '")"');
    return { kind, left, right, ...to() };
  }
  if (!tokens.is('(')) tokens.unexpected(where, EXPECTED);
  tokens.take();
  const of = binary(context, 0);
  tokens.expect(')', where, '")"');
  return { kind: 'group', of, ...to() };
}
