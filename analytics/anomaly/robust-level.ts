import { median, medianAbsoluteDeviation, quantile } from '../stats/robust.ts';

/** A value further than this many deviations teaches the level no more than one just this far. */
const CLIP = 2.5;
/** E|x| of a standard normal clipped at 2.5 is 0.7936 instead of 0.7979; its inverse keeps the scale unbiased. */
const MEAN_ABSOLUTE_TO_SIGMA = 1.26;
/** A burst long enough to be taken for trouble (4 of 6 buckets) is more than this share of a warm-up of ten minutes. */
const BURST_QUANTILE = 0.95;
/** Deviations such a burst is from the level. */
const BURST_SIGMAS = 2.5;

/**
 * Running level and spread of one series, O(1) a value: median and MAD of the warm-up, then an exponentially
 * forgetting Huber average. `memory` is the forgetting length in values.
 */
export class RobustLevel {
  private readonly warm: number[] = [];
  private seen = 0;
  private readonly warmUp: number;
  private readonly isBursty: boolean;
  memory: number;
  level = Number.NaN;
  scale = Number.NaN;

  /** @param isBursty bursts of the warm-up are part of its spread, which the median deviation leaves out while they are fewer than half */
  constructor(warmUp: number, memory: number, isBursty = false) {
    this.warmUp = warmUp;
    this.memory = memory;
    this.isBursty = isBursty;
  }

  get ready(): boolean {
    return this.seen >= this.warmUp;
  }

  /** Deviations of value from the level; the scale counts as at least `floor` (> 0). 0 before the warm-up is over. */
  deviation(value: number, floor: number): number {
    return this.ready ? (value - this.level) / Math.max(this.scale, floor) : 0;
  }

  learn(value: number): void {
    this.seen++;
    if (this.seen <= this.warmUp) {
      this.warm.push(value);
      if (this.seen === this.warmUp) this.settle();
      return;
    }
    const rate = Math.max(1 / this.seen, 1 / this.memory);
    const bound = CLIP * Math.max(this.scale, 1e-9 + Math.abs(this.level) * 1e-3);
    const residual = Math.min(Math.max(value - this.level, -bound), bound);
    this.level += rate * residual;
    this.scale += rate * (MEAN_ABSOLUTE_TO_SIGMA * Math.abs(residual) - this.scale);
  }

  private settle(): void {
    this.level = median(this.warm);
    this.scale = medianAbsoluteDeviation(this.warm, this.level);
    if (this.isBursty) this.scale = Math.max(this.scale, (quantile(this.warm, BURST_QUANTILE) - this.level) / BURST_SIGMAS);
    this.warm.length = 0;
  }
}
