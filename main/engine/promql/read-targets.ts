import type { QueryOptions } from '#contracts/store.ts';
import { numbers, type Queries, whole } from '#store/read/columns-of.ts';
import { readSeriesSamples } from '#store/read/read-series-samples.ts';
import { type TargetGap, targetBlockSeriesSql, targetGapSeriesSql, targetRowTimesSql } from '#store/sql/read/target-times-sql.ts';
import { type GrowingSeries, MAX_SAMPLES, type SampleCounter } from './growing-series.ts';
import type { PromqlSeries } from './series-book.ts';

/**
 * `target_info` of OTLP resources: a sample of 1 at each time at which the resource sent points. Nobody stores it. In two hours of blocks the
 * times of up to three series stand for those of all; where that leaves a stretch longer than GAP_MS, all series that have blocks there are
 * looked at: an evaluation with the lookback of five minutes sees what it would see with all times.
 */
const GAP_MS = 150_000;
/** Resources, series and gaps of one statement. */
const CHUNK = 1_000;

type Times = Map<number, Set<number>>;
interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** Times in (startMs, endMs] of targets. @throws answer_too_long */
export async function readTargets(
  store: Queries,
  targets: readonly PromqlSeries[],
  window: Window,
  options: QueryOptions,
  into: GrowingSeries,
  counter: SampleCounter,
): Promise<void> {
  for (let at = 0; at < targets.length; at += CHUNK) {
    const some = targets.slice(at, at + CHUNK);
    const times: Times = new Map(some.flatMap(({ resources = [] }) => resources).map((id) => [id, new Set<number>()]));
    await new TargetTimes(store, window, options, counter, times).read();
    for (const { labels, resources = [] } of some) {
      const own = Float64Array.from(new Set(resources.flatMap((id) => [...(times.get(id) ?? [])]))).sort();
      if (own.length > 0) into.add(labels, { times: own, values: new Float64Array(own.length).fill(1) });
    }
  }
}

class TargetTimes {
  private readonly store: Queries;
  private readonly window: Window;
  private readonly options: QueryOptions;
  private readonly counter: SampleCounter;
  private readonly times: Times;
  private readonly looked = new Set<number>();

  constructor(store: Queries, window: Window, options: QueryOptions, counter: SampleCounter, times: Times) {
    this.store = store;
    this.window = window;
    this.options = options;
    this.counter = counter;
    this.times = times;
  }
  async read(): Promise<void> {
    const { startMs, endMs } = this.window;
    const ids = [...this.times.keys()];
    const rows = await this.ask(targetRowTimesSql(ids, startMs, endMs + 1), this.counter.left);
    const [resources, ms] = [numbers(rows, 'resource_id'), numbers(rows, 'ms')];
    for (let i = 0; i < rows.rowCount; i++) this.add(resources[i] as number, ms[i] as number);
    await this.look(targetBlockSeriesSql(ids, startMs, endMs + 1));
    const gaps = this.gaps();
    for (let at = 0; at < gaps.length; at += CHUNK) await this.look(targetGapSeriesSql(gaps.slice(at, at + CHUNK)));
  }
  private ask(sql: string, maxRows: number): Promise<ReturnType<typeof whole>> {
    return this.store.query(sql, [], { ...this.options, maxRows }).then((result) => whole(result, 'samples'));
  }
  private add(resourceId: number, ms: number): void {
    const own = this.times.get(resourceId);
    if (!own || ms <= this.window.startMs || ms > this.window.endMs || own.has(ms)) return;
    own.add(ms);
    this.counter.count(1);
  }
  /** Takes the times of the series a statement names. */
  private async look(sql: string): Promise<void> {
    const { startMs, endMs } = this.window;
    const result = await this.ask(sql, MAX_SAMPLES);
    const [resources, ids] = [numbers(result, 'resource_id'), numbers(result, 'series_id')];
    const resourceOf = new Map<number, number>();
    for (let i = 0; i < result.rowCount; i++)
      if (!this.looked.has(ids[i] as number)) resourceOf.set(ids[i] as number, resources[i] as number);
    const fresh = [...resourceOf.keys()];
    for (const id of fresh) this.looked.add(id);
    for (let at = 0; at < fresh.length; at += CHUNK) {
      const found = await readSeriesSamples(this.store, fresh.slice(at, at + CHUNK), startMs, endMs + 1, this.options);
      for (const { seriesId, timesMs } of found) {
        const resource = resourceOf.get(seriesId) as number;
        // Nanoseconds are no whole number in a double: as in read-samples.ts.
        for (const ms of timesMs) this.add(resource, Math.floor(ms + 0.0005));
      }
    }
  }
  private gaps(): TargetGap[] {
    const { startMs, endMs } = this.window;
    return [...this.times].flatMap(([resourceId, times]) => {
      const known = [startMs, ...Float64Array.from(times).sort(), endMs + 1];
      return known.flatMap((to, i) => {
        const from = known[i - 1] ?? to;
        return to - from > GAP_MS ? [{ resourceId, startMs: from, endMs: to }] : [];
      });
    });
  }
}
