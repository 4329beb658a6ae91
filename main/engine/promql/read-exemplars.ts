import type { QueryOptions } from '#contracts/store.ts';
import type { Expr } from '#query/promql/ast.ts';
import { type Labels, labelsOf } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { selectionsOf } from '#query/promql/selections.ts';
import { numbers, type Queries, texts } from '#store/read/columns-of.ts';
import { promqlExemplarsSql } from '#store/sql/read/promql-sql.ts';
import { namesOf, type PromqlSeries, partLabel, partLabels, type SeriesBook } from './series-book.ts';

/** Exemplars of one series. */
export interface SeriesExemplars {
  readonly labels: Labels;
  readonly exemplars: readonly { readonly labels: Labels; readonly value: number; readonly ms: number }[];
}
export const MAX_EXEMPLARS = 10_000;
/** Ids of one statement. */
const MAX_SERIES = 20_000;

/** Exemplars of all series an expression selects. Those of a classic histogram of OTLP are its buckets', whichever. */
export async function readExemplars(
  { store, book }: { readonly store: Queries; readonly book: SeriesBook },
  expr: Expr,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  options: QueryOptions,
): Promise<SeriesExemplars[]> {
  await book.refresh();
  const series = new Map<number, PromqlSeries>();
  for (const { matchers } of selectionsOf(expr, { grid: { startMs, stepMs: 0, count: 1 }, lookbackMs: 0, subqueryStepMs: 1 })) {
    for (const each of book.select(matchers)) {
      const label = partLabel(each);
      const fits = labelsTest(matchers.filter(({ name }) => name !== label));
      if (series.size < MAX_SERIES && fits(ownLabels(each))) series.set(each.id, each);
    }
  }
  if (series.size === 0) return [];
  const result = await store.query(promqlExemplarsSql([...series.keys()], startMs, endMs), [], { ...options, maxRows: MAX_EXEMPLARS });
  const [ids, ms, values] = [numbers(result, 'series_id'), numbers(result, 'ms'), numbers(result, 'value')];
  const [traces, spans, attributes] = [texts(result, 'trace_id'), texts(result, 'span_id'), texts(result, 'attributes')];
  const found = new Map<number, { labels: Labels; exemplars: SeriesExemplars['exemplars'][number][] }>();
  for (let i = 0; i < result.rowCount; i++) {
    const id = ids[i] as number;
    const own = found.get(id) ?? { labels: ownLabels(series.get(id) as PromqlSeries), exemplars: [] };
    found.set(id, own);
    const more = Object.entries(JSON.parse(attributes[i] || '{}') as Record<string, string>);
    const labels = labelsOf([...more, ['trace_id', traces[i] ?? ''], ['span_id', spans[i] ?? '']]);
    own.exemplars.push({ labels, value: values[i] as number, ms: ms[i] as number });
  }
  return [...found.values()];
}
/** What the series of its exemplars is called. */
const ownLabels = (series: PromqlSeries): Labels => partLabels(series, namesOf(series)[0] as string);
