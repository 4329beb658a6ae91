import { parsePromql } from '#query/promql/parser.ts';
import { PromqlError } from '#query/promql/token.ts';
import { placeOf } from '#query/rules/place-of.ts';

/** Where a query's length of time stands. */
export const WINDOW_PATTERN = /\{\{-?\s*\.window\s*-?\}\}/g;

/** What is wrong with a query of an objective; '': nothing. @param isPromql otherwise a dialect that is not read here */
export function queryFault(query: string, isPromql: boolean): string {
  if (query.trim() === '') return 'a query is required';
  if (query.search(WINDOW_PATTERN) < 0) return 'the query must contain {{.window}}';
  const rendered = query.replace(WINDOW_PATTERN, '1m');
  const other = /\{\{[^}]*\}?\}?/.exec(rendered);
  if (other) return `only {{.window}} is known in a query, not ${other[0].slice(0, 40)}`;
  return isPromql ? promqlFault(rendered) : '';
}
export function promqlFault(text: string): string {
  try {
    parsePromql(text);
    return '';
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    return `could not parse expression: ${placeOf(text, error.range.start)}: parse error: ${error.message}`;
  }
}
