import { untrack } from 'svelte';
import { answerCache } from './answer-cache.ts';
import { type ApiError, api, apiErrorOf } from './api.ts';
import type { Table } from './table.ts';

/** One answer of the API on the screen. The last good data stays while a newer answer is awaited. */
export class Resource<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  private turn = 0;
  private abort: AbortController | null = null;
  private version = $state(0);

  constructor(path: () => string | null, read: (path: string, signal: AbortSignal) => Promise<T>) {
    $effect(() => {
      const wanted = path();
      void this.version;
      untrack(() => void this.load(wanted, read));
      return () => this.abort?.abort();
    });
  }
  /** Asks again. */
  again(): void {
    this.version++;
  }
  /** Asks again every so many milliseconds while the page is seen; null: not now. To be called while a component is set up. */
  poll(everyMs: () => number | null): void {
    $effect(() => {
      const ms = everyMs();
      if (ms === null) return undefined;
      const timer = window.setInterval(() => {
        if (!document.hidden) this.again();
      }, ms);
      return () => window.clearInterval(timer);
    });
  }
  private async load(path: string | null, read: (path: string, signal: AbortSignal) => Promise<T>): Promise<void> {
    const turn = ++this.turn;
    if (path === null) {
      this.data = null;
      this.error = null;
      this.loading = false;
      return;
    }
    const abort = new AbortController();
    this.abort = abort;
    this.loading = true;
    const known = answerCache.get(path) as T | undefined;
    if (known !== undefined) this.data = known;
    try {
      const answer = await read(path, abort.signal);
      if (turn !== this.turn) return;
      answerCache.keep(path, answer);
      this.data = answer;
      this.error = null;
    } catch (error) {
      if (turn !== this.turn || abort.signal.aborted) return;
      this.error = apiErrorOf(error);
    }
    this.loading = false;
  }
}
/** To be called while a component is set up. null: nothing is asked. */
export const jsonResource = <T>(path: () => string | null): Resource<T> => new Resource<T>(path, (p, signal) => api.json<T>(p, signal));
export const tableResource = (path: () => string | null): Resource<Table> => new Resource(path, (p, signal) => api.table(p, signal));
