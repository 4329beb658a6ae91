import { type LookedAt, type MetricLook, metricQuery, rangeFor } from '#contracts/metric-query.ts';
import type { LabelMatcher } from '#contracts/promql-text.ts';
import { api } from '../../lib/api.ts';
import { heatOf, instantFields, linesOf, rangeFields, type StepGrid, type WireAnswer } from '../promql/prometheus-answer.ts';
import type { QueryResult } from '../promql/query-result.ts';
import { classicHeat, TOP, topAndRest, topQuery, valuesOf } from './breakdown.ts';

/** What the detail of a metric asks, as one key: the same again is not asked again. */
export interface Asked {
  readonly metric: LookedAt;
  readonly look: MetricLook;
  readonly by: string;
  readonly where: readonly LabelMatcher[];
  readonly grid: StepGrid;
}
export interface MetricAnswer {
  readonly result: QueryResult;
}

export async function askMetric({ metric, look, by, where, grid }: Asked, signal: AbortSignal): Promise<MetricAnswer> {
  const rangeMs = rangeFor(grid.stepMs);
  const range = (query: string): Promise<WireAnswer> => api.prometheus<WireAnswer>('query_range', rangeFields(query, grid), signal);
  const query = metricQuery(metric, { look, where, rangeMs });
  const of = { letter: 'a', text: query, grid, rows: [] };
  if (by !== '') {
    const windowMs = Math.max(rangeMs, grid.endMs - grid.startMs);
    const top = topQuery(metric, { look, by, where }, windowMs);
    const values = valuesOf((await api.prometheus<WireAnswer>('query', instantFields(top, grid.endMs), signal)).data, by);
    if (values.length > 0) {
      const queries = topAndRest(metric, { look, by, where }, values, rangeMs);
      // Fewer than asked for are all there are.
      const [largest, rest] = await Promise.all([range(queries.top), values.length < TOP ? null : range(queries.rest)]);
      const lines = [...linesOf('a', largest.data, grid), ...(rest ? linesOf('b', rest.data, grid) : [])];
      return { result: { ...of, lines, heat: [] } };
    }
  }
  const { data } = await range(query);
  if (look === 'heat' && metric.kind === 'histogram') {
    const cells = classicHeat(data, grid);
    return { result: { ...of, lines: [], heat: cells.length > 0 ? [{ key: 'a', letter: 'a', labels: {}, cells }] : [] } };
  }
  return { result: { ...of, lines: linesOf('a', data, grid), heat: heatOf('a', data, grid) } };
}
