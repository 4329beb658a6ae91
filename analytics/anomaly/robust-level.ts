import { median, medianAbsoluteDeviation } from '../stats/robust.ts';

/** A value further than this many deviations teaches the level no more than one just this far. */
const CLIP = 2.5;
/** E|x| of a standard normal clipped at 2.5 is 0.7936 instead of 0.7979; its inverse keeps the scale unbiased. */
const MEAN_ABSOLUTE_TO_SIGMA = 1.26;

/**
 * Running level and spread of one series, O(1) a value: median and MAD of the warm-up, then an exponentially
 * forgetting Huber average. `memory` is the forgetting length in values.
 */
export class RobustLevel {
  private readonly warm: number[] = [];
  private seen = 0;
  private readonly warmUp: number;
  memory: number;
  level = Number.NaN;
  scale = Number.NaN;

  constructor(warmUp: number, memory: number) {
    this.warmUp = warmUp;
    this.memory = memory;
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
    this.warm.length = 0;
  }
}
