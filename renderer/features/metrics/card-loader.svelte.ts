import { untrack } from 'svelte';
import { CARD_LIMITS, type MetricCards } from '#contracts/promql.ts';
import { type ApiError, api, apiErrorOf } from '../../lib/api.ts';
import type { StepGrid } from '../promql/prometheus-answer.ts';

export type Card = MetricCards['cards'][number];
/** What is seen while a list is scrolled through quickly is not asked for. */
const SETTLE_MS = 120;
/** Of one call, of the first one less: something is there soon. */
const [FIRST, BATCH] = [8, Math.min(24, CARD_LIMITS.cards)];

/** Lines of the cards that are seen, a call for several of them; called off when they are scrolled away. */
export class CardLoader {
  cards = $state.raw<Readonly<Record<string, Card>>>({});
  error = $state.raw<ApiError | null>(null);
  /** The window each card is of. */
  private windows: Readonly<Record<string, string>> = {};

  /** To be called while a component is set up. @param wanted names, the most urgent first */
  constructor(wanted: () => readonly string[], grid: () => StepGrid) {
    $effect(() => {
      const names = wanted();
      const { startMs, endMs, stepMs } = grid();
      const window = `${startMs} ${endMs} ${stepMs}`;
      const missing = untrack(() => names.filter((name) => this.windows[name] !== window));
      if (missing.length === 0) return undefined;
      const abort = new AbortController();
      const timer = setTimeout(() => void this.load(missing, { startMs, endMs, stepMs }, window, abort.signal), SETTLE_MS);
      return () => {
        clearTimeout(timer);
        abort.abort();
      };
    });
  }
  private async load(names: readonly string[], grid: StepGrid, window: string, signal: AbortSignal): Promise<void> {
    let some: readonly string[] = [];
    for (let at = 0; at < names.length && !signal.aborted; at += some.length) {
      some = names.slice(at, at + (at === 0 ? FIRST : BATCH));
      try {
        const body = { names: some, start: grid.startMs, end: grid.endMs, step: grid.stepMs };
        const { data } = await api.post<{ data: MetricCards }>('/console/metrics/cards', body, signal);
        const fresh = Object.fromEntries(data.cards.map((card) => [card.name, card]));
        this.windows = { ...this.windows, ...Object.fromEntries(some.map((name) => [name, window])) };
        this.error = null;
        this.cards = { ...this.cards, ...fresh };
      } catch (error) {
        if (signal.aborted) return;
        this.error = apiErrorOf(error);
        return;
      }
    }
  }
}
