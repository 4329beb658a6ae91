import { live } from './live.svelte.ts';
import { location } from './location.svelte.ts';
import {
  DEFAULT_CHOICE,
  fixedChoice,
  isLive,
  refreshMs,
  resolveChoice,
  shiftSpan,
  type TimeChoice,
  type TimeSpan,
  zoomSpan,
} from './time-range.ts';

/** The time window of all screens: words in the URL, resolved against the engine's clock. */
class Timeline {
  private tick = $state(Date.now());
  readonly choice = $derived<TimeChoice>({
    from: location.param('from') || DEFAULT_CHOICE.from,
    to: location.param('to') || DEFAULT_CHOICE.to,
  });
  readonly live = $derived(isLive(this.choice));
  readonly span = $derived(resolveChoice(this.choice, this.tick));

  /** Moves a live window on. To be called once, by the frame; returns how to stop. */
  start(): () => void {
    let timer = 0;
    const turn = (): void => {
      if (this.live && !document.hidden) this.tick = Date.now() + live.skewMs;
      timer = window.setTimeout(turn, refreshMs(this.span));
    };
    turn();
    return () => window.clearTimeout(timer);
  }
  choose(choice: TimeChoice): void {
    const same = choice.from === DEFAULT_CHOICE.from && choice.to === DEFAULT_CHOICE.to;
    this.tick = Date.now() + live.skewMs;
    location.set(same ? { from: null, to: null } : { from: choice.from, to: choice.to === 'now' ? null : choice.to }, 'push');
  }
  fix(span: TimeSpan): void {
    this.choose(fixedChoice(span));
  }
  pause(): void {
    this.fix(this.span);
  }
  resume(): void {
    this.choose(DEFAULT_CHOICE);
  }
  shift(part: number): void {
    this.fix(shiftSpan(this.span, part));
  }
  zoom(factor: number): void {
    this.fix(zoomSpan(this.span, factor));
  }
}
export const timeline = new Timeline();
