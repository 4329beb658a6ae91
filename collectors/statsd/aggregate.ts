import type { MemoryBudget, Reservation } from '#collectors/pipeline/memory-budget.ts';
import type { StatsdKind, StatsdSample } from './parse-line.ts';

/**
 * What came by StatsD since the last flush, one point for each name, type and set of tags. Counters and distributions start anew with
 * each interval (delta); a gauge's last value is kept for the next `+1`.
 */
export interface StatsdPoint {
  readonly kind: StatsdKind;
  readonly name: string;
  readonly tags: readonly string[];
  readonly containerId: string;
  /** Unix seconds the sender gave; 0 = the interval's. */
  readonly timeSeconds: number;
  /** Sum of a counter, value of a gauge, members of a set. */
  readonly value: number;
  /** No decrement ever came for a counter of this name. */
  readonly monotonic: boolean;
  readonly distribution: Distribution | null;
}
export interface Distribution {
  readonly bounds: readonly number[];
  /** One more than bounds; observations, sampled ones by their weight. */
  readonly counts: Float64Array;
  sum: number;
  min: number;
  max: number;
}
/** Milliseconds: the bounds of OpenTelemetry's SDKs, with more at both ends. */
const TIMER_BOUNDS = [0, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000, 30_000, 60_000];
/** Nobody says of what: from a thousandth (seconds) to a thousand million (bytes). */
const BOUNDS = [0, ...Array.from({ length: 12 }, (_, i) => [1, 2.5, 5].map((step) => Number(`${step}e${i - 3}`))).flat(), 1e9];

interface Series {
  readonly sample: StatsdSample;
  value: number;
  decremented: boolean;
  untouched: boolean;
  readonly members: Set<string> | null;
  readonly distribution: Distribution | null;
}
interface Gauge {
  value: number;
  touchedMs: number;
  readonly bytes: number;
}
/** What a series, a gauge or a member of a set takes beside its text. */
const SERIES_BYTES = 400;
const MEMBER_BYTES = 64;
const MAX_BYTES = 32 * 1024 * 1024;
/** A gauge nobody sets is forgotten: `+1` then starts from 0, as after a restart. */
const GAUGE_MS = 3_600_000;

export type Refused = 'too_many_series' | 'backpressure';
export class Aggregation {
  private readonly nowMs: () => number;
  private series = new Map<string, Series>();
  private readonly gauges = new Map<string, Gauge>();
  private readonly decremented = new Set<string>();
  /** Of the interval, and of what outlives it: half of the memory each, so that neither starves the other. */
  private readonly held: Reservation;
  private readonly kept: Reservation;
  private readonly maxBytes: number;

  constructor(budget: MemoryBudget, nowMs: () => number) {
    this.nowMs = nowMs;
    this.held = budget.reserve(0) as Reservation;
    this.kept = budget.reserve(0) as Reservation;
    this.maxBytes = Math.min(MAX_BYTES, budget.maxBytes / 8);
  }
  get size(): number {
    return this.series.size;
  }
  /** @returns why it was not taken, null when it was */
  add(sample: StatsdSample): Refused | null {
    const key = keyOf(sample);
    const series = this.series.get(key) ?? this.begin(key, sample);
    if (series === null) return 'too_many_series';
    if (sample.kind === 'set') return this.addMember(series, sample.member);
    if (sample.kind === 'gauge') return this.setGauge(key, series, sample);
    for (const value of sample.values) {
      if (series.distribution) observe(series.distribution, value, sample.weight);
      else {
        series.value += value * sample.weight;
        if (value < 0) this.noteDecrement(series, sample.name);
      }
    }
    return null;
  }
  private begin(key: string, sample: StatsdSample): Series | null {
    const isDistribution = sample.kind === 'timer' || sample.kind === 'histogram';
    const bounds = sample.kind === 'timer' ? TIMER_BOUNDS : BOUNDS;
    const bytes = SERIES_BYTES + key.length * 4 + (isDistribution ? bounds.length * 8 : 0);
    if (!this.grow(bytes)) return null;
    const counts = (): Float64Array => new Float64Array(bounds.length + 1);
    const series: Series = {
      sample,
      value: 0,
      decremented: false,
      untouched: true,
      members: sample.kind === 'set' ? new Set() : null,
      distribution: isDistribution
        ? { bounds, counts: counts(), sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }
        : null,
    };
    this.series.set(key, series);
    return series;
  }
  private addMember({ members }: Series, member: string): Refused | null {
    if (members === null || members.has(member)) return null;
    if (!this.grow(MEMBER_BYTES + member.length * 2)) return 'backpressure';
    members.add(member);
    return null;
  }
  private setGauge(key: string, series: Series, { values, relative, timeSeconds }: StatsdSample): Refused | null {
    const last = values.at(-1) ?? 0;
    // A point in the past says nothing of what is now.
    if (timeSeconds > 0) {
      series.value = last;
      return null;
    }
    const known = this.gauges.get(key);
    const before = known?.value ?? series.value;
    const value = relative ? values.reduce((sum, each) => sum + each, before) : last;
    if (!known && !this.keepGauge(key, value) && relative) {
      // The next interval would move it from nowhere.
      if (series.untouched) this.series.delete(key);
      return 'too_many_series';
    }
    if (known) {
      known.value = value;
      known.touchedMs = this.nowMs();
    }
    series.value = value;
    series.untouched = false;
    return null;
  }
  private keepGauge(key: string, value: number): boolean {
    const bytes = SERIES_BYTES + key.length * 2;
    if (!this.keep(bytes)) return false;
    this.gauges.set(key, { value, touchedMs: this.nowMs(), bytes });
    return true;
  }
  /** Where there is no room to remember it, it holds for this interval. */
  private noteDecrement(series: Series, name: string): void {
    series.decremented = true;
    if (!this.decremented.has(name) && this.keep(MEMBER_BYTES + name.length * 2)) this.decremented.add(name);
  }
  private grow(bytes: number): boolean {
    return this.held.bytes + bytes <= this.maxBytes / 2 && this.held.grow(bytes);
  }
  private keep(bytes: number): boolean {
    return this.kept.bytes + bytes <= this.maxBytes / 2 && this.kept.grow(bytes);
  }

  /** The points of the interval, which ends here. */
  take(): StatsdPoint[] {
    const points = Array.from(this.series.values(), ({ sample, value, decremented, members, distribution }): StatsdPoint => {
      const { kind, name, tags, containerId, timeSeconds } = sample;
      const monotonic = kind === 'counter' && !decremented && !this.decremented.has(name);
      return { kind, name, tags, containerId, timeSeconds, value: members?.size ?? value, monotonic, distribution };
    });
    this.series = new Map();
    this.held.free();
    const oldMs = this.nowMs() - GAUGE_MS;
    for (const [key, { touchedMs, bytes }] of this.gauges) {
      if (touchedMs > oldMs) continue;
      this.gauges.delete(key);
      this.kept.shrink(bytes);
    }
    return points;
  }
}
/** No text of a line has a line feed. */
const keyOf = ({ kind, name, tags, containerId, timeSeconds }: StatsdSample): string =>
  `${kind}\n${name}\n${tags.join(',')}\n${containerId}\n${timeSeconds}`;

/** Bucket i takes what is above bound i - 1, up to bound i. */
function observe(distribution: Distribution, value: number, weight: number): void {
  const { bounds, counts } = distribution;
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (bounds[middle] as number)) high = middle;
    else low = middle + 1;
  }
  counts[low] = (counts[low] as number) + weight;
  distribution.sum += value * weight;
  distribution.min = Math.min(distribution.min, value);
  distribution.max = Math.max(distribution.max, value);
}
