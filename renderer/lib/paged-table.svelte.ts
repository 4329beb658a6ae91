import { untrack } from 'svelte';
import { type ApiError, api, apiErrorOf } from './api.ts';
import { type Resource, tableResource } from './resource.svelte.ts';
import type { Table } from './table.ts';

/** Rows a list holds at most: with their attributes some 100 MB. Beyond, the window is to be narrowed. */
export const MAX_LISTED = 100_000;

/** A long list that grows page by page while it is scrolled. Another path begins anew. */
export class PagedTable {
  readonly first: Resource<Table>;
  busy = $state(false);
  error = $state.raw<ApiError | null>(null);
  private rest = $state.raw<readonly Table[]>([]);
  private readonly path: () => string;
  private readonly cursorOf: (table: Table) => string;
  /** All rows so far as one table. */
  readonly table: Table | null = $derived.by(() => this.first.data?.with(this.rest) ?? null);
  private ended = false;
  private wanted = false;
  private abort: AbortController | null = null;

  /** To be called while a component is set up. `cursorOf`: what `after` must be to go on behind the last row. */
  constructor(path: () => string, cursorOf: (table: Table) => string) {
    this.path = path;
    this.cursorOf = cursorOf;
    this.first = tableResource(path);
    $effect(() => {
      void this.first.data;
      untrack(() => this.restart());
      return () => this.abort?.abort();
    });
  }
  private restart(): void {
    this.abort?.abort();
    this.busy = false;
    this.ended = false;
    this.error = null;
    this.rest = [];
    if (this.wanted) void this.more();
  }
  /** Asks for the next page; of no effect at the end, at the limit, or while one is on its way. */
  async more(): Promise<void> {
    // The page on the screen is of another path: its end is not where this one goes on.
    this.wanted = this.first.loading;
    const { table } = this;
    if (this.wanted || this.busy || this.ended || table === null || table.rows === 0 || table.rows >= MAX_LISTED) return;
    const abort = new AbortController();
    this.abort = abort;
    this.busy = true;
    try {
      const next = await api.table(`${this.path()}&after=${encodeURIComponent(this.cursorOf(table))}`, abort.signal);
      if (abort.signal.aborted) return;
      this.ended = next.rows === 0;
      if (next.rows > 0) this.rest = [...this.rest, next];
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = apiErrorOf(error);
    }
    this.busy = false;
  }
}
/** Place behind the last row of a list of logs: its time, and how many rows of that very time there are so far. */
export function logCursor(table: Pick<Table, 'nanos' | 'rows'>): string {
  const times = table.nanos('time');
  const last = times.at(-1) ?? 0n;
  let shown = 0;
  while (shown < times.length && times[times.length - 1 - shown] === last) shown++;
  return `${last}.${shown}`;
}
