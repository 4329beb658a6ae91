import { FaultlineError } from '#contracts/errors.ts';
import type { QueryOptions } from '#contracts/store.ts';
import type { Matcher } from '#query/promql/ast.ts';
import { compileLabelRegex } from '#query/promql/label-regex.ts';
import { type Labels, labelOf, setLabel } from '#query/promql/labels.ts';
import { type Selection, type StoredSeries, staleFlags, staleMarkers } from '#query/promql/value.ts';
import { numbers, type Queries, texts, whole } from '#store/read/columns-of.ts';
import { readSeriesSamples } from '#store/read/read-series-samples.ts';
import { promqlHistogramsSql } from '#store/sql/read/promql-sql.ts';
import { isHistogram, namesOf, type PromqlSeries, partLabels } from './series-book.ts';

/** Samples of one query at most: they are in memory while it runs. */
export const MAX_SAMPLES = 5_000_000;
const MAX_SERIES = 100_000;
/** Ids of one statement. */
const CHUNK = 5_000;

/** Samples of some series as they are read, in time order. */
interface Growing {
  readonly labels: Labels;
  readonly times: number[];
  readonly values: number[];
  readonly stale: number[];
}
/** Samples of what a selector asks for. @throws answer_too_long */
export async function readSamples(
  store: Queries,
  found: readonly PromqlSeries[],
  { matchers, startMs, endMs }: Pick<Selection, 'matchers' | 'startMs' | 'endMs'>,
  options: QueryOptions,
): Promise<StoredSeries[]> {
  if (found.length > MAX_SERIES)
    throw new FaultlineError('answer_too_long', `${found.length} series fit, at most ${MAX_SERIES} can be read at once.`);
  const byKey = new Map<string, Growing>();
  const growing = (labels: Labels): Growing => {
    const known = byKey.get(labels.key);
    if (known) return known;
    const fresh = { labels, times: [], values: [], stale: [] };
    byKey.set(labels.key, fresh);
    return fresh;
  };
  let read = 0;
  const query = async (sql: string) => {
    const result = whole(await store.query(sql, [], { ...options, maxRows: MAX_SAMPLES - read }), 'samples');
    read += result.rowCount;
    return result;
  };
  const plain = found.filter((series) => !isHistogram(series) && series.type !== 'exponential_histogram');
  for (let at = 0; at < plain.length; at += CHUNK) {
    const chunk = new Map(plain.slice(at, at + CHUNK).map((series) => [series.id, series]));
    for (const { seriesId, timesMs, values } of await readSeriesSamples(store, [...chunk.keys()], startMs, endMs + 1, options)) {
      const { labels, isDelta } = chunk.get(seriesId) as PromqlSeries;
      read += timesMs.length;
      if (read > MAX_SAMPLES) throw new FaultlineError('answer_too_long', `The query reads more than ${MAX_SAMPLES} samples.`);
      const into = growing(labels);
      const stale = staleFlags(values);
      let sum = 0;
      for (let i = 0; i < timesMs.length; i++) {
        const isMarker = stale?.[i] ?? 0;
        // Delta sums are added up: what PromQL works on is cumulative.
        if (isDelta && isMarker === 0) sum += values[i] as number;
        // Whole milliseconds are what PromQL knows; of nanoseconds in a double a little is lost.
        push(into, Math.floor((timesMs[i] as number) + 0.0005), isDelta ? sum : (values[i] as number), isMarker);
      }
    }
  }
  await readHistograms(found.filter(isHistogram), matchers, { startMs, endMs }, query, growing);
  return [...byKey.values()].map((each) => finished(each, startMs, endMs));
}
function push(into: Growing, ms: number, value: number, stale: number): void {
  into.times.push(ms);
  into.values.push(value);
  into.stale.push(stale);
}

type Result = Awaited<ReturnType<Queries['query']>>;
/** Classic histograms and summaries: a series for each bucket or quantile, sum and count. */
async function readHistograms(
  found: readonly PromqlSeries[],
  matchers: readonly Matcher[],
  { startMs, endMs }: { startMs: number; endMs: number },
  query: (sql: string) => Promise<Result>,
  growing: (labels: Labels) => Growing,
): Promise<void> {
  const tests = matchers.map(({ name, operator, value }) => {
    const fits = operator === '=' || operator === '!=' ? (own: string): boolean => own === value : compileLabelRegex(value);
    return (labels: Labels): boolean => fits(labelOf(labels, name)) === (operator === '=' || operator === '=~');
  });
  for (let at = 0; at < found.length; at += CHUNK) {
    const chunk = new Map(found.slice(at, at + CHUNK).map((series) => [series.id, series]));
    const result = await query(promqlHistogramsSql([...chunk.keys()], startMs, endMs));
    const [ids, ms, counts, sums, stale] = ['series_id', 'ms', 'count', 'sum', 'stale'].map((name) =>
      numbers(result, name),
    ) as ArrayLike<number>[] as [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>, ArrayLike<number>, ArrayLike<number>];
    const [bounds, buckets, quantiles] = ['bounds', 'counts', 'quantiles'].map((name) => texts(result, name)) as [
      readonly (string | null)[],
      readonly (string | null)[],
      readonly (string | null)[],
    ];
    const parts = new Map<string, Growing | null>();
    /** null: the matchers do not ask for it. */
    const part = (series: PromqlSeries, name: string, label: string, value: string): Growing | null => {
      const key = `${series.id} ${name} ${value}`;
      const known = parts.get(key);
      if (known !== undefined) return known;
      const labels = label === '' ? partLabels(series, name) : setLabel(partLabels(series, name), label, value);
      const into = tests.every((test) => test(labels)) ? growing(labels) : null;
      parts.set(key, into);
      return into;
    };
    const totals = new Map<string, number>();
    for (let i = 0; i < result.rowCount; i++) {
      const series = chunk.get(ids[i] as number) as PromqlSeries;
      const [first, sumName, countName] = namesOf(series) as [string, string, string];
      const put = (into: Growing | null, key: string, value: number): void => {
        if (!into) return;
        const total = series.isDelta ? (totals.get(`${series.id}${key}`) ?? 0) + value : value;
        totals.set(`${series.id}${key}`, total);
        push(into, ms[i] as number, total, stale[i] as number);
      };
      put(part(series, countName, '', ''), 'count', counts[i] as number);
      if (!Number.isNaN(sums[i])) put(part(series, sumName, '', ''), 'sum', sums[i] as number);
      const list = (json: string | null | undefined): number[] => JSON.parse(json ?? '[]') as number[];
      if (series.type === 'summary') {
        const values = list(quantiles[i]);
        list(bounds[i]).forEach((quantile, n) => {
          const into = part(series, first, 'quantile', String(quantile));
          if (into) push(into, ms[i] as number, values[n] as number, stale[i] as number);
        });
        continue;
      }
      const uppers = list(bounds[i]);
      let below = 0;
      list(buckets[i]).forEach((count, n) => {
        below += count;
        const le = uppers[n] === undefined ? '+Inf' : String(uppers[n]);
        put(part(series, first, 'le', le), le, below);
      });
    }
  }
}

function finished({ labels, times, values, stale }: Growing, startMs: number, endMs: number): StoredSeries {
  // Two stored series may have the same labels here: their samples are one series'.
  const order = [...times.keys()];
  if (times.some((ms, i) => i > 0 && ms < (times[i - 1] as number))) order.sort((a, b) => (times[a] as number) - (times[b] as number));
  const kept = order.filter((i, n) => {
    const ms = times[i] as number;
    return ms > startMs && ms <= endMs && (n === 0 || times[order[n - 1] as number] !== ms);
  });
  const out = { labels, times: new Float64Array(kept.length), values: new Float64Array(kept.length), starts: null, histograms: null };
  kept.forEach((i, n) => {
    out.times[n] = times[i] as number;
    if (stale[i] === 1) staleMarkers(out.values, n);
    else out.values[n] = values[i] as number;
  });
  return out;
}
