import type { SignalKind } from '#contracts/judgement.ts';
import type { Finding } from './numeric-signal.ts';
import type { Pacing } from './pacing.ts';
import { Sustained } from './sustained.ts';

/** How long a new pattern stays news. */
const NEWS_MS = 600_000;

/** Counts of one log pattern: bursts against a forgetting mean (Poisson with slack), and news of a pattern never seen. */
export class LogSignal {
  private readonly pacing: Pacing;
  private readonly evidence: Sustained;
  private mean = 0;
  private buckets = 0;
  private bornMs = Number.NaN;
  private total = 0;
  private lastMs: number;

  /** `isNew`: its service had logs for a whole warm-up before this pattern appeared. */
  constructor(pacing: Pacing, isNew: boolean, bornMs: number) {
    this.pacing = pacing;
    this.evidence = new Sustained(pacing.evidence, pacing.sustained);
    if (isNew) this.bornMs = bornMs;
    this.lastMs = bornMs;
  }

  push(count: number, startMs: number): (Finding & { readonly kind: SignalKind }) | null {
    this.catchUp(startMs);
    return this.judge(count >= 0 ? count : 0, startMs);
  }

  /** Buckets in which the pattern was not listed at all had none of it. */
  private catchUp(startMs: number): void {
    const missed = Math.round((startMs - this.lastMs) / this.pacing.stepMs) - 1;
    for (let i = Math.min(missed, 4 * this.pacing.evidence); i >= 1; i--) this.judge(0, startMs - i * this.pacing.stepMs);
    this.lastMs = startMs;
  }

  private judge(count: number, startMs: number): (Finding & { readonly kind: SignalKind }) | null {
    this.total += count;
    const isReady = this.buckets >= this.pacing.warmUp || Number.isFinite(this.bornMs);
    const slack = 4 * Math.sqrt(this.mean) + 2;
    const spell = this.evidence.push(isReady && count > this.mean + slack, startMs, startMs + this.pacing.stepMs);
    const baseline = this.mean;
    this.buckets++;
    if (spell === null)
      this.mean += Math.max(1 / this.buckets, 1 / this.pacing.memory) * (Math.min(count, this.mean + slack + 1) - this.mean);
    if (spell !== null)
      return { kind: 'log_errors', ...spell, value: count, baseline, deviation: (count - baseline) / Math.sqrt(baseline + 1) };
    if (this.total >= 3 && startMs - this.bornMs <= NEWS_MS) {
      return {
        kind: 'log_new_pattern',
        onsetMs: this.bornMs,
        untilMs: startMs + this.pacing.stepMs,
        value: this.total,
        baseline: 0,
        deviation: Math.sqrt(this.total),
      };
    }
    return null;
  }
}
