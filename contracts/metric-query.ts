import { type LabelMatcher, labelText, selectorText } from './promql-text.ts';

/** How a metric is looked at when nobody has said how: one rule for the cards (engine) and the detail (page). Pure. */
export const METRIC_KINDS = ['counter', 'gauge', 'histogram', 'native', 'summary', 'info', 'stateset', 'unknown'] as const;
export type MetricKind = (typeof METRIC_KINDS)[number];
/** heat: bucket counts over time. series: each series as it is. */
export type MetricLook =
  | 'rate'
  | 'increase'
  | 'avg'
  | 'max'
  | 'min'
  | 'sum'
  | 'p50'
  | 'p95'
  | 'p99'
  | 'mean'
  | 'heat'
  | 'quantiles'
  | 'count'
  | 'series';
const LEVEL: readonly MetricLook[] = ['avg', 'max', 'min', 'sum', 'series'];
/** The first is the default. */
export const LOOKS: Readonly<Record<MetricKind, readonly MetricLook[]>> = {
  counter: ['rate', 'increase', 'series'],
  gauge: LEVEL,
  histogram: ['p95', 'p50', 'p99', 'mean', 'rate', 'heat'],
  native: ['p95', 'p50', 'p99', 'mean', 'rate', 'heat'],
  summary: ['mean', 'rate', 'quantiles'],
  info: ['count', 'series'],
  stateset: ['count', 'avg', 'series'],
  unknown: LEVEL,
};
export interface LookedAt {
  /** Without _bucket, _sum, _count of a classic histogram or summary. */
  readonly name: string;
  readonly kind: MetricKind;
}
export interface MetricQuery {
  readonly look?: MetricLook | undefined;
  /** Of rate() and increase(). */
  readonly rangeMs: number;
  readonly by?: string | undefined;
  readonly where?: readonly LabelMatcher[] | undefined;
}
/** rate() needs two samples: of a scrape every 15 s a minute holds four. */
const MIN_RANGE_MS = 60_000;
export const rangeFor = (stepMs: number): number => Math.max(MIN_RANGE_MS, 4 * stepMs);
const QUANTILES: Readonly<Partial<Record<MetricLook, string>>> = { p50: '0.5', p95: '0.95', p99: '0.99' };
const UNIT_MS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;
/** A duration as PromQL writes it, in one unit. */
export function durationWord(ms: number): string {
  const whole = Math.max(1, Math.round(ms));
  const [unit, size] = UNIT_MS.find(([, one]) => whole % one === 0) ?? ['ms', 1];
  return `${whole / size}${unit}`;
}

export const lookOf = ({ kind }: Pick<LookedAt, 'kind'>, look?: string): MetricLook =>
  LOOKS[kind].find((one) => one === look) ?? (LOOKS[kind][0] as MetricLook);

/** PromQL of a look at a metric. */
export function metricQuery(metric: LookedAt, { look: asked, rangeMs, by, where = [] }: MetricQuery): string {
  const look = lookOf(metric, asked);
  const range = `[${durationWord(rangeMs)}]`;
  const of = (suffix = ''): string => selectorText(`${metric.name}${suffix}`, where);
  const group = (...labels: readonly (string | undefined)[]): string => {
    const there = labels.filter((label): label is string => label !== undefined && label !== '');
    return there.length === 0 ? '' : ` by (${there.map(labelText).join(', ')})`;
  };
  const isNative = metric.kind === 'native';
  const parts = isNative || metric.kind === 'histogram' || metric.kind === 'summary';
  switch (look) {
    case 'rate':
      if (isNative) return `sum${group(by)} (histogram_count(rate(${of()}${range})))`;
      return `sum${group(by)} (rate(${of(parts ? '_count' : '')}${range}))`;
    case 'increase':
      return `sum${group(by)} (increase(${of()}${range}))`;
    case 'p50':
    case 'p95':
    case 'p99':
      if (isNative) return `histogram_quantile(${QUANTILES[look]}, sum${group(by)} (rate(${of()}${range})))`;
      return `histogram_quantile(${QUANTILES[look]}, sum${group(by, 'le')} (rate(${of('_bucket')}${range})))`;
    case 'mean':
      if (isNative) return `histogram_avg(sum${group(by)} (rate(${of()}${range})))`;
      return `sum${group(by)} (rate(${of('_sum')}${range})) / sum${group(by)} (rate(${of('_count')}${range}))`;
    case 'heat':
      return isNative ? `sum (increase(${of()}${range}))` : `sum by (le) (increase(${of('_bucket')}${range}))`;
    case 'quantiles':
      return `avg${group('quantile', by)} (${of()})`;
    case 'count':
      return `count${group(by)} (${of()})`;
    case 'series':
      return of();
    default:
      return `${look}${group(by)} (${of()})`;
  }
}
/** Unit of what a look gives; a unit nobody sent is read from the name, as its conventions have it. */
export function lookUnit(metric: LookedAt & { readonly unit: string }, asked?: string): string {
  const look = lookOf(metric, asked);
  const base = metric.unit || unitOfName(metric.name);
  if (look === 'rate') return metric.kind === 'counter' ? `${base || '1'}/s` : '1/s';
  // Of a heat map it is the unit of the axis: what is counted has none.
  return look === 'count' ? '' : base;
}
function unitOfName(name: string): string {
  const [, word] = /_(seconds|bytes|ratio)(?:_total)?$/.exec(name) ?? [];
  return word === 'seconds' ? 's' : word === 'bytes' ? 'By' : '';
}
