import { Cumulative } from '#query/delta-cumulative.ts';
import { add } from '#query/promql/histogram-arithmetic.ts';
import { reduce } from '#query/promql/histogram-layout.ts';
import {
  type Buckets,
  bucketsFrom,
  CUSTOM_SCHEMA,
  compact,
  EMPTY_HISTOGRAM,
  FINEST_SCHEMA,
  type NativeHistogram,
  type ResetHint,
} from '#query/promql/native-histogram.ts';
import { numbers, texts } from '#store/read/columns-of.ts';
import { promqlNativeSql } from '#store/sql/read/promql-sql.ts';
import { type GrowingSeries, push, type SampleCounter } from './growing-series.ts';
import type { Ask } from './read-samples.ts';
import type { PromqlSeries } from './series-book.ts';

/** Native histograms: scraped ones, those of remote write, and OTLP's exponential ones. */
type Numbers = ArrayLike<number>;
/** Of OTLP's that name none: what Prometheus takes then (storage/remote/otlptranslator). */
const ZERO_THRESHOLD = 1e-128;
const HINTS: readonly ResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

export async function readNative(
  found: ReadonlyMap<number, PromqlSeries>,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  ask: Ask,
  into: GrowingSeries,
  counter: SampleCounter,
): Promise<void> {
  const result = await ask(promqlNativeSql([...found.keys()], startMs, endMs));
  const number = (name: string): Numbers => numbers(result, name);
  const [ids, ms, stale] = [number('series_id'), number('ms'), number('stale')];
  const pointAt = pointsOf(number, (name) => texts(result, name));
  const totals = new Map<number, Cumulative<NativeHistogram>>();
  for (let i = 0; i < result.rowCount; i++) {
    const id = ids[i] as number;
    const series = found.get(id) as PromqlSeries;
    const growing = into.of(series.labels);
    if (stale[i] === 1) {
      push(growing, ms[i] as number, 0, 1);
      continue;
    }
    const point = pointAt(i, series.source === 'otlp' ? ZERO_THRESHOLD : 0);
    let histogram = point;
    if (series.isDelta) {
      const total = totals.get(id) ?? new Cumulative<NativeHistogram>((sum, delta) => add(sum, delta)?.histogram ?? delta);
      totals.set(id, total);
      histogram = total.next(point);
    }
    counter.count(4 + histogram.positive.indexes.length + histogram.negative.indexes.length);
    growing.histogramTimes.push(ms[i] as number);
    growing.histograms.push(histogram);
  }
}
function pointsOf(
  number: (name: string) => Numbers,
  text: (name: string) => readonly (string | null)[],
): (i: number, leastZero: number) => NativeHistogram {
  const [count, sum, scale, hint] = [number('count'), number('sum'), number('scale'), number('hint')];
  const [zeroCount, zeroThreshold] = [number('zero_count'), number('zero_threshold')];
  const [positiveOffset, negativeOffset] = [number('positive_offset'), number('negative_offset')];
  const [positive, negative, bounds, counts] = [text('positive'), text('negative'), text('bounds'), text('counts')];
  const list = (json: string | null | undefined): number[] => JSON.parse(json ?? '[]') as number[];
  // Bucket i of Prometheus ends where bucket i of OTLP, which is stored, begins.
  const side = (offset: number | undefined, json: string | null | undefined): Buckets => bucketsFrom((offset || 0) + 1, list(json));
  return (i, leastZero) => {
    const head = {
      ...EMPTY_HISTOGRAM,
      count: count[i] as number,
      sum: sum[i] as number,
      hint: HINTS[hint[i] as number] as ResetHint,
    };
    if (Number.isNaN(scale[i]))
      return compact({
        ...head,
        schema: CUSTOM_SCHEMA,
        bounds: Float64Array.from(list(bounds[i])),
        positive: bucketsFrom(0, list(counts[i])),
      });
    const histogram = {
      ...head,
      schema: scale[i] as number,
      zeroCount: zeroCount[i] || 0,
      zeroThreshold: zeroThreshold[i] || leastZero,
      positive: side(positiveOffset[i], positive[i]),
      negative: side(negativeOffset[i], negative[i]),
    };
    return compact(reduce(histogram, FINEST_SCHEMA));
  };
}
