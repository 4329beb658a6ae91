import { FaultlineError } from '#contracts/errors.ts';
import type { QueryOptions, QueryResult } from '#contracts/store.ts';
import { cumulativeNumber } from '#query/delta-cumulative.ts';
import { type Selection, type StoredSeries, staleFlags } from '#query/promql/value.ts';
import { type Queries, whole } from '#store/read/columns-of.ts';
import { GrowingSeries, SampleCounter } from './growing-series.ts';
import { readClassic } from './read-classic.ts';
import { readNative } from './read-native.ts';
import { readTargets } from './read-targets.ts';
import { SampleCache } from './sample-cache.ts';
import type { PromqlSeries, SeriesKind } from './series-book.ts';

const MAX_SERIES = 100_000;
/** Ids of one statement. */
const CHUNK = 5_000;
/** A statement's rows, all of them. @throws answer_too_long */
export type Ask = (sql: string) => Promise<QueryResult>;

/** Samples of what a selector asks for. @param cache what is known already; absent: nothing @throws answer_too_long */
export async function readSamples(
  store: Queries,
  found: readonly PromqlSeries[],
  selection: Pick<Selection, 'matchers' | 'startMs' | 'endMs'>,
  options: QueryOptions,
  counter = new SampleCounter(),
  cache = new SampleCache(0),
): Promise<StoredSeries[]> {
  if (found.length > MAX_SERIES)
    throw new FaultlineError('answer_too_long', `${found.length} series fit, at most ${MAX_SERIES} can be read at once.`);
  const { matchers, startMs, endMs } = selection;
  const into = new GrowingSeries();
  const ask: Ask = async (sql) => whole(await store.query(sql, [], { ...options, maxRows: counter.left }), 'samples');
  for (const chunk of chunksOf(found, 'float')) {
    const wanted = { ids: chunk.map(({ id }) => id), startMs, endMs, options: { ...options, maxRows: counter.left + 1 } };
    const samples = await cache.read(store, { ...wanted, count: (read) => counter.count(read) });
    // In the order of the ids, less those without any.
    let at = 0;
    for (const { seriesId, timesMs, values } of samples) {
      while ((chunk[at] as PromqlSeries).id !== seriesId) at++;
      const { labels, isDelta } = chunk[at] as PromqlSeries;
      into.add(labels, { times: timesMs, values: isDelta ? totals(values) : values });
    }
  }
  for (const chunk of chunksOf(found, 'classic')) await readClassic(byId(chunk), matchers, { startMs, endMs }, ask, into, counter);
  for (const chunk of chunksOf(found, 'native')) await readNative(byId(chunk), { startMs, endMs }, ask, into, counter);
  const targets = found.filter(({ kind }) => kind === 'target');
  await readTargets(store, targets, { startMs, endMs }, options, into, counter);
  for (const { labels, spans } of found) {
    if (!spans) continue;
    const counted = await spans.counts.read(store, { startMs, endMs }, spans.of, options);
    counter.count(counted.times.length);
    into.add(labels, counted);
  }
  return into.finished(startMs, endMs);
}
function totals(values: Float64Array): Float64Array {
  const stale = staleFlags(values);
  const total = cumulativeNumber();
  const out = values.slice();
  for (let i = 0; i < out.length; i++) if (!stale?.[i]) out[i] = total.next(values[i] as number);
  return out;
}
const byId = (chunk: readonly PromqlSeries[]): ReadonlyMap<number, PromqlSeries> => new Map(chunk.map((series) => [series.id, series]));
function* chunksOf(found: readonly PromqlSeries[], kind: SeriesKind): Iterable<readonly PromqlSeries[]> {
  const some = found.filter((series) => series.kind === kind);
  for (let at = 0; at < some.length; at += CHUNK) yield some.slice(at, at + CHUNK);
}
