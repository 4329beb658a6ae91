import { isEntry, spanWeight } from './expressions.ts';
import { allOf, between, nanoLiteral, numberLiteral, textLiteral } from './literals.ts';

/** Which requests (query/span-series.ts SpanFilter, which this folder does not know). */
export interface CountedRequests {
  readonly service: string;
  readonly operation: string;
  readonly bad: { readonly errors: boolean; readonly slowerMs: number | null } | null;
}
export function badRequest(s: string, bad: CountedRequests['bad']): string {
  const parts = [
    bad?.errors ? `${s}.status_code = 2` : '',
    bad && bad.slowerMs !== null ? `${s}.duration_ns > ${numberLiteral(Math.round(bad.slowerMs * 1e6))}` : '',
  ];
  return parts.filter((part) => part !== '').join(' OR ') || 'false';
}
export const theseRequests = (s: string, { service, operation }: CountedRequests): string =>
  allOf([
    service !== '' && `${s}.service = ${textLiteral(service)}`,
    operation !== '' && `${s}.name = ${textLiteral(operation)}`,
    isEntry(s),
  ]);

/** Requests that began in each cell of [startMs, endMs), and the bad ones of them; cells without any have no row. */
export const spanCountsSql = (
  which: CountedRequests,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  cellMs: number,
): string => `SELECT (epoch_ns(s.start_time) // ${nanoLiteral(cellMs)})::DOUBLE AS cell, sum(${spanWeight('s')})::DOUBLE AS total,
  sum(CASE WHEN ${badRequest('s', which.bad)} THEN ${spanWeight('s')} ELSE 0 END)::DOUBLE AS bad
FROM spans s WHERE ${between('s.start_time', startMs, endMs)}
  AND ${theseRequests('s', which)}
GROUP BY cell ORDER BY cell`;
