import { type Cumulative, cumulativeNumber } from '#query/delta-cumulative.ts';
import type { Matcher } from '#query/promql/ast.ts';
import { setLabel } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { numbers, texts } from '#store/read/columns-of.ts';
import { promqlClassicSql } from '#store/sql/read/promql-sql.ts';
import { type Growing, type GrowingSeries, push, type SampleCounter } from './growing-series.ts';
import type { Ask } from './read-samples.ts';
import { namesOf, type PromqlSeries, partLabel, partLabels } from './series-book.ts';

/** OTLP's histograms with bounds, and summaries: a series for each bucket or quantile, sum and count. */
export async function readClassic(
  found: ReadonlyMap<number, PromqlSeries>,
  matchers: readonly Matcher[],
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  ask: Ask,
  into: GrowingSeries,
  counter: SampleCounter,
): Promise<void> {
  const fits = labelsTest(matchers);
  const result = await ask(promqlClassicSql([...found.keys()], startMs, endMs));
  const number = (name: string): ArrayLike<number> => numbers(result, name);
  const list = (name: string): ((i: number) => number[]) => {
    const column = texts(result, name);
    return (i) => JSON.parse(column[i] ?? '[]') as number[];
  };
  const [ids, ms, counts, sums, stale] = [number('series_id'), number('ms'), number('count'), number('sum'), number('stale')];
  const [bounds, buckets, quantiles] = [list('bounds'), list('counts'), list('quantiles')];
  const parts = new Map<string, { readonly into: Growing | null; readonly total: Cumulative<number> }>();
  for (let i = 0; i < result.rowCount; i++) {
    const series = found.get(ids[i] as number) as PromqlSeries;
    const [first, sumName, countName] = namesOf(series) as [string, string, string];
    const put = (name: string, label: string, value: number, isDelta = series.isDelta): void => {
      const key = `${series.id} ${name} ${label}`;
      let part = parts.get(key);
      if (!part) {
        const bare = partLabels(series, name);
        const labels = label === '' ? bare : setLabel(bare, partLabel(series) as string, label);
        part = { into: fits(labels) ? into.of(labels) : null, total: cumulativeNumber() };
        parts.set(key, part);
      }
      // The matchers do not ask for it.
      if (!part.into) return;
      counter.count(1);
      const isMarker = stale[i] as number;
      push(part.into, ms[i] as number, isDelta && isMarker === 0 ? part.total.next(value) : value, isMarker);
    };
    put(countName, '', counts[i] as number);
    if (!Number.isNaN(sums[i])) put(sumName, '', sums[i] as number);
    if (series.type === 'summary') {
      const values = quantiles(i);
      bounds(i).forEach((quantile, n) => {
        put(first, String(quantile), values[n] as number, false);
      });
      continue;
    }
    const uppers = bounds(i);
    let below = 0;
    buckets(i).forEach((count, n) => {
      below += count;
      put(first, uppers[n] === undefined ? '+Inf' : String(uppers[n]), below);
    });
  }
}
