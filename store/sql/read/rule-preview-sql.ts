import { keepBelow, SPREAD, type VolumeRule } from '#contracts/volume-rules.ts';
import { logShape, severityClass } from './expressions.ts';
import { allOf, between, numberLiteral, textList, textLiteral } from './literals.ts';
import type { Window } from './services-sql.ts';

/**
 * What a rule would have done to stored rows: the same decisions as main/engine/rules, as SQL. A test holds both together.
 * The source is left out: stored rows do not know it.
 */

/** `column` matches a text in which `*` stands for anything. */
function like(column: string, pattern: string | undefined): string | false {
  if (pattern === undefined) return false;
  if (!pattern.includes('*')) return `${column} = ${textLiteral(pattern)}`;
  return `${column} LIKE ${textLiteral(pattern.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%'))} ESCAPE '\\'`;
}
const LOW = '4294967295::UBIGINT';
const kept = (x: string, keepOneIn: number): string => `(((${x}) * ${SPREAD}::UBIGINT) & ${LOW}) < ${keepBelow(keepOneIn)}`;
const traceBits = (id: string): string => `('0x' || right(replace(${id}::VARCHAR, '-', ''), 8))::UBIGINT`;
const timeBits = (time: string): string => `xor((epoch_ns(${time}) & 4294967295)::UBIGINT, (epoch_ns(${time}) >> 32)::UBIGINT)`;
const cell = (time: string, seconds: number): string => `(epoch_ns(${time}) // 1000000) // ${numberLiteral(seconds * 1_000)}`;

const STATUS = { unset: 0, ok: 1, error: 2 } as const;
/** Rows `service`, `time`, `what`, `out` (not stored), `target` (what it is stored in instead) of everything in the window that matches. */
export function ruledRowsSql(rule: VolumeRule, window: Window, services: readonly string[] = []): string {
  const only = (column: string): string | false => services.length > 0 && `${column} IN ${textList(services)}`;
  if (rule.signal === 'traces') return ruledSpans(rule, window, only('s.service'));
  if (rule.signal === 'logs') return ruledLogs(rule, window, only('l.service'));
  return ruledPoints(rule, window, only('d.service'));
}
function ruledSpans({ match, action }: VolumeRule, window: Window, only: string | false): string {
  const keeps =
    action.kind === 'sample'
      ? `(${action.keepErrors ? 's.status_code = 2 OR ' : ''}${kept(traceBits('s.trace_id'), action.keepOneIn)})`
      : 'false';
  return `SELECT s.service, s.start_time AS time, s.name AS what, NOT ${keeps} AS out, NULL::UBIGINT AS target, NULL::UINTEGER AS series_id FROM spans s
WHERE ${allOf([
    between('s.start_time', window.startMs, window.endMs),
    like('s.service', match.service),
    like('s.name', match.span),
    match.status !== undefined && `s.status_code = ${STATUS[match.status]}`,
    only,
  ])}`;
}
function ruledLogs({ match, action }: VolumeRule, window: Window, only: string | false): string {
  const shape = logShape("coalesce(l.body, '')");
  const severity = severityClass('l');
  const hash = `CASE WHEN l.trace_id IS NULL THEN ${timeBits('l.time')} ELSE ${traceBits('l.trace_id')} END`;
  const keeps =
    action.kind === 'sample'
      ? `(${action.keepErrors ? `${severity} IN ('error', 'fatal') OR ` : ''}${kept(hash, action.keepOneIn)})`
      : 'false';
  const target =
    action.kind === 'aggregate' ? `hash(l.service, ${severity}, ${shape}, ${cell('l.time', action.intervalSeconds)})` : 'NULL::UBIGINT';
  return `SELECT l.service, l.time, l.body AS what, NOT ${keeps} AS out, ${target} AS target, NULL::UINTEGER AS series_id FROM logs l
WHERE ${allOf([
    between('l.time', window.startMs, window.endMs),
    like('l.service', match.service),
    match.severity !== undefined && `${severity} = ${textLiteral(match.severity)}`,
    match.pattern !== undefined && `${shape} = ${textLiteral(match.pattern)}`,
    only,
  ])}`;
}
/** Of a series: what it is folded into, see main/engine/rules/rule-dictionary.ts targetOf. */
function foldedSeries(without: readonly string[], op: string): string {
  const counter = op === 'last' && without.length === 0 ? 'false' : "(d.temporality <> '' OR d.monotonic)";
  const merged = without.some((key) => key === 'instance' || key === 'service.instance.id');
  const rest =
    without.length === 0
      ? 'map_entries(d.attributes)'
      : `list_filter(map_entries(d.attributes), lambda e: e.key NOT IN ${textList(without)})`;
  return `hash(d.metric, CASE WHEN ${counter} AND d.type <> 'histogram' THEN 'sum' ELSE d.type END, d.unit, CASE WHEN ${counter} THEN 'delta' ELSE d.temporality END,
    d.monotonic, d.source, d.service, ${merged ? '0, 0' : 'd.resource_id, d.scope_id'}, ${rest})`;
}
function ruledPoints({ match, action }: VolumeRule, window: Window, only: string | false): string {
  const aggregate = action.kind === 'aggregate' ? action : null;
  const label = (key: string): string => `coalesce(d.attributes[${textLiteral(key)}], '')`;
  const where = allOf([
    like('d.metric', match.metric),
    like('d.service', match.service),
    ...(match.labels ?? []).map(({ key, op, value }) =>
      op === '=' ? like(label(key), value) : `NOT (${String(like(label(key), value))})`,
    ),
    aggregate !== null && "d.number_type <> ''",
    only,
  ]);
  const inside = between('x.time', window.startMs, window.endMs);
  const target = aggregate
    ? `CASE WHEN NOT isnan(x.value) THEN hash(d.folded, ${cell('x.time', aggregate.intervalSeconds)}) END`
    : 'NULL::UBIGINT';
  const samples = `SELECT d.service, x.time, d.what, true AS out, ${target} AS target, d.series_id, d.folded FROM samples x JOIN chosen d USING (series_id) WHERE ${inside}`;
  const histograms = `SELECT d.service, x.time, d.what, true AS out, NULL::UBIGINT AS target, d.series_id, d.folded FROM histograms x JOIN chosen d USING (series_id) WHERE ${inside}`;
  return `WITH chosen AS MATERIALIZED (
  SELECT d.series_id, d.service, d.metric || '{' || array_to_string(list_transform(map_entries(d.attributes), lambda e: e.key || '=' || e.value), ',') || '}' AS what,
    ${aggregate ? foldedSeries(aggregate.without, aggregate.op) : 'NULL::UBIGINT'} AS folded
  FROM series d WHERE ${where}
)
${samples}${aggregate ? '' : `\nUNION ALL ${histograms}`}`;
}

/** One row: what matches, what goes, what comes in its place. */
export const rulePreviewSql = (rule: VolumeRule, window: Window): string => {
  const folded = rule.signal === 'metrics' ? 'count(DISTINCT folded)' : '0';
  return `SELECT count(*)::DOUBLE AS matched, count_if(out)::DOUBLE AS left_out, count(DISTINCT target)::DOUBLE AS written,
  count(DISTINCT series_id)::DOUBLE AS series, ${folded}::DOUBLE AS folded
FROM (
${ruledRowsSql(rule, window)}
)`;
};
export const ruleExamplesSql = (rule: VolumeRule, window: Window, limit: number): string =>
  `SELECT make_timestamp_ns(epoch_ns(time)) AS time, service, left(what, 300) AS what FROM (
${ruledRowsSql(rule, window)}
) WHERE out ORDER BY time DESC, service, what LIMIT ${numberLiteral(limit)}`;
/** Rows it would have taken of these services in a stretch. */
export const ruleTouchesSql = (rule: VolumeRule, window: Window, services: readonly string[]): string =>
  `SELECT count_if(out)::DOUBLE AS rows FROM (
${ruledRowsSql(rule, window, services)}
)`;
export const signalRowsSql = (signal: VolumeRule['signal'], window: Window): string => {
  const of = (table: string, time: string): string =>
    `(SELECT count(*) FROM ${table} WHERE ${between(time, window.startMs, window.endMs)})`;
  const rows =
    signal === 'traces'
      ? of('spans', 'start_time')
      : signal === 'logs'
        ? of('logs', 'time')
        : `${of('samples', 'time')} + ${of('histograms', 'time')}`;
  return `SELECT (${rows})::DOUBLE AS rows`;
};
