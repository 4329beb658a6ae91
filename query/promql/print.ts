import type { BinaryExpr, DurationExpr, Expr, Matcher, SelectorExpr, SubqueryExpr } from './ast.ts';

/** Expressions as text, as Prometheus writes them: on one line, or broken as `promtool promql format` does. */
const UNITS: readonly (readonly [unit: string, ms: number, isExact: boolean])[] = [
  ['y', 365 * 86_400_000, true],
  ['w', 7 * 86_400_000, true],
  ['d', 86_400_000, false],
  ['h', 3_600_000, false],
  ['m', 60_000, false],
  ['s', 1_000, false],
  ['ms', 1, false],
];
export function printDuration(seconds: number): string {
  let ms = Math.round(Math.abs(seconds) * 1000);
  if (ms === 0) return '0s';
  let text = seconds < 0 ? '-' : '';
  for (const [unit, size, isExact] of UNITS) {
    if (isExact && ms % size !== 0) continue;
    const count = Math.floor(ms / size);
    if (count > 0) text += `${count}${unit}`;
    ms -= count * size;
  }
  return text;
}
export function printNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = String(value);
  // Go's 'f' format: no exponent.
  return text.includes('e') ? plainDigits(text) : Object.is(value, -0) ? '-0' : text;
}
function plainDigits(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  const at = whole.length + Number(power);
  const digits = whole + fraction;
  if (at <= 0) return `${sign}0.${'0'.repeat(-at)}${digits}`;
  return at >= digits.length ? `${sign}${digits.padEnd(at, '0')}` : `${sign}${digits.slice(0, at)}.${digits.slice(at)}`;
}

const isPlainName = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
const printLabel = (name: string): string => (isPlainName(name) ? name : JSON.stringify(name));
const printLabels = (names: readonly string[]): string => `(${names.map(printLabel).join(', ')})`;

function printInner(duration: DurationExpr): string {
  switch (duration.kind) {
    case 'seconds':
      return duration.isDuration ? printDuration(duration.value) : printNumber(duration.value);
    case 'step':
    case 'range':
      return `${duration.kind}()`;
    case 'negative':
      return `-${printInner(duration.of)}`;
    case 'group':
      return `(${printInner(duration.of)})`;
    case 'binary':
      return `${printInner(duration.left)} ${duration.operator} ${printInner(duration.right)}`;
    case 'min_of':
    case 'max_of':
      return `${duration.kind}(${printInner(duration.left)}, ${printInner(duration.right)})`;
  }
}
const printOuter = (duration: DurationExpr): string => (duration.kind === 'seconds' ? printDuration(duration.value) : printInner(duration));

function printModifiers({ at, offset }: Pick<SelectorExpr | SubqueryExpr, 'at' | 'offset'>): string {
  const time = at === null ? '' : at.kind === 'time' ? ` @ ${(at.ms / 1000).toFixed(3)}` : ` @ ${at.kind}()`;
  const isNone = offset === null || (offset.kind === 'seconds' && offset.value === 0);
  return `${time}${isNone ? '' : ` offset ${printOuter(offset)}`}`;
}
function printSelector(selector: SelectorExpr, range = ''): string {
  const { name, matchers, modifier } = selector;
  const shown =
    name === ''
      ? matchers
      : matchers.filter((matcher) => !(matcher.name === '__name__' && matcher.operator === '=' && matcher.value === name));
  const print = (matcher: Matcher): string => `${printLabel(matcher.name)}${matcher.operator}${JSON.stringify(matcher.value)}`;
  const braces = shown.length > 0 ? `{${shown.map(print).sort().join(',')}}` : '';
  return `${name}${braces}${range}${modifier ? ` ${modifier}` : ''}${printModifiers(selector)}`;
}
const printSubqueryRange = (expr: SubqueryExpr): string =>
  `[${printOuter(expr.range)}:${expr.step ? printOuter(expr.step) : ''}]${printModifiers(expr)}`;

/** Behind the operator. */
function printMatching({ bool, matching }: BinaryExpr): string {
  const { on, labels, group, include, fillLeft, fillRight } = matching;
  let text = bool ? ' bool' : '';
  if (on || labels.length > 0 || group) text += ` ${on ? 'on' : 'ignoring'} ${printLabels(labels)}`;
  if (group) text += ` group_${group} ${printLabels(include)}`;
  if (fillLeft !== null && fillLeft === fillRight) return `${text} fill (${printNumber(fillLeft)})`;
  if (fillLeft !== null) text += ` fill_left (${printNumber(fillLeft)})`;
  if (fillRight !== null) text += ` fill_right (${printNumber(fillRight)})`;
  return text;
}
function aggregateHead({ operator, grouping, without }: Extract<Expr, { kind: 'aggregate' }>): string {
  if (without) return `${operator} without ${printLabels(grouping)} `;
  return grouping.length > 0 ? `${operator} by ${printLabels(grouping)} ` : operator;
}

export function printPromql(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return expr.isDuration ? printDuration(expr.value) : printNumber(expr.value);
    case 'string':
      return JSON.stringify(expr.value);
    case 'selector':
      return printSelector(expr);
    case 'matrix':
      return printSelector(expr.selector, `[${printOuter(expr.range)}]`);
    case 'subquery':
      return `${printPromql(expr.expr)}${printSubqueryRange(expr)}`;
    case 'unary':
      return `${expr.operator}${printPromql(expr.expr)}`;
    case 'paren':
      return `(${printPromql(expr.expr)})`;
    case 'call':
      return `${expr.function}(${expr.args.map(printPromql).join(', ')})`;
    case 'aggregate':
      return `${aggregateHead(expr)}(${[expr.parameter, expr.expr].flatMap((each) => (each ? [printPromql(each)] : [])).join(', ')})`;
    case 'binary':
      return `${printPromql(expr.left)} ${expr.operator}${printMatching(expr)} ${printPromql(expr.right)}`;
  }
}

/** @param maxWidth what fits is left on its line: 100 in Prometheus */
export function formatPromql(expr: Expr, maxWidth = 100, level = 0): string {
  const indent = '  '.repeat(level);
  const line = printPromql(expr);
  const inner = (each: Expr): string => formatPromql(each, maxWidth, level + 1);
  const isLong = line.length > maxWidth;
  const inside = (head: string, args: readonly Expr[], tail: string): string =>
    `${head}(\n${args.map(inner).join(',\n')}\n${indent})${tail}`;
  switch (expr.kind) {
    case 'aggregate':
      return isLong
        ? `${indent}${inside(aggregateHead(expr), [...(expr.parameter ? [expr.parameter] : []), expr.expr], '')}`
        : indent + line;
    case 'call':
      return isLong && expr.args.length > 0 ? `${indent}${inside(expr.function, expr.args, '')}` : indent + line;
    case 'paren':
      return isLong ? `${indent}${inside('', [expr.expr], '')}` : indent + line;
    case 'binary':
      return isLong ? `${inner(expr.left)}\n${indent}${expr.operator}${printMatching(expr)}\n${inner(expr.right)}` : indent + line;
    case 'unary':
      return indent + expr.operator + formatPromql(expr.expr, maxWidth, level).trimStart();
    case 'subquery':
      return `${formatPromql(expr.expr, maxWidth, level)}${printSubqueryRange(expr)}`;
    default:
      return indent + line;
  }
}
