import type { Pacing } from './pacing.ts';
import { RobustLevel } from './robust-level.ts';
import { Sustained } from './sustained.ts';

/** When one value of a signal counts as bad. Units are those of the values pushed (logarithms for durations). */
export interface NumericRule {
  /** 1: only rises count; -1: only falls; 0: both. */
  readonly direction: 1 | -1 | 0;
  /** Robust deviations from the level. */
  readonly deviations: number;
  /** Smallest scale in units of the value, so that a flat series does not alarm on a hair. */
  readonly floor: number;
  /** Smallest change that matters, in units of the value. */
  readonly change: number;
  /** Forgetting length in values. */
  readonly memory: number;
}
/** What a signal says while it is anomalous; value and baseline in the units pushed. */
export interface Finding {
  readonly onsetMs: number;
  readonly untilMs: number;
  readonly value: number;
  readonly baseline: number;
  readonly deviation: number;
}
/** A trouble that lasts this long is the new normal: the level is learned afresh. */
const REBASELINE_MS = 3_600_000;

/**
 * One numeric series judged value by value, O(1) each: level and spread learned one evidence window late (so the
 * first minute of a trouble teaches nothing) and not at all while anomalous.
 */
export class NumericSignal {
  private readonly pacing: Pacing;
  private readonly level: RobustLevel;
  private readonly strong: Sustained;
  private readonly steady: Sustained;
  /** One array for both, because a hundred thousand series are visited in turn: the last deviations, then values waiting to be learned. */
  private readonly kept: Float64Array;
  private waitingFrom = 0;
  private waiting = 0;
  private filled = 0;
  private deviationSum = 0;
  private lastMs = Number.NEGATIVE_INFINITY;

  constructor(pacing: Pacing, isBursty = false) {
    this.pacing = pacing;
    this.level = new RobustLevel(isBursty ? pacing.burstWarmUp : pacing.warmUp, pacing.memory, isBursty);
    this.strong = new Sustained(pacing.evidence, pacing.sustained);
    this.steady = new Sustained(2 * pacing.evidence, Math.ceil(1.6 * pacing.evidence));
    this.kept = new Float64Array(3 * pacing.evidence + 1);
  }

  /** Feeds one value and returns the finding in force, or null. NaN is a gap: nothing is learned or forgotten. */
  push(value: number, startMs: number, rule: NumericRule): Finding | null {
    if (!Number.isFinite(value)) return this.gap(startMs);
    this.lastMs = startMs;
    const raw = this.level.deviation(value, rule.floor);
    const deviation = rule.direction === 0 ? Math.abs(raw) : raw * rule.direction;
    const change = this.level.ready ? Math.abs(value - this.level.level) : 0;
    const endMs = startMs + this.pacing.stepMs;
    this.remember(deviation);
    const strong = this.strong.push(deviation > rule.deviations && change >= rule.change, startMs, endMs);
    const steady = this.steady.push(deviation > 1.5 && change >= rule.change / 2, startMs, endMs, this.isSteady(rule));
    const spell = strong ?? steady;
    this.learn(value, rule.memory, spell !== null && startMs - spell.onsetMs < REBASELINE_MS);
    if (spell === null || startMs - spell.onsetMs >= REBASELINE_MS) return null;
    return { ...spell, value: this.level.level + this.typicalShift(value), baseline: this.level.level, deviation: raw };
  }

  private lastShift = 0;
  private typicalShift(value: number): number {
    const shift = value - this.level.level;
    this.lastShift = this.lastShift === 0 ? shift : this.lastShift + 0.3 * (shift - this.lastShift);
    return this.lastShift;
  }

  /** Many moderate deviations in a row: noisy series whose single values never stand out. */
  private isSteady(rule: NumericRule): boolean {
    const length = 2 * this.pacing.evidence;
    return this.filled >= length && this.deviationSum / Math.sqrt(length) > 2.2 * rule.deviations;
  }

  private remember(deviation: number): void {
    const at = this.filled % (2 * this.pacing.evidence);
    // Clipped: one huge outlier must not stand for a steady shift.
    const clipped = Math.min(deviation, 4);
    this.deviationSum += clipped - this.kept[at]!;
    this.kept[at] = clipped;
    this.filled++;
  }

  private learn(value: number, memory: number, anomalous: boolean): void {
    if (anomalous) {
      this.waiting = 0;
      return;
    }
    this.lastShift = 0;
    const { evidence } = this.pacing;
    const room = evidence + 1;
    this.kept[2 * evidence + ((this.waitingFrom + this.waiting) % room)] = value;
    this.waiting++;
    const delay = this.level.ready ? evidence : 0;
    if (this.waiting > delay) {
      this.level.learn(this.kept[2 * evidence + this.waitingFrom]!);
      this.waitingFrom = (this.waitingFrom + 1) % room;
      this.waiting--;
    }
    this.level.memory = memory;
  }

  private gap(startMs: number): Finding | null {
    if (startMs - this.lastMs > 2 * this.pacing.evidence * this.pacing.stepMs) {
      this.strong.clear();
      this.steady.clear();
    }
    return null;
  }
}
