import { attributesJson, severityClass, spanHex, traceHex } from './expressions.ts';
import {
  allOf,
  between,
  containsPattern,
  nanoLiteral,
  numberLiteral,
  textList,
  textLiteral,
  timeLiteral,
  traceIdLiteral,
} from './literals.ts';

export interface LogSearch {
  readonly startMs: number;
  readonly endMs: number;
  readonly service?: string | undefined;
  /** Classes: fatal, error, warn, info, debug. Empty: all. */
  readonly severities?: readonly string[] | undefined;
  /** Words, all of which must be in the body; a word after "-" must not. "..." keeps words together. */
  readonly q?: string | undefined;
  readonly traceId?: string | undefined;
}

function bodyConditions(q: string): string[] {
  const words = [...q.matchAll(/(-?)(?:"([^"]*)"|(\S+))/g)];
  return words
    .map(([, minus, phrase, word]) => ({ minus, text: phrase ?? word ?? '' }))
    .filter(({ text }) => text !== '' && text !== '-')
    .map(({ minus, text }) => `${minus ? 'NOT ' : ''}coalesce(l.body, '') ILIKE ${containsPattern(text)} ESCAPE '\\'`);
}
const conditions = (search: LogSearch): string =>
  allOf([
    between('l.time', search.startMs, search.endMs),
    search.service && `l.service = ${textLiteral(search.service)}`,
    search.severities?.length ? `${severityClass('l')} IN ${textList(search.severities)}` : null,
    search.traceId && `l.trace_id = ${traceIdLiteral(search.traceId)}`,
    ...(search.q ? bodyConditions(search.q) : []),
  ]);

/** Newest first. `beforeMs`: only older ones (paging). */
export function searchLogsSql(search: LogSearch & { readonly limit: number; readonly beforeMs?: number | undefined }): string {
  const older = search.beforeMs === undefined ? '' : `\n  AND l.time < ${timeLiteral(search.beforeMs)}`;
  return `SELECT l.time, l.severity_number, l.severity_text, l.service, l.body,
  ${traceHex('l.trace_id')} AS trace_id, ${spanHex('l.span_id')} AS span_id,
  ${attributesJson('l.attributes', 'l.attribute_types')} AS attributes_json,
  ${attributesJson('r.attributes', 'r.attribute_types')} AS resource_json
FROM (
  SELECT * FROM logs l
  WHERE ${conditions(search)}${older}
  ORDER BY l.time DESC LIMIT ${numberLiteral(search.limit)}
) l LEFT JOIN resources r ON r.resource_id = l.resource_id
ORDER BY l.time DESC`;
}

/** Lines per step and severity class. */
export function logHistogramSql(search: LogSearch & { readonly stepMs: number }): string {
  const step = nanoLiteral(search.stepMs);
  return `SELECT make_timestamp_ns((epoch_ns(l.time) // ${step}) * ${step}) AS time, ${severityClass('l')} AS severity, count(*)::UINTEGER AS count
FROM logs l
WHERE ${conditions(search)}
GROUP BY ALL ORDER BY 1, 2`;
}
