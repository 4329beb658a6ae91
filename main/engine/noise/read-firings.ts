import type { Firing } from '#analytics/noise/find-noise.ts';
import type { QueryOptions } from '#contracts/store.ts';
import { readSamples } from '#main/engine/promql/read-samples.ts';
import type { SeriesBook } from '#main/engine/promql/series-book.ts';
import { entriesOf, type Labels, labelOf, setLabel } from '#query/promql/labels.ts';
import { type StoredSeries, staleFlags } from '#query/promql/value.ts';
import { ALERTS } from '#query/rules/alert-state.ts';
import type { Queries } from '#store/read/columns-of.ts';

/** What fired, from the samples rules wrote of it: `ALERTS{alertstate="firing"}`. */
export interface StoredFiring extends Firing {
  /** As an alert has them. */
  readonly own: Labels;
}
/** Without a sample for so many of its steps a firing is over, though nothing said so. */
const MISSING_STEPS = 3;
const FALLBACK_STEP_MS = 60_000;

export async function readFirings(
  store: Queries,
  book: SeriesBook,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  options: QueryOptions,
): Promise<StoredFiring[]> {
  const matchers = [
    { name: '__name__', operator: '=' as const, value: ALERTS },
    { name: 'alertstate', operator: '=' as const, value: 'firing' },
  ];
  const series = await readSamples(store, book.select(matchers), { matchers, startMs, endMs }, options);
  return series.flatMap((each) => firingsOf(each, endMs)).sort((a, b) => a.fromMs - b.fromMs);
}
function firingsOf({ labels, times, values }: StoredSeries, endMs: number): StoredFiring[] {
  const own = setLabel(setLabel(labels, '__name__', ''), 'alertstate', '');
  const about = { name: labelOf(own, 'alertname'), labels: Object.fromEntries(entriesOf(own)), key: own.key, own };
  const stale = staleFlags(values);
  const gaps = Array.from(times.subarray(1), (at, i) => at - (times[i] as number)).sort((a, b) => a - b);
  const stepMs = gaps[gaps.length >> 1] ?? FALLBACK_STEP_MS;
  const found: StoredFiring[] = [];
  let fromMs: number | null = null;
  let lastMs = 0;
  const end = (toMs: number | null): void => {
    if (fromMs !== null) found.push({ ...about, fromMs, toMs });
    fromMs = null;
  };
  for (let i = 0; i < times.length; i++) {
    const at = times[i] as number;
    if (fromMs !== null && at - lastMs > MISSING_STEPS * stepMs) end(lastMs + stepMs);
    if (stale?.[i]) end(at);
    else fromMs ??= at;
    lastMs = at;
  }
  end(lastMs + MISSING_STEPS * stepMs >= endMs ? null : lastMs + stepMs);
  return found;
}
