import { binomialUpperTail, ratioUpperBound } from '../stats/binomial.ts';
import { shiftedStretch } from '../stats/onset.ts';
import { LearnedRatio } from './learned-ratio.ts';
import type { Finding } from './numeric-signal.ts';
import type { Pacing } from './pacing.ts';

/** Error ratios below this are never an anomaly, whatever the statistics say. */
const SMALLEST_RATIO = 0.01;
/** Chance under the baseline (widened by clumping, worst two buckets left out) that starts a spell. */
const CHANCE = 1e-6;

/** The last four evidence windows of counts, with running sums over the newest one and over all, O(1) a bucket. */
class Counts {
  readonly bad: Float64Array;
  readonly all: Float64Array;
  readonly flags: Uint8Array;
  readonly times: Float64Array;
  private readonly near: number;
  private next = 0;
  nearBad = 0;
  nearAll = 0;
  nearFlags = 0;
  farBad = 0;
  farAll = 0;
  farFlags = 0;
  constructor(near: number) {
    this.near = near;
    this.bad = new Float64Array(4 * near);
    this.all = new Float64Array(4 * near);
    this.flags = new Uint8Array(4 * near);
    this.times = new Float64Array(4 * near);
  }
  push(bad: number, all: number, flag: number, startMs: number): void {
    const length = this.bad.length;
    const at = this.next;
    const leaving = (at + length - this.near) % length;
    this.nearBad += bad - this.bad[leaving]!;
    this.nearAll += all - this.all[leaving]!;
    this.nearFlags += flag - this.flags[leaving]!;
    this.farBad += bad - this.bad[at]!;
    this.farAll += all - this.all[at]!;
    this.farFlags += flag - this.flags[at]!;
    this.bad[at] = bad;
    this.all[at] = all;
    this.flags[at] = flag;
    this.times[at] = startMs;
    this.next = (at + 1) % length;
  }
  /** Counts of the newest `length` buckets without the two with most bad: what is left must still stand out. */
  withoutWorst(length: number): { bad: number; all: number } {
    let [bad, all] = [0, 0];
    let first = -1;
    let second = -1;
    for (let back = 1; back <= length; back++) {
      const at = (this.next + this.bad.length - back) % this.bad.length;
      bad += this.bad[at]!;
      all += this.all[at]!;
      if (first < 0 || this.bad[at]! > this.bad[first]!) {
        second = first;
        first = at;
      } else if (second < 0 || this.bad[at]! > this.bad[second]!) second = at;
    }
    return { bad: bad - this.bad[first]! - this.bad[second]!, all: all - this.all[first]! - this.all[second]! };
  }
  /** Start of the stretch in which the ratio was nearer to `level` than to `baseline`. */
  onsetMs(baseline: number, level: number): number {
    const length = this.bad.length;
    const ordered = Array.from({ length }, (_, i) => (this.next + i) % length);
    const ratios = ordered.map((at) => (this.all[at]! > 0 ? this.bad[at]! / this.all[at]! : Number.NaN));
    const stretch = shiftedStretch(ratios, 0, length, baseline, level);
    return this.times[ordered[stretch === null ? length - 1 : stretch.from]!]!;
  }
}

/**
 * Bad of all (errors of requests), judged by the binomial tail against an upper bound of the learned ratio: one error
 * of three requests is no anomaly, thirty of a hundred is. Two windows: a minute, and four for thin traffic. Bad
 * counts must be spread over buckets, so one bad bucket, however bad, opens nothing.
 */
export class RatioSignal {
  private readonly pacing: Pacing;
  private readonly counts: Counts;
  private readonly learned: LearnedRatio;
  private spell: { onsetMs: number; untilMs: number; ratio: number } | null = null;

  constructor(pacing: Pacing) {
    this.pacing = pacing;
    this.counts = new Counts(pacing.evidence);
    this.learned = new LearnedRatio(pacing);
  }

  push(bad: number, all: number, startMs: number): Finding | null {
    if (!(all > 0) || !(bad >= 0)) return null;
    const { counts, learned } = this;
    const expected = ratioUpperBound(learned.bad, learned.all);
    const isBad = learned.isReady && bad >= 1 && binomialUpperTail(Math.min(bad, all), all, expected) < 0.1;
    counts.push(bad, all, isBad ? 1 : 0, startMs);
    this.follow(isBad, startMs, expected);
    // Half a window of bad buckets is suspicion enough to stop learning, long before it is an anomaly.
    learned.push(bad, all, isBad, this.spell !== null || counts.nearFlags >= Math.ceil(this.pacing.evidence / 2));
    if (this.spell === null) return null;
    const sigma = Math.sqrt((expected * (1 - expected)) / Math.max(counts.nearAll, 1));
    const { onsetMs, untilMs, ratio } = this.spell;
    return { onsetMs, untilMs, value: ratio, baseline: learned.ratio, deviation: (ratio - learned.ratio) / Math.max(sigma, 1e-6) };
  }

  private follow(isBad: boolean, startMs: number, expected: number): void {
    const { counts } = this;
    const endMs = startMs + this.pacing.stepMs;
    const nearRatio = counts.nearBad / Math.max(counts.nearAll, 1);
    if (this.spell === null) {
      const ratio = isBad ? this.standing(expected) : null;
      if (ratio !== null) this.spell = { onsetMs: counts.onsetMs(this.learned.ratio, ratio), untilMs: endMs, ratio };
      return;
    }
    if (isBad) this.spell.untilMs = endMs;
    // The ratio reported follows the last minute while it is bad, and keeps its last bad value while it fades.
    if (counts.nearFlags >= this.pacing.sustained) this.spell.ratio = nearRatio;
    const isQuiet = nearRatio <= this.spell.ratio / 4 && (1 - this.spell.ratio) ** counts.nearAll < 0.01;
    if (counts.nearFlags <= 1 && (isQuiet || counts.farFlags <= 2)) this.spell = null;
  }

  /** The ratio that stands out, of the near window or else of the far one; null when neither does. */
  private standing(expected: number): number | null {
    const { counts, pacing } = this;
    if (counts.nearFlags >= pacing.sustained && this.isUnlikely(pacing.evidence, expected)) return counts.nearBad / counts.nearAll;
    const spread = Math.max(5, pacing.sustained);
    return counts.farFlags >= spread && this.isUnlikely(4 * pacing.evidence, expected) ? counts.farBad / counts.farAll : null;
  }

  private isUnlikely(length: number, expected: number): boolean {
    const { clumping, ratio } = this.learned;
    const { bad, all } = this.counts.withoutWorst(length);
    if (bad < 3 || bad / all < Math.max(SMALLEST_RATIO, 2.5 * ratio)) return false;
    return binomialUpperTail(Math.min(bad, all) / clumping, all / clumping, expected) < CHANCE;
  }
}
