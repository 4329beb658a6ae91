import type { Change, Evidence } from '#contracts/judgement.ts';
import type { EdgeObservation, FacetObservation, LogObservation } from '#contracts/observation.ts';
import type { CaseFile, PlacedMetric } from './case-file.ts';
import { beforeText, durationText, percentText, rateText, seriesText, timeText } from './figures.ts';
import { total, weightedMean } from './shift.ts';

/** An evidence row before it has its number. */
export type EvidenceRow = Omit<Evidence, 'id'>;

const onsetText = (file: CaseFile, bucket: number): string | null => (bucket < 0 ? null : timeText(file.startMsOf(bucket)));
const round = (value: number): number => (Number.isFinite(value) ? Number(value.toPrecision(4)) : 0);
const inWindow = (file: CaseFile, values: Float64Array, weights: Float64Array | null): number =>
  weightedMean(values, weights, file.range.from, file.range.to);
const inBaseline = (file: CaseFile, values: Float64Array, weights: Float64Array | null): number =>
  weightedMean(values, weights, file.range.baseFrom, file.range.baseTo);

/** Own time of a service (or one instance) per request. */
export function selfTimeRow(file: CaseFile, service: string, instance: string | null, onset: number): EvidenceRow | null {
  const found = instance === null ? file.services.get(service) : file.instances.get(service)?.find((s) => s.instance === instance);
  if (found === undefined) return null;
  const value = inWindow(file, found.selfMeanMs, found.requests);
  const baseline = inBaseline(file, found.selfMeanMs, found.requests);
  const params = {
    service: instance === null ? service : `${service} (${instance})`,
    from: durationText(baseline),
    to: durationText(value),
  };
  return {
    signal: 'trace',
    says: `${params.service} itself takes ${params.from} → ${params.to} per request.`,
    messageKey: 'evidence_self_time',
    params,
    query: file.queries.service('self_ms', service, instance, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: 'ms',
    onset: onsetText(file, onset),
  };
}

/** The busiest of some new instances against the whole service before them; null when neither figure tells them apart. */
export function instanceRow(file: CaseFile, service: string, fresh: readonly string[]): EvidenceRow | null {
  const { from, to } = file.range;
  const whole = file.services.get(service);
  const busiest = [...(file.instances.get(service) ?? [])]
    .filter((one) => fresh.includes(one.instance!))
    .sort((a, b) => total(b.requests, from, to) - total(a.requests, from, to))[0];
  if (whole === undefined || busiest === undefined) return null;
  const errors = total(busiest.errors, from, to) / Math.max(1, total(busiest.requests, from, to));
  const usual =
    total(whole.errors, file.range.baseFrom, file.range.baseTo) /
    Math.max(1, total(whole.requests, file.range.baseFrom, file.range.baseTo));
  const self = inWindow(file, busiest.selfMeanMs, busiest.requests);
  const usualMs = inBaseline(file, whole.selfMeanMs, whole.requests);
  const isFailing = errors > usual + 0.02;
  if (!isFailing && !(self > 1.3 * usualMs)) return null;
  const params = {
    service,
    instance: busiest.instance!,
    from: isFailing ? percentText(usual) : durationText(usualMs),
    to: isFailing ? percentText(errors) : durationText(self),
  };
  return {
    signal: 'trace',
    says: isFailing
      ? `${service}: ${params.to} of the requests to the new instance ${params.instance} fail, ${params.from} before it came.`
      : `${service}: the new instance ${params.instance} itself takes ${params.to} per request, ${params.from} before it came.`,
    messageKey: isFailing ? 'evidence_new_errors' : 'evidence_new_self_time',
    params,
    query: file.queries.service(isFailing ? 'error_ratio' : 'self_ms', service, busiest.instance, file.window, file.baseline),
    value: round(isFailing ? errors : self),
    baseline: null,
    unit: isFailing ? '1' : 'ms',
    onset: null,
  };
}

/** Error ratio of a service; `isBorn`: its own, with no failed call beneath. */
export function errorRatioRow(file: CaseFile, service: string, onset: number, isBorn: boolean): EvidenceRow | null {
  const found = file.services.get(service);
  if (found === undefined) return null;
  const { from, to, baseFrom, baseTo } = file.range;
  const value = total(found.errors, from, to) / Math.max(1, total(found.requests, from, to));
  const baseline = total(found.errors, baseFrom, baseTo) / Math.max(1, total(found.requests, baseFrom, baseTo));
  const params = { service, from: percentText(baseline), to: percentText(value) };
  return {
    signal: 'trace',
    says: `${service}: errors ${params.from} → ${params.to}${isBorn ? ', born here: no call beneath them failed' : ''}.`,
    messageKey: isBorn ? 'evidence_own_errors' : 'evidence_errors',
    params,
    query: file.queries.service('error_ratio', service, null, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: '1',
    onset: onsetText(file, onset),
  };
}

/** Requests of a service per second. */
export function requestsRow(file: CaseFile, service: string, onset: number): EvidenceRow | null {
  const found = file.services.get(service);
  if (found === undefined) return null;
  const perSecond = 1000 / file.observation.stepMs;
  const value = inWindow(file, found.requests, null) * perSecond;
  const baseline = inBaseline(file, found.requests, null) * perSecond;
  const params = { service, from: rateText(baseline), to: rateText(value) };
  return {
    signal: 'trace',
    says: `${service}: requests ${params.from} → ${params.to}.`,
    messageKey: 'evidence_requests',
    params,
    query: file.queries.service('requests', service, null, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: '1/s',
    onset: onsetText(file, onset),
  };
}

/** Time the caller waits for the callee. */
export function edgeTimeRow(file: CaseFile, edge: EdgeObservation, onset: number): EvidenceRow {
  const value = inWindow(file, edge.clientMeanMs, edge.requests);
  const baseline = inBaseline(file, edge.clientMeanMs, edge.requests);
  const params = { service: edge.from, peer: edge.to, from: durationText(baseline), to: durationText(value) };
  return {
    signal: 'trace',
    says: `Calls from ${edge.from} to ${edge.to} take ${params.from} → ${params.to}.`,
    messageKey: 'evidence_edge_time',
    params,
    query: file.queries.edge('client_ms', edge.from, edge.to, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: 'ms',
    onset: onsetText(file, onset),
  };
}

/** Calls per second from caller to callee. */
export function extraCallsRow(file: CaseFile, from: string, to: string, onset: number): EvidenceRow | null {
  const edge = file.observation.edges.find((e) => e.from === from && e.to === to);
  if (edge === undefined) return null;
  const perSecond = 1000 / file.observation.stepMs;
  const value = inWindow(file, edge.requests, null) * perSecond;
  const baseline = inBaseline(file, edge.requests, null) * perSecond;
  const params = { service: from, peer: to, from: rateText(baseline), to: rateText(value) };
  return {
    signal: 'trace',
    says: `${from} calls ${to} ${params.from} → ${params.to}, more often per request than before.`,
    messageKey: 'evidence_extra_calls',
    params,
    query: file.queries.edge('requests', from, to, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: '1/s',
    onset: onsetText(file, onset),
  };
}

/** Failed calls from caller to callee. */
export function edgeErrorsRow(file: CaseFile, edge: EdgeObservation, onset: number): EvidenceRow {
  const { from, to, baseFrom, baseTo } = file.range;
  const value = total(edge.errors, from, to) / Math.max(1, total(edge.requests, from, to));
  const baseline = total(edge.errors, baseFrom, baseTo) / Math.max(1, total(edge.requests, baseFrom, baseTo));
  const params = { service: edge.from, peer: edge.to, from: percentText(baseline), to: percentText(value) };
  return {
    signal: 'trace',
    says: `Calls from ${edge.from} to ${edge.to} fail: ${params.from} → ${params.to}.`,
    messageKey: 'evidence_edge_errors',
    params,
    query: file.queries.edge('error_ratio', edge.from, edge.to, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: '1',
    onset: onsetText(file, onset),
  };
}

/** Mean of a metric series in the window against the baseline. */
export function metricRow(file: CaseFile, metric: PlacedMetric, onset: number): EvidenceRow {
  const { series, host } = metric;
  const value = inWindow(file, series.values, null);
  const baseline = inBaseline(file, series.values, null);
  const unit = series.isRate ? `${series.unit}/s` : series.unit;
  const place = `${series.service}${series.instance === null ? '' : ` (${series.instance})`}`;
  const params = {
    place,
    metric: series.metric,
    host: host ?? '',
    from: seriesText(baseline, series.unit, series.isRate),
    to: seriesText(value, series.unit, series.isRate),
  };
  return {
    signal: 'metric',
    says: `${place}: ${series.metric} ${params.from} → ${params.to}${host === null ? '' : ` on ${host}`}.`,
    messageKey: 'evidence_metric',
    params,
    query: file.queries.metric(series.seriesId, series.isRate, file.window, file.baseline),
    value: round(value),
    baseline: Number.isFinite(baseline) ? round(baseline) : null,
    unit,
    onset: onsetText(file, onset),
  };
}

/** A change and how long before the trouble it came. */
export function changeRow(file: CaseFile, change: Change, onsetMs: number): EvidenceRow {
  const seconds = Math.round((onsetMs - change.atMs) / 1000);
  const from = beforeText(change.from);
  const params = { service: change.service, kind: change.kind, from, to: change.to, seconds };
  const lead = seconds >= 0 ? `${seconds} s before the trouble` : 'as the trouble began';
  return {
    signal: 'change',
    says: `${change.service}: ${change.kind} ${from} → ${change.to}, ${lead}.`,
    messageKey: `evidence_change_${change.kind}`,
    params,
    query: file.queries.change(change),
    value: timeText(change.atMs),
    baseline: null,
    unit: '',
    onset: timeText(change.atMs),
  };
}

/** Errors of one attribute value. */
export function facetRow(file: CaseFile, facet: FacetObservation, share: number): EvidenceRow {
  const value = facet.windowErrors / Math.max(1, facet.windowRequests);
  const baseline = facet.baselineErrors / Math.max(1, facet.baselineRequests);
  const params = {
    service: facet.service,
    key: facet.key,
    value: facet.value,
    from: percentText(baseline),
    to: percentText(value),
    share: percentText(share),
  };
  return {
    signal: 'trace',
    says: `${params.share} of the extra errors of ${facet.service} have ${facet.key} = ${facet.value} (${params.from} → ${params.to} of its requests fail).`,
    messageKey: 'evidence_facet',
    params,
    query: file.queries.facet(facet.service, facet.key, facet.value, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: '1',
    onset: null,
  };
}

/** Log lines of one pattern, with an example trace where known. */
export function logRow(file: CaseFile, log: LogObservation): EvidenceRow {
  const { from, to, baseFrom, baseTo } = file.range;
  const value = (total(log.counts, from, to) * 1000) / (file.window.endMs - file.window.startMs);
  const baseline = (total(log.counts, baseFrom, baseTo) * 1000) / Math.max(1, file.baseline.endMs - file.baseline.startMs);
  const params = { service: log.service, pattern: log.pattern.slice(0, 120), from: rateText(baseline), to: rateText(value) };
  const row: EvidenceRow = {
    signal: 'log',
    says: `${log.service} logs "${params.pattern}" ${params.from} → ${params.to}.`,
    messageKey: baseline === 0 ? 'evidence_log_new' : 'evidence_log_more',
    params,
    query: file.queries.log(log.service, log.pattern, file.window, file.baseline),
    value: round(value),
    baseline: round(baseline),
    unit: '1/s',
    onset: null,
  };
  return log.exampleTraceId === null ? row : { ...row, traceId: log.exampleTraceId };
}
