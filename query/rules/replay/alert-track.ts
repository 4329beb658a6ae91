import type { Labels } from '#query/promql/labels.ts';
import type { Runs } from './presence.ts';

/** Durations of a rule in evaluations: what AlertBook decides at each step of its time, decided by steps. */
export interface TrackSteps {
  /** Evaluations from the first one that gave it to the one at which it fires; 0: at once. */
  readonly forSteps: number;
  /** Evaluations without it from the first one to the one at which it resolves; 0: at once. */
  readonly keepSteps: number;
}
export const stepsOf = (forMs: number, keepFiringForMs: number, intervalMs: number): TrackSteps => ({
  forSteps: Math.ceil(forMs / intervalMs),
  keepSteps: Math.ceil(keepFiringForMs / intervalMs),
});
/** A stretch in which an alert was pending, or firing; steps, `to` not included. */
export interface Stretch {
  readonly isFiring: boolean;
  from: number;
  /** -1: it goes on. */
  to: number;
  /** When it became active. */
  readonly activeStep: number;
  /** Of the expression when it fired; NaN of one that is pending. */
  readonly value: number;
}

/** How often alerts of a rule began to fire, or were pending only, in all. */
export interface Tally {
  stretches: number;
}

/** The life of one alert over runs of steps: equal to AlertBook, a run at a time and not a step at a time. */
export class AlertTrack {
  readonly labels: Labels;
  /** Of the sample that first gave it. */
  readonly sample: Labels;
  /** Ended and current ones; of pending ones those that are kept. */
  readonly stretches: Stretch[] = [];
  private readonly tally: Tally;
  private readonly keepsPending: boolean;
  /** null: inactive. */
  private now: Stretch | null = null;
  /** First step it was firing without being given; -1: it is given. */
  private keptStep = -1;

  /** @param keepsPending stretches in which it was pending are of interest too */
  constructor(labels: Labels, sample: Labels, tally: Tally, keepsPending: boolean) {
    this.labels = labels;
    this.sample = sample;
    this.tally = tally;
    this.keepsPending = keepsPending;
  }
  get isActive(): boolean {
    return this.now !== null;
  }
  /**
   * @param runs steps at which the rule gives it, from `first` to `end`, counted from `first`
   * @param valueAt of a step counted from `first`
   */
  advance(runs: Runs, first: number, end: number, { forSteps, keepSteps }: TrackSteps, valueAt: (i: number) => number): void {
    let at = first;
    for (let r = 0; r < runs.length; r += 2) {
      const [from, to] = [first + (runs[r] as number), first + (runs[r + 1] as number)];
      if (from > at) this.without(at, from, keepSteps);
      this.given(from, to, first, forSteps, valueAt);
      at = to;
    }
    if (at < end) this.without(at, end, keepSteps);
  }
  private begin(stretch: Stretch): void {
    this.now = stretch;
    if (!stretch.isFiring && !this.keepsPending) return;
    this.stretches.push(stretch);
    this.tally.stretches++;
  }
  private given(from: number, to: number, first: number, forSteps: number, valueAt: (i: number) => number): void {
    this.keptStep = -1;
    if (this.now?.isFiring) return;
    const activeStep = this.now?.activeStep ?? from;
    const fires = activeStep + forSteps;
    if (!this.now && forSteps > 0) this.begin({ isFiring: false, from, to: -1, activeStep, value: Number.NaN });
    if (fires >= to) return;
    if (this.now) this.now.to = fires;
    this.begin({ isFiring: true, from: fires, to: -1, activeStep, value: valueAt(fires - first) });
  }
  /** Evaluations that do not give it. */
  private without(from: number, to: number, keepSteps: number): void {
    if (!this.now) return;
    if (this.now.isFiring) {
      if (this.keptStep < 0) this.keptStep = from;
      const resolves = this.keptStep + keepSteps;
      if (resolves >= to) return;
      this.now.to = resolves;
    } else this.now.to = from;
    this.now = null;
    this.keptStep = -1;
  }
}
