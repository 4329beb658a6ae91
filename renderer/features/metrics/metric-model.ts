import type { MetricList } from '#contracts/console-api.ts';
import type { Point } from '../../charts/align-series.ts';

export type Metric = MetricList['metrics'][number];
export type MetricFn = 'raw' | 'avg' | 'rate';

/** Counters are read as rates; levels, also sums that go up and down, and means as they are. */
export const defaultFn = (metric: Pick<Metric, 'monotonic'>): MetricFn => (metric.monotonic ? 'rate' : 'avg');

/** Unit of what is drawn. */
export const drawnUnit = (unit: string, fn: MetricFn): string => (fn === 'rate' ? `${unit || '1'}/s` : unit);

/** Metrics whose name, description or service has every word; names that begin with the first word come first. */
export function findMetrics(metrics: readonly Metric[], typed: string, service: string): Metric[] {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const lead = words[0] ?? '';
  return metrics
    .filter((metric) => service === '' || metric.services.includes(service))
    .filter((metric) => {
      const text = `${metric.metric} ${metric.description} ${metric.services.join(' ')}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort(
      (a, b) =>
        Number(!a.metric.toLowerCase().startsWith(lead)) - Number(!b.metric.toLowerCase().startsWith(lead)) ||
        (a.metric < b.metric ? -1 : 1),
    );
}
export interface SeriesFigures {
  readonly name: string;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}
/** Figures of a line; NaN without any point. */
export function figuresOf(name: string, values: readonly Point[]): SeriesFigures {
  const own = values.filter((value): value is number => typeof value === 'number');
  if (own.length === 0) return { name, last: Number.NaN, min: Number.NaN, max: Number.NaN, mean: Number.NaN };
  const sum = own.reduce((a, b) => a + b, 0);
  return {
    name,
    last: own.at(-1)!,
    min: own.reduce((a, b) => Math.min(a, b)),
    max: own.reduce((a, b) => Math.max(a, b)),
    mean: sum / own.length,
  };
}
