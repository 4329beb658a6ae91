import type { QueryOptions } from '#contracts/store.ts';
import type { Matcher } from '#query/promql/ast.ts';
import type { Labels } from '#query/promql/labels.ts';
import { numbers, type Queries, whole } from '#store/read/columns-of.ts';
import { histogramsThereSql, samplesThereSql } from '#store/sql/read/series-there-sql.ts';
import { targetsThereSql } from '#store/sql/read/target-times-sql.ts';
import { readSamples } from './read-samples.ts';
import { allLabels, type PromqlSeries, partLabel } from './series-book.ts';

/** Ids of one statement. */
const CHUNK = 50_000;

/**
 * Labels of those of the series that have a sample in [startMs, endMs]. Samples themselves are read only where labels are with them: `le` and
 * `quantile` of OTLP's histograms and summaries, when `readsParts` or a matcher asks for them.
 */
export async function readThere(
  store: Queries,
  series: readonly PromqlSeries[],
  window: { readonly matchers: readonly Matcher[]; readonly startMs: number; readonly endMs: number; readonly readsParts: boolean },
  options: QueryOptions,
): Promise<Labels[]> {
  const { matchers, startMs, endMs, readsParts } = window;
  const mustRead = (each: PromqlSeries): boolean => {
    if (each.kind === 'spans') return true;
    const label = partLabel(each);
    return label !== null && (readsParts || matchers.some(({ name }) => name === label || name === '__name__'));
  };
  const read = await readSamples(store, series.filter(mustRead), { matchers, startMs, endMs }, options);
  const found = read.filter(({ times, histograms }) => times.length + (histograms?.times.length ?? 0) > 0).map(({ labels }) => labels);
  const targets = series.filter(({ kind }) => kind === 'target');
  const rest = series.filter((each) => each.kind !== 'target' && !mustRead(each));
  for (const kind of ['float', 'other'] as const) {
    const some = rest.filter((each) => (each.kind === 'float') === (kind === 'float'));
    const sqlOf = kind === 'float' ? samplesThereSql : histogramsThereSql;
    for (let at = 0; at < some.length; at += CHUNK) {
      const chunk = some.slice(at, at + CHUNK);
      const sql = sqlOf(
        chunk.map(({ id }) => id),
        startMs,
        endMs + 1,
      );
      const result = whole(await store.query(sql, [], { ...options, maxRows: CHUNK }), 'series');
      const there = new Set(Array.from(numbers(result, 'series_id')));
      for (const each of chunk) if (there.has(each.id)) found.push(...allLabels(each));
    }
  }
  for (let at = 0; at < targets.length; at += CHUNK) {
    const chunk = targets.slice(at, at + CHUNK);
    const ids = chunk.flatMap(({ resources = [] }) => resources);
    const result = whole(await store.query(targetsThereSql(ids, startMs, endMs + 1), [], { ...options, maxRows: ids.length }), 'resources');
    const there = new Set(Array.from(numbers(result, 'resource_id')));
    for (const { labels, resources = [] } of chunk) if (resources.some((id) => there.has(id))) found.push(labels);
  }
  return found;
}
