import { type ExactFilter, LOG_FIELDS } from '#contracts/exact-filter.ts';
import { LOGS } from '#contracts/tables.ts';
import { attributesJson, severityClass, spanHex, traceHex } from './expressions.ts';
import { filterConditions } from './filters-sql.ts';
import { allOf, between, containsPattern, nanoLiteral, numberLiteral, textList, textLiteral, traceIdLiteral } from './literals.ts';

export interface LogSearch {
  readonly startMs: number;
  readonly endMs: number;
  readonly service?: string | undefined;
  /** Classes: fatal, error, warn, info, debug. Empty: all. */
  readonly severities?: readonly string[] | undefined;
  /** Words, all of which must be in the body; a word after "-" must not. "..." keeps words together. */
  readonly q?: string | undefined;
  readonly traceId?: string | undefined;
  readonly filters?: readonly ExactFilter[] | undefined;
}

function bodyConditions(q: string): string[] {
  const words = [...q.matchAll(/(-?)(?:"([^"]*)"|(\S+))/g)];
  return words
    .map(([, minus, phrase, word]) => ({ minus, text: phrase ?? word ?? '' }))
    .filter(({ text }) => text !== '' && text !== '-')
    .map(({ minus, text }) => `${minus ? 'NOT ' : ''}coalesce(l.body, '') ILIKE ${containsPattern(text)} ESCAPE '\\'`);
}
/** Of all a record holds. */
const LOG_ORDER = `hash(${LOGS.columns.map(({ name }) => `l.${name}`).join(', ')})`;
const conditions = (search: LogSearch): string =>
  allOf([
    between('l.time', search.startMs, search.endMs),
    search.service && `l.service = ${textLiteral(search.service)}`,
    search.severities?.length ? `${severityClass('l')} IN ${textList(search.severities)}` : null,
    search.traceId && `l.trace_id = ${traceIdLiteral(search.traceId)}`,
    ...(search.q ? bodyConditions(search.q) : []),
    ...filterConditions(search.filters, { row: 'l.', fields: LOG_FIELDS, table: LOGS }),
  ]);

/** Where a page of logs ends: the time of its last row, and how many rows of that very time have been shown. */
export interface LogCursor {
  readonly unixNano: bigint;
  readonly shown: number;
}
/**
 * Newest first. Records have no id and may be equal in all they hold, so a page goes on after `shown` rows of the cursor's
 * time: rows of one time come in the order of a hash of their contents, and equal rows may stand for each other. The times
 * of the page are found first, from one column; only rows of those times are read and hashed.
 */
export function searchLogsSql(search: LogSearch & { readonly limit: number; readonly after?: LogCursor | undefined }): string {
  const { after, limit } = search;
  const upTo = after ? `${conditions(search)}\n  AND l.time <= make_timestamp_ns(${after.unixNano})` : conditions(search);
  const skip = after?.shown ?? 0;
  return `WITH page AS (
  SELECT min(time) AS first FROM (SELECT l.time FROM logs l WHERE ${upTo} ORDER BY l.time DESC LIMIT ${numberLiteral(limit + skip)})
)
SELECT l.time, l.severity_number, l.severity_text, l.service, l.body,
  ${traceHex('l.trace_id')} AS trace_id, ${spanHex('l.span_id')} AS span_id,
  ${attributesJson('l', LOGS)} AS attributes_json,
  ${attributesJson('r')} AS resource_json
FROM (
  SELECT l.*, ${LOG_ORDER} AS turn FROM logs l
  WHERE ${upTo}
  AND l.time >= (SELECT first FROM page)
  ORDER BY l.time DESC, turn LIMIT ${numberLiteral(limit)} OFFSET ${numberLiteral(skip)}
) l LEFT JOIN resources r ON r.resource_id = l.resource_id
ORDER BY l.time DESC, l.turn`;
}

/** Lines per step and severity class. */
export function logHistogramSql(search: LogSearch & { readonly stepMs: number }): string {
  const step = nanoLiteral(search.stepMs);
  return `SELECT make_timestamp_ns((epoch_ns(l.time) // ${step}) * ${step}) AS time, ${severityClass('l')} AS severity, count(*)::UINTEGER AS count
FROM logs l
WHERE ${conditions(search)}
GROUP BY ALL ORDER BY 1, 2`;
}
