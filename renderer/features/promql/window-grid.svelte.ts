import { SvelteSet } from 'svelte/reactivity';
import { stepMs } from '../../lib/time-range.ts';
import { timeline } from '../../lib/timeline.svelte.ts';
import { gridOf, type StepGrid } from './prometheus-answer.ts';

const LEAST_STEP_MS = 1_000;

/** The page's window on whole steps. It is another one only when a step has gone by: a moving window asks nothing new within one. */
export class WindowGrid {
  private readonly points: number;
  private readonly chosenMs: () => number | null;
  readonly stepMs = $derived.by(() => this.chosenMs() ?? Math.max(LEAST_STEP_MS, stepMs(timeline.span, this.points)));
  private readonly waits = new SvelteSet<() => boolean>();
  /** Something that was asked over it is not answered yet. */
  readonly isWaiting = $derived.by(() => [...this.waits].some((isLoading) => isLoading()));
  private last: StepGrid | null = null;
  private readonly ends = $derived.by(() => {
    const fresh = gridOf(timeline.span.startMs, timeline.span.endMs, this.stepMs);
    if (this.last && this.isMovedOnly(this.last, fresh) && this.isWaiting) return this.last;
    this.last = fresh;
    return fresh;
  });
  // Numbers of the same value stop here; `ends` is made anew every second.
  private readonly startMs = $derived.by(() => this.ends.startMs);
  private readonly endMs = $derived.by(() => this.ends.endMs);
  readonly grid = $derived.by((): StepGrid => ({ startMs: this.startMs, endMs: this.endMs, stepMs: this.stepMs }));

  /** @param chosenMs the step somebody wants; null: about so many points fit the window */
  constructor(points: number, chosenMs: () => number | null = () => null) {
    this.points = points;
    this.chosenMs = chosenMs;
  }
  /**
   * Time alone moves the window on only when this is answered: a query slower than a step would be called off at each step, and
   * never be seen. To be called while a component is set up.
   */
  waitFor(isLoading: () => boolean): void {
    $effect(() => {
      this.waits.add(isLoading);
      return () => this.waits.delete(isLoading);
    });
  }
  private isMovedOnly(last: StepGrid, fresh: StepGrid): boolean {
    const longer = Math.abs(fresh.endMs - fresh.startMs - (last.endMs - last.startMs));
    return timeline.live && fresh.stepMs === last.stepMs && longer <= fresh.stepMs && fresh.endMs > last.endMs;
  }
}
