import type { MetricKind } from '#contracts/metric-query.ts';
import type { ExploredMetric, MetricCatalogue, MetricLabels } from '#contracts/promql.ts';
import type { PromqlSeries, SeriesBook } from '#main/engine/promql/series-book.ts';
import { entriesOf, labelOf, METRIC_NAME } from '#query/promql/labels.ts';

/** Metrics a person looks for, made of the series PromQL knows. Series never change: only new ones are looked at. */
const MAX_METRICS = 20_000;
const MAX_SERVICES = 20;
const MAX_LABELS = 60;
const TOP_VALUES = 20;
/** Of classic histograms and summaries that came as several series. */
const PART = /_(?:bucket|sum|count|created|gsum|gcount)$/;

interface Growing {
  readonly name: string;
  kind: MetricKind;
  unit: string;
  help: string;
  series: number;
  /** One per set of labels, where there are several parts. */
  counts: number;
  readonly services: Set<string>;
  readonly labels: Set<string>;
}
interface Known {
  seen: number;
  readonly metrics: Map<string, Growing>;
}
const known = new WeakMap<SeriesBook, Known>();

function kindOf({ type, kind, isMonotonic }: PromqlSeries): MetricKind {
  if (kind === 'native') return 'native';
  switch (type) {
    case 'sum':
      return isMonotonic ? 'counter' : 'gauge';
    case 'exponential_histogram':
      return 'native';
    default:
      return type;
  }
}
/** service_name, or the job without the namespace in front. */
export function serviceOf(series: Pick<PromqlSeries, 'labels'>): string {
  const job = labelOf(series.labels, 'job');
  return labelOf(series.labels, 'service_name') || job.slice(job.lastIndexOf('/') + 1);
}
function take({ metrics }: Known, series: PromqlSeries): void {
  const full = labelOf(series.labels, METRIC_NAME);
  if (full === '') return;
  const kind = kindOf(series);
  const isPart = series.kind === 'float' && (kind === 'histogram' || kind === 'summary') && PART.test(full);
  const name = isPart ? full.replace(PART, '') : full;
  let metric = metrics.get(name);
  if (!metric) {
    metric = { name, kind, unit: '', help: '', series: 0, counts: 0, services: new Set(), labels: new Set() };
    metrics.set(name, metric);
  }
  metric.unit ||= series.unit;
  metric.help ||= series.help;
  metric.series++;
  if (isPart && full.endsWith('_count')) metric.counts++;
  const service = serviceOf(series);
  if (service !== '' && metric.services.size < MAX_SERVICES) metric.services.add(service);
  for (const label of series.labels.names)
    if (label !== METRIC_NAME && label !== 'le' && metric.labels.size < MAX_LABELS) metric.labels.add(label);
}
/** Sum and count of a histogram whose type did not come along are part of it. */
const belongsToHistogram = ({ name, kind }: Growing, metrics: ReadonlyMap<string, Growing>): boolean =>
  kind === 'unknown' && PART.test(name) && metrics.get(name.replace(PART, ''))?.kind === 'histogram';

const shown = ({ name, kind, unit, help, series, counts, services, labels }: Growing): ExploredMetric => ({
  ...{ name, kind, unit, help, series: counts > 0 ? counts : series },
  services: [...services].sort(),
  labels: [...labels].sort(),
});
export function catalogueOf(book: SeriesBook): MetricCatalogue {
  let own = known.get(book);
  if (!own) {
    own = { seen: 0, metrics: new Map() };
    known.set(book, own);
  }
  for (const series of book.entries(own.seen)) {
    take(own, series);
    own.seen++;
  }
  const { metrics } = own;
  const all = [...metrics.values()].filter((metric) => !belongsToHistogram(metric, metrics));
  all.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { metrics: all.slice(0, MAX_METRICS).map(shown), leftOut: Math.max(0, all.length - MAX_METRICS) };
}
/** A metric by the name it has in the catalogue. */
export function metricOf(book: SeriesBook, name: string): ExploredMetric | undefined {
  catalogueOf(book);
  const metric = known.get(book)?.metrics.get(name);
  return metric && shown(metric);
}
/** Labels of a metric with their values, those with most values first. */
export function labelsOfMetric(book: SeriesBook, name: string): MetricLabels {
  const metric = metricOf(book, name);
  const named = (full: string): PromqlSeries[] => book.select([{ name: METRIC_NAME, operator: '=', value: full }]);
  const whole = named(name);
  const counted = whole.length > 0 ? whole : named(`${name}_count`);
  const series = counted.length > 0 || metric === undefined ? counted : named(`${name}_bucket`);
  const values = new Map<string, Map<string, number>>();
  for (const { labels } of series) {
    for (const [label, value] of entriesOf(labels)) {
      if (label === METRIC_NAME || label === 'le') continue;
      let counts = values.get(label);
      if (!counts) {
        counts = new Map();
        values.set(label, counts);
      }
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  const labels = [...values].map(([label, counts]) => ({
    label,
    values: counts.size,
    top: [...counts]
      .sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1))
      .slice(0, TOP_VALUES)
      .map(([value, count]) => ({ value, series: count })),
  }));
  return { series: series.length, labels: labels.sort((a, b) => b.values - a.values || (a.label < b.label ? -1 : 1)).slice(0, MAX_LABELS) };
}
