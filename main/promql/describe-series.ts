import type { PromqlSeries, SeriesBook } from '#main/engine/promql/series-book.ts';
import { entriesOf, labelOf, labelsOf, METRIC_NAME } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import type { About } from './messages.ts';
import { badParameter, one, type Parameters, parsedParameter } from './parameters.ts';

/** What is known of series without their samples: metadata by target, and how many there are of what. */
const TYPES: Readonly<Record<string, string>> = {
  sum: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  exponential_histogram: 'histogram',
  summary: 'summary',
  info: 'info',
  stateset: 'stateset',
};
/** A metric's type as Prometheus calls it. */
/** What may fall is no counter, whoever adds it up: that is how Prometheus takes OTLP's sums in. */
export const typeOf = ({ type, isMonotonic }: Pick<PromqlSeries, 'type' | 'isMonotonic'>): string =>
  type === 'sum' && !isMonotonic ? 'gauge' : (TYPES[type] ?? 'unknown');

const MOST = 10_000;
function limitOf(parameters: Parameters, fallback: number): number {
  const text = one(parameters, 'limit');
  if (text !== '' && !/^[+-]?\d+$/.test(text)) return badParameter('limit', 'limit must be a number');
  return text === '' || Number(text) < 0 ? fallback : Math.min(Number(text), MOST);
}
/** /targets/metadata: of one metric of each target, or of all metrics of those that fit. */
export function describeTargets(book: SeriesBook, targets: NonNullable<About['targets']>, parameters: Parameters): readonly object[] {
  const [limit, metric, match] = [limitOf(parameters, MOST), one(parameters, 'metric'), one(parameters, 'match_target')];
  const expr = match === '' ? null : parsedParameter('match_target', match);
  if (expr && expr.kind !== 'selector') return badParameter('match_target', 'only selectors are allowed');
  const fits = labelsTest(expr ? expr.matchers : []);
  const placeOf = (job: string, instance: string): string => `${job}\xff${instance}`;
  const wanted = new Map(
    targets
      .filter((labels) => fits(labelsOf(Object.entries(labels))))
      .map((labels) => [placeOf(labels['job'] ?? '', labels['instance'] ?? ''), labels]),
  );
  const found = new Map<string, object>();
  for (const series of book.entries()) {
    if (found.size >= limit) break;
    if (series.source !== 'prometheus') continue;
    const target = wanted.get(placeOf(labelOf(series.labels, 'job'), labelOf(series.labels, 'instance')));
    const name = labelOf(series.labels, METRIC_NAME);
    if (!target || (metric !== '' && metric !== name)) continue;
    const { help, unit } = series;
    const key = `${target['job']}\xff${target['instance']}\xff${name}`;
    if (!found.has(key)) found.set(key, { target, ...(metric === '' ? { metric: name } : {}), type: typeOf(series), help, unit });
  }
  return [...found.values()];
}

const TEN = 10;
/** /status/tsdb: where series come from, the largest first. */
export function describeSeries(book: SeriesBook, about: About, parameters: Parameters): object {
  const limit = limitOf(parameters, TEN) || TEN;
  const byMetric = new Map<string, number>();
  const byPair = new Map<string, number>();
  const values = new Map<string, { count: number; bytes: number }>();
  const add = (to: Map<string, number>, key: string): number => {
    const count = (to.get(key) ?? 0) + 1;
    to.set(key, count);
    return count;
  };
  for (const { labels } of book.entries()) {
    add(byMetric, labelOf(labels, METRIC_NAME));
    for (const [name, value] of entriesOf(labels)) {
      const own = values.get(name) ?? { count: 0, bytes: 0 };
      values.set(name, own);
      if (add(byPair, `${name}=${value}`) > 1) continue;
      own.count++;
      own.bytes += value.length;
    }
  }
  const top = (entries: Iterable<readonly [string, number]>): object[] =>
    [...entries]
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([name, value]) => ({ name, value }));
  return {
    headStats: {
      numSeries: book.size,
      numLabelPairs: byPair.size,
      chunkCount: about.blocks ?? 0,
      minTime: about.minTimeMs ?? 0,
      maxTime: about.maxTimeMs ?? 0,
    },
    seriesCountByMetricName: top(byMetric),
    labelValueCountByLabelName: top([...values].map(([name, { count }]) => [name, count] as const)),
    memoryInBytesByLabelName: top([...values].map(([name, { bytes }]) => [name, bytes] as const)),
    seriesCountByLabelValuePair: top(byPair),
  };
}
