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

/** The life of one alert over runs of steps: equal to AlertBook, a run at a time and not a step at a time. */
export class AlertTrack {
  readonly labels: Labels;
  readonly stretches: Stretch[] = [];
  private state: 'inactive' | 'pending' | 'firing' = 'inactive';
  /** First step it was firing without being given; -1: it is given. */
  private keptStep = -1;

  constructor(labels: Labels) {
    this.labels = labels;
  }
  get isActive(): boolean {
    return this.state !== 'inactive';
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
      this.given(from, to, forSteps, (step) => valueAt(step - first));
      at = to;
    }
    if (at < end) this.without(at, end, keepSteps);
  }
  private get last(): Stretch {
    return this.stretches[this.stretches.length - 1] as Stretch;
  }
  private given(from: number, to: number, forSteps: number, valueAt: (step: number) => number): void {
    this.keptStep = -1;
    if (this.state === 'firing') return;
    if (this.state === 'inactive') {
      this.state = 'pending';
      this.stretches.push({ isFiring: false, from, to: -1, activeStep: from, value: Number.NaN });
    }
    const { activeStep } = this.last;
    const fires = activeStep + forSteps;
    if (fires >= to) return;
    if (fires === activeStep) this.stretches.pop();
    else this.last.to = fires;
    this.state = 'firing';
    this.stretches.push({ isFiring: true, from: fires, to: -1, activeStep, value: valueAt(fires) });
  }
  /** Evaluations that do not give it. */
  private without(from: number, to: number, keepSteps: number): void {
    if (this.state === 'inactive') return;
    if (this.state === 'firing') {
      if (this.keptStep < 0) this.keptStep = from;
      const resolves = this.keptStep + keepSteps;
      if (resolves >= to) return;
      this.last.to = resolves;
    } else this.last.to = from;
    this.state = 'inactive';
    this.keptStep = -1;
  }
}
