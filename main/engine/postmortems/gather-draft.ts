import { sayEvidence, sayKind } from '#analytics/rca/narrate.ts';
import { type EvidenceChart, evidenceChart } from '#contracts/evidence-chart.ts';
import type { Anomaly, Evidence, Incident, TimelineEntry, TimeWindow } from '#contracts/judgement.ts';
import type { Chart, Figure } from '#contracts/postmortem.ts';
import type { Store } from '#contracts/store.ts';
import { type DraftFacts, draftCandidates, draftEntries, evidenceKey, type FigurePair } from '#models/postmortem/draft-postmortem.ts';
import type { ServiceImpact } from '#models/postmortem/words.ts';
import { evidenceChartSql, impactSql, incidentSpansSql } from '#store/sql/read/postmortem-sql.ts';
import { Figures } from './figures.ts';
import { NO_RESOURCES, type Resources, resourceLines, resourceStatements } from './gather-resources.ts';
import { readChartSeries } from './read-chart.ts';
import { overAll, type ReadOptions, readStatements } from './read-statements.ts';

const BASELINE_MS = 30 * 60_000;
const CHART_BEFORE_MS = 10 * 60_000;
/** Senders batch for seconds: the newest half minute still grows, and a number over it would not hold for long. */
const ARRIVAL_MS = 30_000;
const CHART_AFTER_MS = 5 * 60_000;
const CHART_POINTS = 120;
const SERVICES = 8;
/** Evidence of one candidate that gets a chart. */
const CHARTS_EACH = 2;

function unitOf({ subject }: Anomaly): string {
  if (subject.signal.endsWith('error_ratio')) return '1';
  if (subject.signal.endsWith('_ms')) return 'ms';
  return subject.signal === 'red.requests' || subject.signal === 'log' ? '1/s' : '';
}
/** What entries of the timeline call the signals of a service (analytics/incidents/timeline-entries.ts). */
const SIGNALS: Readonly<Record<string, string>> = {
  errors: 'red.error_ratio',
  p95: 'red.p95_ms',
  'own time': 'red.self_ms',
  traffic: 'red.requests',
};
function isOfSignal({ subject }: Anomaly, signal: string): boolean {
  if (!signal.startsWith('"')) return subject.signal === SIGNALS[signal];
  // Patterns are cut where they are told.
  return subject.signal === 'log' && subject.labels.replace(/^pattern=/, '').startsWith(signal.slice(1, -1));
}
/** The deviation an entry of the timeline was written from: several of one service often begin in the same moment. */
export function anomalyOf(incident: Incident, entry: TimelineEntry): Anomaly | null {
  if (entry.kind !== 'anomaly' && entry.kind !== 'log') return null;
  const same = (a: Anomaly): boolean =>
    a.onsetMs === entry.atMs &&
    a.subject.service === entry.service &&
    entry.messageKey === `anomaly_${a.kind}` &&
    isOfSignal(a, String(entry.params['signal'] ?? '')) &&
    a.subject.peer === undefined &&
    a.subject.instance === undefined;
  return incident.anomalies.find(same) ?? null;
}
/** What a figure says, without the rounded numbers the sentence was written with: they would stand beside the read one. */
const labelOf = (says: string, params: Evidence['params']): string =>
  says
    .replace(`${params['from']} → ${params['to']}`, '')
    .replace(/\s+([,.。])/g, '$1')
    .replace(/\s*[:：]?\s*[.。]?\s*$/, '');
const roundUp = (ms: number, step: number): number => Math.ceil(ms / step) * step;

async function readCharts(store: Pick<Store, 'userQuery'>, incident: Incident, endMs: number, nowMs: number): Promise<Map<string, Chart>> {
  const window: TimeWindow = { startMs: incident.onsetMs - CHART_BEFORE_MS, endMs: Math.min(nowMs - ARRIVAL_MS, endMs + CHART_AFTER_MS) };
  const stepMs = roundUp(Math.max(10_000, (window.endMs - window.startMs) / CHART_POINTS), 10_000);
  const wanted = draftCandidates(incident).flatMap((candidate, at) => {
    const drawn = candidate.evidence.filter((e) => evidenceChart(e) !== null && e.signal !== 'change');
    return drawn.slice(0, at === 0 ? CHARTS_EACH : 1).map((evidence) => ({ key: evidenceKey(candidate, evidence), evidence }));
  });
  const charts = new Map<string, Chart>();
  await overAll(wanted, async ({ key, evidence }) => {
    const shown = evidenceChart(evidence);
    if (shown === null) return;
    const sql = evidenceChartSql(shown, window, stepMs);
    // A chart that cannot be drawn is left out; its evidence stays, with its figures.
    const series = await readChartSeries(store, sql, stepMs).catch(() => []);
    if (series.length === 0) return;
    const unit =
      shown.from === 'red' ? { errors: '1', latency: 'ms', requests: '1/s' }[shown.show] : shown.from === 'log' ? '' : evidence.unit;
    const markers = [{ atMs: incident.onsetMs, label: '' }];
    const title = chartTitle(evidence, shown);
    charts.set(key, {
      id: `chart-${key.replace(/[^a-zA-Z0-9]/g, '-')}`.slice(0, 40),
      title,
      sql,
      unit,
      ...window,
      readAtMs: nowMs,
      markers,
      series,
    });
  });
  return charts;
}
function chartTitle({ params }: Evidence, shown: EvidenceChart): string {
  const place = String(params['place'] ?? params['service'] ?? '');
  const what = shown.from === 'red' ? { errors: 'error ratio', latency: 'p95', requests: 'requests' }[shown.show] : '';
  const parts = [place, params['peer'] ? `→ ${params['peer']}` : '', what, String(params['metric'] ?? params['pattern'] ?? '')];
  return parts
    .filter((part) => part !== '')
    .join(' ')
    .slice(0, 300);
}

/** Where it showed, what caused it, who suffered, then what else deviated meanwhile: a table that ends must not lose the first. */
export function hurtFirst({ symptom, services, rca }: Pick<Incident, 'symptom' | 'services' | 'rca'>): string[] {
  const causes = (rca?.candidates ?? []).map(({ service }) => service).filter((service) => services.includes(service));
  return [...new Set([symptom.service, ...causes, ...(rca?.impacted ?? []), ...services])];
}
function impactOf(figures: Figures, service: string, sql: string): ServiceImpact {
  const make = (label: string, column: string, unit: string): Figure => figures.make(`${service}: ${label}`, sql, column, unit);
  return {
    service,
    requests: make('requests during the incident', 'requests', ''),
    errors: make('failed requests during the incident', 'errors', ''),
    errorRatio: make('share of requests that failed', 'error_ratio', '1'),
    errorRatioBefore: make('share that failed in the half hour before', 'error_ratio_before', '1'),
    p95: make('p95 during the incident', 'p95_ms', 'ms'),
    p95Before: make('p95 in the half hour before', 'p95_before_ms', 'ms'),
  };
}

/** Runs every statement a draft needs and hands the pure builder its facts. @throws FaultlineError cancelled */
export async function gatherDraft(
  store: Pick<Store, 'userQuery'>,
  incident: Incident,
  locale: DraftFacts['locale'],
  options: ReadOptions & { readonly nowMs: number; readonly authors: string; readonly resources?: Resources },
): Promise<DraftFacts> {
  const { nowMs, resources = NO_RESOURCES } = options;
  const endMs = incident.resolvedMs ?? nowMs - ARRIVAL_MS;
  const window = { startMs: incident.onsetMs, endMs: Math.max(endMs, incident.onsetMs + 1_000) };
  const baseline = { startMs: incident.onsetMs - BASELINE_MS, endMs: incident.onsetMs };
  const services = hurtFirst(incident).slice(0, SERVICES);
  const impacts = new Map(services.map((service) => [service, impactSql(service, window, baseline)]));
  const spansSql = incidentSpansSql(incident.id);
  const candidates = draftCandidates(incident);
  const told = draftEntries(incident).map((index) => ({ index, anomaly: anomalyOf(incident, incident.timeline[index]!) }));
  const readings = await readStatements(
    store,
    [
      spansSql,
      ...resourceStatements(resources),
      ...impacts.values(),
      ...candidates.flatMap(({ evidence }) => evidence.map(({ query }) => query)),
      ...told.flatMap(({ anomaly }) => (anomaly ? [anomaly.query] : [])),
    ],
    options,
  );
  const charts = await readCharts(store, incident, endMs, nowMs);
  const figures = new Figures(readings, nowMs);
  const span = (label: string, column: string, unit = 'ms'): Figure | null => figures.optional(label, spansSql, column, unit);
  const spans = {
    duration: span('from the onset to the end', 'duration_ms'),
    detect: span('from the onset to the incident', 'detect_ms'),
    acknowledge: span('from the incident to its acknowledgement', 'acknowledge_ms'),
    services: span('services that deviated', 'services', ''),
  };
  // A service without requests of its own (a database) has no row here; its evidence speaks for it.
  const impact = [...impacts]
    .filter(([, sql]) => Number(readings.get(sql)?.row?.['requests'] ?? 0) > 0)
    .map(([service, sql]) => impactOf(figures, service, sql));
  const evidence = new Map<string, FigurePair>();
  for (const candidate of candidates)
    for (const row of candidate.evidence) {
      const value = figures.make(labelOf(row.says, row.params), row.query, 'value', row.unit, { value: row.value, evidence: row.id });
      const before =
        row.baseline === null
          ? null
          : figures.make(`${labelOf(row.says, row.params)} (before)`, row.query, 'baseline', row.unit, {
              value: row.baseline,
              evidence: row.id,
            });
      evidence.set(evidenceKey(candidate, row), { value, baseline: before });
    }
  const entries = new Map<number, FigurePair>();
  for (const { index, anomaly } of told) {
    if (anomaly === null || readings.get(anomaly.query)?.row == null) continue;
    const entry = incident.timeline[index]!;
    const says = labelOf(entry.says, entry.params);
    const value = figures.optional(says, anomaly.query, 'value', unitOf(anomaly));
    entries.set(index, { value, baseline: figures.optional(`${says} (before)`, anomaly.query, 'baseline', unitOf(anomaly)) });
  }
  return {
    incident,
    locale,
    authors: options.authors,
    impact,
    spans,
    evidence,
    entries,
    charts,
    also: resourceLines(resources, figures, locale),
    sayKind: (kind) => sayKind(kind, locale),
    sayEvidence: (row) => sayEvidence(row, locale),
  };
}
