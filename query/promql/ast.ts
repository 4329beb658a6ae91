import type { Range } from './token.ts';

/** Expressions as written, with where they stand. Times and durations: nanoseconds where exact, else seconds as said. */
export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

export type MatchOperator = '=' | '!=' | '=~' | '!~';
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
}
export type AtModifier = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'start' | 'end' };
export type SelectorModifier = 'anchored' | 'smoothed';

/** Duration in seconds, or one to be computed when step and range of the query are known. */
export type DurationExpr =
  | ({ readonly kind: 'seconds'; readonly value: number; readonly isDuration: boolean } & Range)
  | ({ readonly kind: 'step' | 'range' } & Range)
  | ({ readonly kind: 'negative' | 'group'; readonly of: DurationExpr } & Range)
  | ({
      readonly kind: 'binary';
      readonly operator: '+' | '-' | '*' | '/' | '%' | '^';
      readonly left: DurationExpr;
      readonly right: DurationExpr;
    } & Range)
  | ({ readonly kind: 'min_of' | 'max_of'; readonly left: DurationExpr; readonly right: DurationExpr } & Range);

interface Modified {
  offset: DurationExpr | null;
  at: AtModifier | null;
}
export interface NumberExpr extends Range {
  readonly kind: 'number';
  readonly value: number;
  /** Written as a duration: 5m. */
  readonly isDuration: boolean;
}
export interface StringExpr extends Range {
  readonly kind: 'string';
  readonly value: string;
}
export interface SelectorExpr extends Range, Modified {
  readonly kind: 'selector';
  /** '' when the name is only among the matchers. */
  readonly name: string;
  readonly matchers: readonly Matcher[];
  modifier: SelectorModifier | null;
  end: number;
}
export interface MatrixExpr extends Range {
  readonly kind: 'matrix';
  readonly selector: SelectorExpr;
  readonly range: DurationExpr;
  end: number;
}
export interface SubqueryExpr extends Range, Modified {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly range: DurationExpr;
  /** null: the default resolution. */
  readonly step: DurationExpr | null;
  end: number;
}
export interface UnaryExpr extends Range {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly expr: Expr;
}
export interface ParenExpr extends Range {
  readonly kind: 'paren';
  readonly expr: Expr;
}
export interface CallExpr extends Range {
  readonly kind: 'call';
  readonly function: string;
  readonly args: readonly Expr[];
}
export interface AggregateExpr extends Range {
  readonly kind: 'aggregate';
  readonly operator: string;
  readonly expr: Expr;
  readonly parameter: Expr | null;
  readonly grouping: readonly string[];
  readonly without: boolean;
}
export interface VectorMatching {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly group: 'left' | 'right' | null;
  readonly include: readonly string[];
  readonly fillLeft: number | null;
  readonly fillRight: number | null;
  /** `on` or `ignoring` was written. */
  readonly isWritten: boolean;
}
export interface BinaryExpr extends Range {
  readonly kind: 'binary';
  readonly operator: string;
  readonly left: Expr;
  readonly right: Expr;
  readonly bool: boolean;
  readonly matching: VectorMatching;
  /** From the operator to the end of its modifiers; its end is one less, as Prometheus counts it. */
  readonly operatorRange: Range;
}
export type Expr =
  | NumberExpr
  | StringExpr
  | SelectorExpr
  | MatrixExpr
  | SubqueryExpr
  | UnaryExpr
  | ParenExpr
  | CallExpr
  | AggregateExpr
  | BinaryExpr;
/** What an expression is made of; not what a selector or subquery looks at. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'paren':
    case 'unary':
      return [expr.expr];
    case 'call':
      return expr.args;
    case 'aggregate':
      return expr.parameter ? [expr.parameter, expr.expr] : [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    default:
      return [];
  }
}
