import type { SloDetail, SloQuery } from '#contracts/slo.ts';
import type { Store } from '#contracts/store.ts';
import type { IncidentBook } from '#main/engine/incident-book.ts';
import { runExpr } from '#main/engine/promql/run-promql.ts';
import { labelOf } from '#query/promql/labels.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { ruleVector } from '#query/rules/sample.ts';
import { sum } from '#query/slo/budget.ts';
import type { Burn, BurnDown } from '#query/slo/burn-down.ts';
import { inWindow } from '#query/slo/generate-rules.ts';
import type { Objective } from '#query/slo/objective.ts';
import { summedIn } from '#query/slo/sli-shape.ts';
import { SPAN_CELL_MS } from '#query/span-series.ts';
import { numbers, texts } from '#store/read/columns-of.ts';
import { readChanges } from '#store/read/read-changes.ts';
import { sloLabelsSql, sloPlacesSql } from '#store/sql/read/slo-sql.ts';
import { askOnce, type Measured, type MeasureParts } from './measure-slo.ts';

type Consumers = SloDetail['consumers'];
interface Parts extends MeasureParts {
  readonly store: Store;
  readonly book: IncidentBook;
}
interface Asked {
  readonly parts: Parts;
  readonly objective: Objective;
  readonly measured: Measured;
  /** All bad events of what is known; null: only their ratio is. */
  readonly bad: number | null;
  readonly signal: AbortSignal | undefined;
}
const MAX_INCIDENTS = 10;
const MAX_CHANGES = 10;
const MAX_LABELS = 12;
const MAX_PLACES = 10;
/** The costliest burns, whose spans are looked through. */
const MAX_WINDOWS = 5;
/** Of all that was used up: less is noise. */
const LEAST_SHARE = 0.05;
/** So long after the first record everything looks new. */
const FIRST_MS = 60_000;
/** Labels a PromQL indicator is summed by. */
const MAX_SUMMED = 12;
/** A change this long before a burn may have begun it, and is told until so long after. */
const BEFORE_MS = 15 * 60_000;
const UNTIL_MS = 60 * 60_000;
const OPTIONS = { timeoutMs: 20_000 };

/** What used up the budget: incidents and changes of the time it burned, places and labels of the bad events; each with what it can be had from again. */
export async function findConsumers(
  parts: Parts,
  objective: Objective,
  measured: Measured,
  { burns }: BurnDown,
  signal?: AbortSignal,
): Promise<{ consumers: Consumers; notes: string[] }> {
  const notes: string[] = [];
  const bad = measured.hasEvents ? sum(measured.counts, 'bad') : null;
  const asked: Asked = { parts, objective, measured, bad, signal };
  const within = async <T>(what: string, find: () => Promise<T[]>): Promise<T[]> => {
    if (measured.counts.length === 0) return [];
    try {
      return await find();
    } catch (error) {
      notes.push(`${what}: ${error instanceof Error ? error.message : error}`);
      return [];
    }
  };
  const windows = windowsOf(burns, measured);
  const consumers = {
    incidents: await within('incidents', () => incidents(asked)),
    changes: await within('changes', () => changes(asked, windows)),
    places: await within('places', () => places(asked, windows)),
    labels: await within('labels', () => labels(asked, windows)),
  };
  return { consumers, notes };
}
interface Window {
  readonly startMs: number;
  readonly endMs: number;
}
/** The costliest burns; where none is, all there is. */
function windowsOf(burns: readonly Burn[], { counts, endMs }: Measured): Window[] {
  if (burns.length === 0) return [{ startMs: counts[0]?.startMs ?? endMs, endMs }];
  const [costliest] = burns;
  return burns
    .slice(0, MAX_WINDOWS)
    .filter((burn) => burn === costliest || burn.share >= LEAST_SHARE)
    .sort((a, b) => a.startMs - b.startMs);
}
/** Bad events of a time, by the objective's own query over it. */
async function consumed(
  { parts, objective, bad, signal }: Asked,
  startMs: number,
  endMs: number,
): Promise<{ bad: number | null; share: number | null; query: SloQuery }> {
  const { sli } = objective;
  const atMs = Math.ceil(endMs / SPAN_CELL_MS) * SPAN_CELL_MS;
  const lengthMs = Math.max(SPAN_CELL_MS, atMs - Math.floor(startMs / SPAN_CELL_MS) * SPAN_CELL_MS);
  const scale = sli.kind === 'events' && /\bi?rate\(/.test(sli.errorQuery) ? ` * ${lengthMs / 1000}` : '';
  const query =
    sli.kind === 'events'
      ? `${inWindow(sli.errorQuery, lengthMs).trim()}${scale}`
      : inWindow(sli.errorRatioQuery, Math.max(lengthMs, sli.leastWindowMs)).trim();
  const value = bad === null ? null : await askOnce(parts, query, atMs, 'sum', signal);
  return { bad: bad === null ? null : (value ?? 0), share: bad ? (value ?? 0) / bad : null, query: { language: 'promql', query, atMs } };
}
async function incidents(asked: Asked): Promise<Consumers['incidents']> {
  const { counts, endMs } = asked.measured;
  const startMs = counts[0]?.startMs ?? endMs;
  const found = asked.parts.book
    .list()
    .map(({ id, title, onsetMs, resolvedMs }) => ({
      id,
      title,
      startMs: onsetMs,
      endMs: Math.min(resolvedMs ?? endMs, endMs),
      isOpen: resolvedMs === null,
    }))
    .filter((each) => each.endMs > startMs && each.startMs < endMs)
    .slice(0, MAX_INCIDENTS);
  const rows: Consumers['incidents'] = [];
  for (const each of found) rows.push({ ...each, ...(await consumed(asked, Math.max(startMs, each.startMs), each.endMs)) });
  return rows.filter(({ bad }) => bad !== 0).sort((a, b) => (b.bad ?? 0) - (a.bad ?? 0) || b.startMs - a.startMs);
}
async function changes(asked: Asked, windows: readonly Window[]): Promise<Consumers['changes']> {
  const { counts, endMs } = asked.measured;
  const firstMs = (counts.find(({ total }) => total > 0)?.startMs ?? 0) + FIRST_MS;
  const seen = new Map<string, Consumers['changes'][number]>();
  for (const window of windows) {
    const near = { startMs: window.startMs - BEFORE_MS, endMs: Math.min(window.endMs, window.startMs + UNTIL_MS) };
    const read = await readChanges(asked.parts.store, near, OPTIONS);
    for (const change of read.changes.filter(({ atMs }) => atMs >= firstMs).slice(0, MAX_CHANGES)) {
      const key = JSON.stringify([change.atMs, change.kind, change.service, change.to]);
      if (seen.has(key) || seen.size >= MAX_CHANGES) continue;
      const untilMs = Math.min(endMs, Math.max(window.endMs, change.atMs + SPAN_CELL_MS), change.atMs + UNTIL_MS);
      const { atMs, kind, service, from, to } = change;
      seen.set(key, { atMs, kind, service, from, to, untilMs, ...(await consumed(asked, atMs, untilMs)) });
    }
  }
  return [...seen.values()].sort((a, b) => (b.bad ?? 0) - (a.bad ?? 0) || b.atMs - a.atMs);
}
async function places({ parts, measured, bad, signal }: Asked, windows: readonly Window[]): Promise<Consumers['places']> {
  const { spans } = measured.shape;
  if (!spans) return [];
  const sql = sloPlacesSql(spans, windows, MAX_PLACES);
  const result = await parts.store.query(sql, [], { ...OPTIONS, ...(signal ? { signal } : {}), maxRows: MAX_PLACES });
  const [service, operation, counts] = [texts(result, 'service'), texts(result, 'operation'), numbers(result, 'bad')];
  return Array.from({ length: result.rowCount }, (_, i) => ({
    ...{
      service: service[i] ?? '',
      operation: operation[i] ?? '',
      bad: counts[i] as number,
      share: bad ? (counts[i] as number) / bad : null,
    },
    query: { language: 'sql' as const, query: sql, atMs: measured.endMs },
  }));
}
async function labels(asked: Asked, windows: readonly Window[]): Promise<Consumers['labels']> {
  const { parts, measured, bad, signal } = asked;
  const { spans } = measured.shape;
  if (!spans) return summedLabels(asked, windows);
  const sql = sloLabelsSql(spans, windows, MAX_LABELS * 4);
  const result = await parts.store.query(sql, [], { ...OPTIONS, ...(signal ? { signal } : {}), maxRows: MAX_LABELS * 4 });
  const [key, value, total, counts] = [texts(result, 'key'), texts(result, 'value'), numbers(result, 'total'), numbers(result, 'bad')];
  const rows = Array.from({ length: result.rowCount }, (_, i) => ({
    ...{
      key: key[i] ?? '',
      value: value[i] ?? '',
      total: total[i] as number,
      bad: counts[i] as number,
      share: bad ? (counts[i] as number) / bad : null,
    },
    query: { language: 'sql' as const, query: sql, atMs: measured.endMs },
  }));
  return rows.slice(0, MAX_LABELS);
}
/** Of metrics: the error query summed by each label its series have, over the costliest burn. */
async function summedLabels({ parts, objective, bad, signal }: Asked, windows: readonly Window[]): Promise<Consumers['labels']> {
  const { sli } = objective;
  const [window] = [...windows].sort((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
  if (sli.kind !== 'events' || !window) return [];
  const lengthMs = window.endMs - window.startMs;
  const scale = /\bi?rate\(/.test(sli.errorQuery) ? lengthMs / 1000 : 1;
  const ask = async (text: string) =>
    ruleVector(
      await runExpr(
        { store: parts.store, book: parts.series },
        parsePromql(text),
        { startMs: window.endMs, stepMs: 0, count: 1 },
        { ...OPTIONS, ...(signal ? { signal } : {}) },
      ),
    );
  const inner = summedIn(inWindow(sli.errorQuery, lengthMs));
  if (inner === null) return [];
  const rows: Consumers['labels'] = [];
  const every = await ask(inner);
  const names = [...new Set(every.flatMap((sample) => sample.labels.names))].slice(0, MAX_SUMMED);
  for (const name of names) {
    const text = `sum by (${name}) (${inner})${scale === 1 ? '' : ` * ${scale}`}`;
    for (const { labels: found, value } of await ask(text)) {
      if (!(value > 0)) continue;
      const query = { language: 'promql' as const, query: text, atMs: window.endMs };
      rows.push({ key: name, value: labelOf(found, name), total: null, bad: value, share: bad ? value / bad : null, query });
    }
  }
  return rows.sort((a, b) => (b.bad ?? 0) - (a.bad ?? 0)).slice(0, MAX_LABELS);
}
