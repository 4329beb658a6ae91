import { binomialUpperTail, ratioUpperBound } from '../stats/binomial.ts';
import type { Finding } from './numeric-signal.ts';
import type { Pacing } from './pacing.ts';
import { Sustained } from './sustained.ts';

/** Error ratios below this are never an anomaly, whatever the statistics say. */
const SMALLEST_RATIO = 0.01;
/** Chance under the baseline that starts a spell; over 1,000 series x 360 buckets an hour it gives < 0.01 false starts. */
const CHANCE = 1e-7;

/** Sums over the last `length` buckets, O(1) a bucket. */
class RollingPair {
  private readonly bads: Float64Array;
  private readonly alls: Float64Array;
  private next = 0;
  bad = 0;
  all = 0;
  constructor(length: number) {
    this.bads = new Float64Array(length);
    this.alls = new Float64Array(length);
  }
  push(bad: number, all: number): void {
    this.bad += bad - this.bads[this.next]!;
    this.all += all - this.alls[this.next]!;
    this.bads[this.next] = bad;
    this.alls[this.next] = all;
    this.next = (this.next + 1) % this.bads.length;
  }
}

/**
 * Bad of all (errors of requests), judged by the binomial tail against an upper bound of the learned ratio: one error
 * of three requests is no anomaly, thirty of a hundred is. Two windows: a minute, and four for thin traffic. Bad
 * counts must be spread over buckets, so one bad bucket, however bad, opens nothing.
 */
export class RatioSignal {
  private readonly pacing: Pacing;
  private readonly near: RollingPair;
  private readonly far: RollingPair;
  private readonly nearEvidence: Sustained;
  private readonly farEvidence: Sustained;
  private readonly waiting: { bad: number; all: number }[] = [];
  private learnedBad = 0;
  private learnedAll = 0;
  private learnedBuckets = 0;
  /** Variance of the bad counts over the binomial's; starts sceptical, real errors come in clumps. */
  private clumping = 3;

  constructor(pacing: Pacing) {
    this.pacing = pacing;
    this.near = new RollingPair(pacing.evidence);
    this.far = new RollingPair(4 * pacing.evidence);
    this.nearEvidence = new Sustained(pacing.evidence, pacing.sustained);
    this.farEvidence = new Sustained(4 * pacing.evidence, Math.max(5, pacing.sustained));
  }

  push(bad: number, all: number, startMs: number): Finding | null {
    if (!(all > 0) || !(bad >= 0)) return null;
    const expected = ratioUpperBound(this.learnedBad, this.learnedAll);
    this.near.push(bad, all);
    this.far.push(bad, all);
    const isReady = this.learnedBuckets >= this.pacing.warmUp && this.learnedAll >= 30;
    const isBad = isReady && bad >= 1 && binomialUpperTail(bad, all, expected) < 0.1;
    const endMs = startMs + this.pacing.stepMs;
    const near = this.nearEvidence.push(isBad, startMs, endMs, isBad && this.stands(this.near, expected));
    const far = this.farEvidence.push(isBad, startMs, endMs, isBad && this.stands(this.far, expected));
    const spell = near ?? far;
    this.learn(bad, all, spell !== null);
    if (spell === null) return null;
    const window = near === null ? this.far : this.near;
    const baseline = this.learnedBad / Math.max(this.learnedAll, 1);
    const sigma = Math.sqrt((expected * (1 - expected)) / Math.max(window.all, 1));
    const value = window.bad / Math.max(window.all, 1);
    return { ...spell, value, baseline, deviation: (value - baseline) / Math.max(sigma, 1e-6) };
  }

  private stands(window: RollingPair, expected: number): boolean {
    const ratio = window.bad / window.all;
    // Four times the learned ratio, or clearly above a bound that thin history keeps wide.
    const floor = Math.max(SMALLEST_RATIO, (2.5 * this.learnedBad) / Math.max(this.learnedAll, 1));
    const { clumping } = this;
    return window.bad >= 4 && ratio >= floor && binomialUpperTail(window.bad / clumping, window.all / clumping, expected) < CHANCE;
  }

  private learn(bad: number, all: number, anomalous: boolean): void {
    if (anomalous) {
      this.waiting.length = 0;
      return;
    }
    this.waiting.push({ bad, all });
    if (this.waiting.length <= this.pacing.evidence && this.learnedBuckets >= this.pacing.warmUp) return;
    const oldest = this.waiting.shift()!;
    const keep = 1 - 1 / (4 * this.pacing.memory);
    // A bad bucket teaches at most twice what is expected: outliers must not widen the baseline for an hour.
    const cap =
      this.learnedBuckets < this.pacing.warmUp
        ? oldest.bad
        : Math.max(1, 2 * oldest.all * ratioUpperBound(this.learnedBad, this.learnedAll));
    this.learnClumping(oldest.bad, oldest.all);
    this.learnedBad = this.learnedBad * keep + Math.min(oldest.bad, cap);
    this.learnedAll = this.learnedAll * keep + oldest.all;
    this.learnedBuckets++;
  }

  /** Forgetting mean of squared residuals over binomial variance, each at most 40: outliers count, but not for ever. */
  private learnClumping(bad: number, all: number): void {
    const ratio = ratioUpperBound(this.learnedBad, this.learnedAll);
    const residual = (bad - (all * this.learnedBad) / Math.max(this.learnedAll, 1)) ** 2;
    const seen = Math.min(40, residual / Math.max(all * ratio * (1 - ratio), 0.05));
    const rate = Math.max(1 / (this.learnedBuckets + 12), 1 / this.pacing.memory);
    this.clumping = Math.max(1, this.clumping + rate * (seen - this.clumping));
  }
}
