import { FaultlineError } from '#contracts/errors.ts';
import { type LookedAt, metricQuery, rangeFor } from '#contracts/metric-query.ts';
import { CARD_LIMITS, type MetricCards } from '#contracts/promql.ts';
import { runExpr } from '#main/engine/promql/run-promql.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { EvaluationError, FLOAT, type Grid } from '#query/promql/value.ts';
import type { Means } from './answer-request.ts';
import { metricOf } from './metric-catalogue.ts';

type Card = MetricCards['cards'][number];
/** Metrics as small lines over time, each by the query its kind is looked at by. One that costs too much says so; the others go on. */
export async function cardsOf(means: Means, names: readonly string[], grid: Grid): Promise<MetricCards> {
  const endMs = performance.now() + CARD_LIMITS.timeoutMs;
  await means.book.refresh(means.newestSeries);
  const cards: Card[] = [];
  for (const name of names.slice(0, CARD_LIMITS.cards)) {
    const metric = metricOf(means.book, name);
    if (metric) cards.push(await cardOf(means, metric, grid, endMs));
  }
  return { startMs: grid.startMs, stepMs: grid.stepMs, cards };
}
async function cardOf(means: Means, metric: LookedAt, grid: Grid, endMs: number): Promise<Card> {
  const query = metricQuery(metric, { rangeMs: rangeFor(grid.stepMs) });
  try {
    const options = { timeoutMs: Math.max(1, endMs - performance.now()), signal: means.signal };
    const { answer } = await runExpr(means, parsePromql(query), grid, options, { onCheck: means.onCheck });
    const row = answer.type === 'vector' ? answer.rows[0] : undefined;
    const values = Array.from({ length: grid.count }, (_, i) => {
      const value = row?.has[i] === FLOAT ? (row.values[i] as number) : Number.NaN;
      return Number.isFinite(value) ? value : null;
    });
    return { name: metric.name, query, values, error: '' };
  } catch (error) {
    const isOurs =
      error instanceof EvaluationError || (error instanceof FaultlineError && /^(?:answer_too_long|query_timeout)$/.test(error.code));
    if (!isOurs) throw error;
    return { name: metric.name, query, values: [], error: error.message };
  }
}
