import { ratioUpperBound } from '../stats/binomial.ts';
import type { Pacing } from './pacing.ts';

/** Requests that must have been learned before a ratio is judged at all. */
const FEWEST_LEARNED = 30;

/** A forgetting ratio of counts, learned one evidence window late so that the first minute of a trouble teaches nothing. */
export class LearnedRatio {
  private readonly pacing: Pacing;
  private readonly waiting: { bad: number; all: number; isBad: boolean }[] = [];
  private buckets = 0;
  bad = 0;
  all = 0;
  /** Variance of the bad counts over the binomial's; starts sceptical, real errors come in clumps. */
  clumping = 5;

  constructor(pacing: Pacing) {
    this.pacing = pacing;
  }

  get isReady(): boolean {
    return this.buckets >= this.pacing.warmUp && this.all >= FEWEST_LEARNED;
  }

  get ratio(): number {
    return this.bad / Math.max(this.all, 1);
  }

  /** `isBad`: the bucket stood out by itself; `isAnomalous`: a finding is in force, nothing is learned. */
  push(bad: number, all: number, isBad: boolean, isAnomalous: boolean): void {
    if (isAnomalous) {
      this.waiting.length = 0;
      return;
    }
    this.waiting.push({ bad, all, isBad });
    if (this.waiting.length <= this.pacing.evidence && this.buckets >= this.pacing.warmUp) return;
    const oldest = this.waiting.shift()!;
    this.learnClumping(oldest.bad, oldest.all);
    const keep = 1 - 1 / (4 * this.pacing.memory);
    // A bad bucket teaches at most twice what is expected: neither an outlier nor the first minutes of thin trouble
    // may widen the baseline.
    const cap = oldest.isBad ? 2 * oldest.all * ratioUpperBound(this.bad, this.all) : oldest.bad;
    this.bad = this.bad * keep + Math.min(oldest.bad, cap);
    this.all = this.all * keep + oldest.all;
    this.buckets++;
  }

  /** Forgetting mean of squared residuals over binomial variance, each at most 40: outliers count, but not for ever. */
  private learnClumping(bad: number, all: number): void {
    const upper = ratioUpperBound(this.bad, this.all);
    const residual = (bad - all * this.ratio) ** 2;
    const seen = Math.min(40, residual / Math.max(all * upper * (1 - upper), 0.05));
    const rate = Math.max(1 / (this.buckets + 12), 1 / this.pacing.memory);
    this.clumping = Math.max(1, this.clumping + rate * (seen - this.clumping));
  }
}
