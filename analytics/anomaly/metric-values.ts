import type { Observation } from '#contracts/observation.ts';

/** Buckets read from a series at a time: four lines of the processor's cache. */
const DEPTH = 32;

/**
 * One bucket of all metric series side by side. A replay over 100,000 series that took each value from its own array waited
 * half a microsecond for memory each time; so some buckets of each series are copied at once. Values of an observation
 * must not change between the pushes of its buckets.
 */
export class MetricValues {
  private of: Observation | null = null;
  private from = 0;
  private to = 0;
  private width = 0;
  private block = new Float64Array(0);

  /** Lent until the next call; NaN where a series has no such bucket. */
  at(observation: Observation, bucket: number): Float64Array {
    if (observation !== this.of || bucket < this.from || bucket >= this.to) this.read(observation, bucket);
    const start = (bucket - this.from) * this.width;
    return this.block.subarray(start, start + this.width);
  }
  private read(observation: Observation, bucket: number): void {
    const { metrics, buckets } = observation;
    // A push that does not go on from the last one is live: the ring moves before the next, and only one bucket is news.
    const depth = Math.max(1, Math.min(observation === this.of ? DEPTH : 1, buckets - bucket));
    const width = metrics.length;
    if (this.block.length < depth * width) this.block = new Float64Array(depth * width);
    for (let i = 0; i < width; i++) {
      const { values } = metrics[i]!;
      for (let b = 0; b < depth; b++) this.block[b * width + i] = values[bucket + b] ?? Number.NaN;
    }
    this.of = observation;
    this.from = bucket;
    this.to = bucket + depth;
    this.width = width;
  }
}
