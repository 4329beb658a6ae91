import { createHash } from 'node:crypto';
import { FaultlineError } from '#contracts/errors.ts';
import {
  type Chart,
  type Check,
  type Figure,
  POSTMORTEM_LIMITS,
  type PostmortemDocument,
  type Verification,
} from '#contracts/postmortem.ts';
import { boundOf, canonicalJson, unboundNumbers } from '#contracts/postmortem-tree.ts';
import type { PrunedDay, Store, StoreFacts } from '#contracts/store.ts';
import { readChartSeries } from './read-chart.ts';
import { OUT_OF_TIME, overAll, type Reading, type ReadOptions, readStatements } from './read-statements.ts';

export const documentHash = (document: PostmortemDocument): string => createHash('sha256').update(canonicalJson(document)).digest('hex');

/** A day the statement names that was removed after the reading: what it gives now is no proof either way. */
function removedSince(sql: string, readAtMs: number | null, pruned: readonly PrunedDay[]): PrunedDay | null {
  const days = [...sql.matchAll(/\b\d{4}-\d\d-\d\d\b/g)].map(([day]) => day).sort();
  const since = pruned.filter(({ atMs }) => atMs >= (readAtMs ?? 0));
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return since[0] ?? null;
  return since.find(({ day }) => day >= first && day <= last) ?? null;
}
const saysRemoved = ({ day, reason, atMs }: PrunedDay): string =>
  `Data of ${day} was ${reason === 'corrupt' ? 'damaged and set aside' : `removed (${reason === 'age' ? 'older than the retention' : 'over the size limit'})`} at ${new Date(atMs).toISOString()}.`;

export function isEqual(figure: Pick<Figure, 'value' | 'relativeTolerance' | 'absoluteTolerance'>, now: Figure['value']): boolean {
  if (typeof figure.value !== 'number' || typeof now !== 'number') return figure.value === now;
  return Math.abs(now - figure.value) <= Math.max(figure.absoluteTolerance, figure.relativeTolerance * Math.abs(figure.value));
}
type Finding = Pick<Check, 'now' | 'verdict' | 'reason' | 'says'>;
const unverified = (reason: Exclude<Check['reason'], ''>, says: string, now: Check['now'] = null): Finding => ({
  now,
  verdict: 'unverified',
  reason,
  says,
});
const removed = (gone: PrunedDay, now: Check['now']): Finding =>
  unverified(gone.reason === 'corrupt' ? 'corrupt' : 'pruned', saysRemoved(gone), now);

function judge(figure: Figure, reading: Reading, gone: PrunedDay | null): Finding {
  if (reading.error) return gone ? removed(gone, null) : unverified(reading.error.reason, reading.error.says);
  if (!reading.columns.includes(figure.column))
    return unverified('failed', `The statement gives no column "${figure.column}", but ${reading.columns.join(', ')}.`);
  const now = reading.row[figure.column] ?? null;
  const equal = isEqual(figure, now);
  // Nothing counted in nothing left is equal by accident; a number that comes out the same did not need what is gone.
  if (gone && (!equal || now === 0 || now === null)) return removed(gone, now);
  if (now === null) return unverified('no_value', 'The statement gives no value.');
  if (equal) return { now, verdict: 'equal', reason: '', says: '' };
  if (figure.readAtMs === null)
    return unverified('never_read', 'The number was never read from the store; it is what the evidence said.', now);
  return { now, verdict: 'changed', reason: '', says: 'The statement gives another value now.' };
}
function checkFigure(figure: Figure, reading: Reading, pruned: readonly PrunedDay[]): Check {
  const { id, label, sql, column, unit, value, readAtMs } = figure;
  const finding = judge(figure, reading, removedSince(sql, readAtMs, pruned));
  return { id, what: 'figure', label, sql, column, unit, before: value, beforeAtMs: readAtMs, ...finding };
}

const pointsOf = (series: Chart['series']): number =>
  series.reduce((sum, { points }) => sum + points.filter(([, v]) => v !== null).length, 0);
const stepOf = ({ series }: Chart): number => {
  const gaps = series.flatMap(({ points }) => points.slice(1).map(([atMs], i) => atMs - points[i]![0])).filter((gap) => gap > 0);
  return gaps.length === 0 ? Number.MAX_SAFE_INTEGER : Math.min(...gaps);
};
function samePoints(chart: Chart, now: Chart['series']): boolean {
  const near = (a: number | null, b: number | null): boolean =>
    a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-4 * Math.max(Math.abs(a), Math.abs(b)));
  return (
    chart.series.length === now.length &&
    chart.series.every(({ name, points }, i) => {
      const other = now[i]!;
      return (
        other.name === name &&
        other.points.length === points.length &&
        points.every(([atMs, value], k) => atMs === other.points[k]![0] && near(value, other.points[k]![1]))
      );
    })
  );
}
async function checkChart(
  store: Pick<Store, 'userQuery'>,
  chart: Chart,
  pruned: readonly PrunedDay[],
  { signal, deadlineMs }: Required<ReadOptions>,
): Promise<Check> {
  const { id, title, sql, unit, readAtMs } = chart;
  const gone = removedSince(sql, readAtMs, pruned);
  const before = `${pointsOf(chart.series)} points`;
  const base = { id, what: 'chart', label: title, sql, column: 'value', unit, before, beforeAtMs: readAtMs } as const;
  if (performance.now() > deadlineMs) return { ...base, ...unverified('timeout', OUT_OF_TIME) };
  try {
    const series = await readChartSeries(store, sql, stepOf(chart), signal);
    const now = `${pointsOf(series)} points`;
    if (samePoints(chart, series)) return { ...base, now, verdict: 'equal', reason: '', says: '' };
    if (gone) return { ...base, ...removed(gone, now) };
    return { ...base, now, verdict: 'changed', reason: '', says: 'The statement gives other points now.' };
  } catch (error) {
    if (error instanceof FaultlineError && error.code === 'cancelled') throw error;
    return { ...base, ...(gone ? removed(gone, null) : unverified('failed', error instanceof Error ? error.message : String(error))) };
  }
}

/** Runs the statement behind every figure and chart again and compares. @throws FaultlineError bad_request, cancelled */
export async function verifyPostmortem(
  store: Pick<Store, 'userQuery'>,
  facts: Pick<StoreFacts, 'pruned' | 'schemaVersion'>,
  document: PostmortemDocument,
  options: { readonly nowMs: () => number; readonly signal?: AbortSignal },
): Promise<Verification> {
  const { signal } = options;
  const { figures, charts } = boundOf(document);
  const deadlineMs = performance.now() + POSTMORTEM_LIMITS.verifyMs;
  const readings = await readStatements(
    store,
    figures.map(({ sql }) => sql),
    { signal, deadlineMs },
  );
  const drawn = new Map<string, Check>();
  await overAll(charts, async (chart) => void drawn.set(chart.id, await checkChart(store, chart, facts.pruned, { signal, deadlineMs })));
  const checks = [
    ...figures.map((figure) => checkFigure(figure, readings.get(figure.sql)!, facts.pruned)),
    ...charts.map(({ id }) => drawn.get(id)!),
  ];
  const count = (verdict: Check['verdict']): number => checks.filter((check) => check.verdict === verdict).length;
  return {
    atMs: options.nowMs(),
    schemaVersion: facts.schemaVersion,
    documentSha256: documentHash(document),
    counts: { equal: count('equal'), changed: count('changed'), unverified: count('unverified') },
    checks,
    unbound: unboundNumbers(document),
  };
}
