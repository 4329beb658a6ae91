import { childrenOf, type Expr } from '#query/promql/ast.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { printPromql } from '#query/promql/print.ts';
import { selectionsOf } from '#query/promql/selections.ts';
import { type SpanFilter, spanFilterOf } from '#query/span-series.ts';
import { inWindow } from './generate-rules.ts';
import type { Sli } from './objective.ts';

/** What can be told of an indicator from its queries. */
export interface SliShape {
  /** Requests it counts, when it counts nothing else; those that are bad. */
  readonly spans: SpanFilter | null;
  /** Its events are a rate a second: times seconds it is events. */
  readonly isRate: boolean;
}
const MINUTE_MS = 60_000;
const ANY = { grid: { startMs: 0, stepMs: 0, count: 1 }, lookbackMs: 0, subqueryStepMs: MINUTE_MS };

function callsRate(expr: Expr): boolean {
  return (expr.kind === 'call' && /^i?rate$/.test(expr.function)) || childrenOf(expr).some(callsRate);
}
export function shapeOf(sli: Sli): SliShape {
  const queries = sli.kind === 'events' ? [sli.errorQuery, sli.totalQuery] : [sli.errorRatioQuery];
  try {
    const parsed = queries.map((query) => parsePromql(inWindow(query, MINUTE_MS)));
    const filters = parsed.flatMap((expr) => selectionsOf(expr, ANY).map(({ matchers }) => spanFilterOf(matchers)));
    const bad = filters.find((filter) => filter?.bad);
    const isSpans =
      filters.length > 0 && filters.every((filter) => filter && filter.service === bad?.service && filter.operation === bad?.operation);
    return { spans: isSpans && bad ? bad : null, isRate: sli.kind === 'events' && parsed.some(callsRate) };
  } catch {
    // A dialect, or a selector of spans that cannot be counted: its evaluation says so.
    return { spans: null, isRate: false };
  }
}
/** What a plain `sum(X)` adds up. @returns null: the query is none */
export function summedIn(query: string): string | null {
  let expr: Expr = parsePromql(query);
  while (expr.kind === 'paren') expr = expr.expr;
  if (expr.kind !== 'aggregate' || expr.operator !== 'sum' || expr.grouping.length > 0 || expr.without) return null;
  return printPromql(expr.expr);
}
