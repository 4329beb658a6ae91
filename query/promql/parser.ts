import type { AggregateExpr, AtModifier, BinaryExpr, Expr, Matcher, MatchOperator, SelectorExpr, VectorMatching } from './ast.ts';
import { checkExpr } from './check.ts';
import { parseOffset, parseRange } from './duration-parser.ts';
import { FUNCTIONS } from './functions.ts';
import { numberOf, stringOf } from './literals.ts';
import { PromqlError, type Range, type Token } from './token.ts';
import { TokenStream } from './token-stream.ts';

/**
 * Expressions by precedence: or < and, unless < comparisons and trimming < + - < * / % atan2 < unary < ^ (to the right) < what follows an
 * operand ([], offset, @, anchored, smoothed). Errors have the words and the place Prometheus has for them.
 */
const PRECEDENCE: Readonly<Record<string, number>> = {
  ...{ or: 1, and: 2, unless: 2 },
  ...{ '==': 3, '!=': 3, '<=': 3, '<': 3, '>=': 3, '>': 3, '</': 3, '>/': 3 },
  ...{ '+': 4, '-': 4, '*': 5, '/': 5, '%': 5, atan2: 5, '^': 6 },
};
const POWER = 6;
/** Nesting of one expression; beyond it the stack could end. */
const MAX_DEPTH = 500;
/** Keywords that are no name of a metric where an operand is expected. */
const NEVER_METRICS: ReadonlySet<string> = new Set(['bool', 'on', 'ignoring', 'group_left', 'group_right']);
const LABEL_TYPES: ReadonlySet<string> = new Set(['identifier', 'metric identifier', 'keyword', 'aggregator']);
const NO_MATCHING: VectorMatching = { on: false, labels: [], group: null, include: [], fillLeft: null, fillRight: null, isWritten: false };

const spanOf = (from: Range, to: Range): Range => ({ start: from.start, end: to.end });
const isWordOperator = ({ type, word }: Token): boolean => type === 'operator' && /^[a-z]/.test(word) && word !== 'atan2';

/** @throws PromqlError with the place of what is wrong */
export function parsePromql(input: string): Expr {
  const parser = new Parser(input);
  const expr = parser.whole();
  checkExpr(expr, input);
  return expr;
}

class Parser {
  private readonly tokens: TokenStream;
  private depth = 0;

  constructor(input: string) {
    this.tokens = new TokenStream(input);
  }
  whole(): Expr {
    const { tokens } = this;
    if (tokens.is('eof')) throw new PromqlError('no expression found in input', { start: 0, end: 0 });
    const expr = this.binary(0);
    if (!tokens.is('eof')) tokens.unexpected();
    return expr;
  }

  private binary(above: number): Expr {
    if (++this.depth > MAX_DEPTH) throw new PromqlError(`the expression is nested more than ${MAX_DEPTH} deep`, this.tokens.next);
    let left = this.unary();
    for (;;) {
      const { type, word } = this.tokens.next;
      const precedence = type === 'operator' ? (PRECEDENCE[word] ?? 0) : 0;
      if (precedence === 0 || (word === '^' ? precedence < above : precedence <= above)) break;
      left = this.binaryRest(left, precedence);
    }
    this.depth--;
    return left;
  }
  private binaryRest(left: Expr, precedence: number): BinaryExpr {
    const operator = this.tokens.take();
    const bool = this.tokens.takeWord('bool') !== null;
    const matching = this.matching();
    const { end } = this.tokens.last;
    const right = this.binary(operator.word === '^' ? precedence - 0.5 : precedence);
    // Prometheus says the last character of it, not the one behind.
    const operatorRange = { start: operator.start, end: end - 1 };
    return { kind: 'binary', operator: operator.word, left, right, bool, matching, operatorRange, start: left.start, end: right.end };
  }
  private matching(): VectorMatching {
    const { tokens } = this;
    const on = tokens.takeWord('on');
    let matching = NO_MATCHING;
    if (on || tokens.takeWord('ignoring')) {
      matching = { ...matching, on: on !== null, labels: this.groupingLabels(), isWritten: true };
      const left = tokens.takeWord('group_left');
      if (left || tokens.takeWord('group_right'))
        matching = { ...matching, group: left ? 'left' : 'right', include: tokens.is('(') ? this.groupingLabels() : [] };
    }
    for (;;) {
      const word = ['fill', 'fill_left', 'fill_right'].find((each) => tokens.isWord(each) && tokens.isAhead('('));
      if (!word) return matching;
      tokens.take();
      const value = this.fillValue();
      if (word !== 'fill_right') matching = { ...matching, fillLeft: value };
      if (word !== 'fill_left') matching = { ...matching, fillRight: value };
    }
  }
  private fillValue(): number {
    const { tokens } = this;
    tokens.expect('(', 'fill modifier');
    const sign = tokens.takeSign();
    if (!tokens.is('number') && !tokens.is('duration')) tokens.unexpected('fill modifier', 'number');
    const value = numberOf(tokens.take());
    tokens.expect(')', 'fill modifier');
    return sign === '-' ? -value : value;
  }

  private unary(): Expr {
    const { next } = this.tokens;
    const operator = this.tokens.takeSign();
    if (!operator) return this.operand();
    // Between * and ^: what binds as * does stays outside.
    const expr = this.binary(POWER - 0.5);
    if (expr.kind === 'number') return { ...expr, value: operator === '-' ? -expr.value : expr.value, start: next.start };
    return { kind: 'unary', operator, expr, start: next.start, end: expr.end };
  }

  private operand(): Expr {
    let expr = this.primary();
    for (;;) {
      const { tokens } = this;
      if (tokens.is('[')) expr = this.ranged(expr);
      else if (tokens.isWord('offset')) this.offset(expr);
      else if (tokens.isOperator('@')) this.at(expr);
      else if (tokens.isWord('anchored') || tokens.isWord('smoothed')) this.modifier(expr);
      else return expr;
    }
  }
  private primary(): Expr {
    const { tokens } = this;
    const { next } = tokens;
    switch (next.type) {
      case 'number':
      case 'duration':
        return { kind: 'number', value: numberOf(tokens.take()), isDuration: next.type === 'duration', start: next.start, end: next.end };
      case 'string':
        return { kind: 'string', value: stringOf(tokens.take()), start: next.start, end: next.end };
      case '(': {
        tokens.take();
        const expr = this.binary(0);
        const close = tokens.expect(')');
        return { kind: 'paren', expr, ...spanOf(next, close) };
      }
      case '{':
        return this.selector(null);
      case 'aggregator':
        if (tokens.isAhead('(') || tokens.isWordAhead('by') || tokens.isWordAhead('without')) return this.aggregate();
        break;
    }
    const isName = LABEL_TYPES.has(next.type) ? !NEVER_METRICS.has(next.word) : isWordOperator(next);
    if (!isName) tokens.unexpected();
    const isCall = tokens.isAhead('(') && (next.type === 'identifier' || next.type === 'keyword');
    return isCall ? this.call() : this.selector(tokens.take());
  }

  private call(): Expr {
    const name = this.tokens.take();
    const called = name.type === 'keyword' ? name.word : name.text;
    if (!FUNCTIONS.has(called)) throw new PromqlError(`unknown function with name ${JSON.stringify(name.text)}`, name);
    const args = this.args();
    return { kind: 'call', function: called, args, ...spanOf(name, this.tokens.last) };
  }
  private args(): Expr[] {
    const { tokens } = this;
    tokens.expect('(');
    const args: Expr[] = [];
    while (!tokens.is(')')) {
      args.push(this.binary(0));
      if (!tokens.is(',')) break;
      const comma = tokens.take();
      if (tokens.is(')')) throw new PromqlError('trailing commas not allowed in function call args', comma);
    }
    tokens.expect(')');
    return args;
  }
  private aggregate(): AggregateExpr {
    const { tokens } = this;
    const operator = tokens.take();
    let grouping = this.grouping();
    const args = this.args();
    grouping ??= this.grouping();
    const range = spanOf(operator, tokens.last);
    if (args.length === 0) throw new PromqlError('no arguments for aggregate expression provided', range);
    const wanted = ['topk', 'bottomk', 'count_values', 'quantile', 'limitk', 'limit_ratio'].includes(operator.word) ? 2 : 1;
    if (args.length !== wanted)
      throw new PromqlError(`wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`, range);
    return {
      kind: 'aggregate',
      operator: operator.word,
      expr: args.at(-1) as Expr,
      parameter: wanted === 2 ? (args[0] as Expr) : null,
      grouping: grouping?.labels ?? [],
      without: grouping?.without ?? false,
      ...range,
    };
  }
  private grouping(): { readonly labels: readonly string[]; readonly without: boolean } | null {
    const without = this.tokens.takeWord('without') !== null;
    if (!without && !this.tokens.takeWord('by')) return null;
    return { without, labels: this.groupingLabels() };
  }
  private groupingLabels(): string[] {
    const { tokens } = this;
    tokens.expect('(', 'grouping opts');
    const labels: string[] = [];
    while (!tokens.is(')')) {
      const { next } = tokens;
      if (next.type === 'string') labels.push(stringOf(tokens.take()));
      else if (LABEL_TYPES.has(next.type) || isWordOperator(next) || next.word === 'atan2') labels.push(tokens.take().text);
      else tokens.unexpected('grouping opts', 'label');
      if (tokens.is(',')) tokens.take();
      else if (!tokens.is(')')) tokens.unexpected('grouping opts', '"," or ")"');
    }
    tokens.take();
    return labels;
  }

  private selector(name: Token | null): SelectorExpr {
    const { tokens } = this;
    const { start } = name ?? tokens.next;
    const matchers = tokens.is('{') ? this.matchers() : [];
    return {
      kind: 'selector',
      name: name?.text ?? '',
      matchers: name ? [...matchers, { name: '__name__', operator: '=', value: name.text }] : matchers,
      offset: null,
      at: null,
      modifier: null,
      start,
      end: tokens.last.end,
    };
  }
  private matchers(): Matcher[] {
    const { tokens } = this;
    tokens.take();
    const found: Matcher[] = [];
    while (!tokens.is('}')) {
      found.push(this.matcher());
      if (tokens.is(',')) tokens.take();
      else if (!tokens.is('}')) tokens.unexpected('label matching', '"," or "}"');
    }
    tokens.take();
    return found;
  }
  private matcher(): Matcher {
    const { tokens } = this;
    const { type } = tokens.next;
    if (type !== 'identifier' && type !== 'string') tokens.unexpected('label matching', 'identifier or "}"');
    const label = tokens.take();
    const name = label.type === 'string' ? stringOf(label) : label.text;
    const operator = tokens.takeMatchOperator();
    // A string alone is the metric's name.
    if (!operator && label.type === 'string' && (tokens.is(',') || tokens.is('}'))) return { name: '__name__', operator: '=', value: name };
    if (!operator) tokens.unexpected('label matching', 'label matching operator');
    if (!tokens.is('string')) tokens.unexpected('label matching', 'string');
    return { name, operator: operator as MatchOperator, value: stringOf(tokens.take()) };
  }

  private ranged(expr: Expr): Expr {
    const { tokens } = this;
    const open = tokens.take();
    const { range, step, isSubquery } = parseRange(tokens);
    const close = tokens.last;
    const at = spanOf(open, close);
    if (isSubquery) return { kind: 'subquery', expr, range, step, offset: null, at: null, start: expr.start, end: close.end };
    if (expr.kind !== 'selector') throw new PromqlError('ranges only allowed for vector selectors', at);
    if (expr.offset) throw new PromqlError('no offset modifiers allowed before range', at);
    if (expr.at) throw new PromqlError('no @ modifiers allowed before range', at);
    return { kind: 'matrix', selector: expr, range, start: expr.start, end: close.end };
  }
  /** Selectors and subqueries take what comes behind them; a range hands it on to its selector. */
  private modified(expr: Expr, what: string): { target: SelectorExpr | Extract<Expr, { kind: 'subquery' }>; outer: { end: number } } {
    if (expr.kind === 'matrix') return { target: expr.selector, outer: expr };
    if (expr.kind === 'selector' || expr.kind === 'subquery') return { target: expr, outer: expr };
    throw new PromqlError(`${what} must be preceded by an instant vector selector or range vector selector or a subquery`, expr);
  }
  private offset(expr: Expr): void {
    const { tokens } = this;
    tokens.take();
    const offset = parseOffset(tokens);
    const { target, outer } = this.modified(expr, 'offset modifier');
    if (target.offset) throw new PromqlError('offset may not be set multiple times', { start: expr.start, end: outer.end });
    target.offset = offset;
    outer.end = tokens.last.end;
  }
  private at(expr: Expr): void {
    const { tokens } = this;
    tokens.take();
    const at = this.timestamp(expr);
    const { target, outer } = this.modified(expr, '@ modifier');
    if (target.at) throw new PromqlError('@ <timestamp> may not be set multiple times', { start: expr.start, end: outer.end });
    target.at = at;
    outer.end = tokens.last.end;
  }
  private timestamp(expr: Expr): AtModifier {
    const { tokens } = this;
    for (const kind of ['start', 'end'] as const) {
      if (!tokens.isWord(kind)) continue;
      tokens.take();
      tokens.expect('(', '@', 'timestamp');
      tokens.expect(')', '@', 'timestamp');
      return { kind };
    }
    const sign = tokens.takeSign();
    if (!tokens.is('number') && !tokens.is('duration')) tokens.unexpected('@', 'timestamp');
    const token = tokens.take();
    const seconds = numberOf(token) * (sign === '-' ? -1 : 1);
    const ms = Math.round(seconds * 1000);
    // Prometheus keeps milliseconds in 64 bits.
    if (!(Math.abs(ms) < 2 ** 63)) {
      const shown = Number.isNaN(seconds) ? 'NaN' : seconds > 0 ? '+Inf' : '-Inf';
      throw new PromqlError(`timestamp out of bounds for @ modifier: ${Number.isFinite(seconds) ? seconds : shown}`, expr);
    }
    return { kind: 'time', ms };
  }
  private modifier(expr: Expr): void {
    const { tokens } = this;
    const word = tokens.take().word as 'anchored' | 'smoothed';
    const selector = expr.kind === 'matrix' ? expr.selector : expr;
    if (selector.kind !== 'selector')
      throw new PromqlError(`${word} modifier must be preceded by an instant vector selector or range vector selector`, expr);
    if (selector.modifier) throw new PromqlError('anchored and smoothed modifiers cannot be set multiple times', expr);
    selector.modifier = word;
    (expr as { end: number }).end = tokens.last.end;
  }
}
