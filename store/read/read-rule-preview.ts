import type { Incident } from '#contracts/judgement.ts';
import type { QueryOptions, Store } from '#contracts/store.ts';
import type { RulePreview, VolumeRule } from '#contracts/volume-rules.ts';
import { ruleExamplesSql, rulePreviewSql, ruleTouchesSql, signalRowsSql } from '../sql/read/rule-preview-sql.ts';
import type { Window } from '../sql/read/services-sql.ts';
import { bytesPerRow } from './read-volume.ts';

const EXAMPLES = 5;
/** Incidents looked at, newest first; what came before one may be in its evidence. */
const MAX_INCIDENTS = 20;
const LEAD_MS = 600_000;
const TABLE = { metrics: 'samples', traces: 'spans', logs: 'logs' } as const;

/** What a rule would have done to the stored rows of a window. */
export async function readRulePreview(
  store: Pick<Store, 'query' | 'fileShares'>,
  rule: VolumeRule,
  window: Window,
  incidents: readonly Incident[],
  options: QueryOptions,
): Promise<RulePreview> {
  const first = async (sql: string): Promise<Record<string, unknown>> => (await store.query(sql, [], options)).rows()[0] ?? {};
  const sql = rulePreviewSql(rule, window);
  const found = await first(sql);
  const number = (name: string): number => Number(found[name] ?? 0);
  const [matched, leftOut, written] = [number('matched'), number('left_out'), number('written')];
  const isMetric = rule.signal === 'metrics';
  const [series, left] = [number('series'), rule.action.kind === 'aggregate' ? number('folded') : 0];
  const sizes = bytesPerRow(await store.fileShares(window.startMs, window.endMs, options.signal));
  const per = (table: string): number => sizes[table] ?? 0;
  const rows = Number((await first(signalRowsSql(rule.signal, window)))['rows'] ?? 0);
  const examples = leftOut === 0 ? [] : (await store.query(ruleExamplesSql(rule, window, EXAMPLES), [], options)).rows();
  return {
    start: window.startMs,
    end: window.endMs,
    matched,
    leftOut,
    written,
    bytesSaved: leftOut * per(TABLE[rule.signal]) - written * per('samples') + (isMetric ? (series - left) * per('series') : 0),
    share: rows > 0 ? leftOut / rows : 0,
    seriesBefore: isMetric ? series : null,
    seriesAfter: isMetric ? left : null,
    exact: rule.match.source === undefined,
    examples: examples.map((row) => ({
      time: String(row['time']),
      service: String(row['service'] ?? ''),
      what: String(row['what'] ?? ''),
    })),
    incidents: leftOut === 0 ? [] : await touched(rule, window, incidents, first),
    query: sql,
  };
}
async function touched(
  rule: VolumeRule,
  window: Window,
  incidents: readonly Incident[],
  first: (sql: string) => Promise<Record<string, unknown>>,
): Promise<RulePreview['incidents']> {
  const near = incidents.filter(({ onsetMs, resolvedMs }) => onsetMs < window.endMs && (resolvedMs ?? window.endMs) > window.startMs);
  const found: RulePreview['incidents'] = [];
  for (const { id, title, services, onsetMs, resolvedMs } of near.slice(0, MAX_INCIDENTS)) {
    const stretch = { startMs: Math.max(window.startMs, onsetMs - LEAD_MS), endMs: Math.min(window.endMs, resolvedMs ?? window.endMs) };
    const rows = services.length === 0 ? 0 : Number((await first(ruleTouchesSql(rule, stretch, services)))['rows'] ?? 0);
    if (rows > 0) found.push({ id, title, rows });
  }
  return found;
}
