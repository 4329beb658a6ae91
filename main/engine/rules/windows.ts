import type { SeriesRow } from '#contracts/columns.ts';
import { type JournalPosition, segmentOf } from '#contracts/journal.ts';
import type { VolumeRule } from '#contracts/volume-rules.ts';

/** A series that is stored in the place of others. */
export interface Target {
  readonly key: string;
  /** For the dictionary; `instance`: of a resource of its own, merged over instances. */
  readonly row: SeriesRow;
  readonly merged: boolean;
}
/** How values become one: the increase of counters, the sum of deltas, of gauges what the rule says. */
export type Fold = 'increase' | 'total' | 'sum' | 'avg' | 'last';
/** A series that is folded into a target; remembers its last value, from which a counter's increase counts. */
export interface FoldedSeries {
  readonly target: Target;
  readonly fold: Fold;
  lastMs: number;
  lastValue: number;
  /** Window of that value; -1: none. */
  lastWindow: number;
}
interface Cell {
  /** Of a gauge: each series' newest value. */
  readonly newest: Map<FoldedSeries, { ms: number; value: number }>;
  total: number;
}
interface OpenWindow {
  readonly startMs: number;
  /** First record that fell into it. */
  readonly first: JournalPosition;
  readonly cells: Map<Target, Cell>;
}
export interface FoldedRow {
  readonly target: Target;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: number;
}
/** A window takes rows until this long after its end, by the clock of the records' arrival. */
export const GRACE_MS = 15_000;
/** The journal keeps what an open window was made of; beyond so many segments the window is written early, and a counter begins anew. */
export const MAX_HELD_SEGMENTS = 16;
/** Targets of one window: what lines are counted as has no bound of its own. */
export const MAX_TARGETS = 20_000;

/**
 * Folds rows into one row a target and interval. Everything it decides follows from the records since the first one of a window, so a
 * replay from there writes the same rows at the same record: `needs` says how far back that is, the store keeps the journal until then.
 */
export class Windows {
  readonly rule: VolumeRule;
  readonly series = new Map<string, FoldedSeries>();
  readonly targets = new Map<string, Target>();
  private readonly intervalMs: number;
  private readonly open = new Map<number, OpenWindow>();
  /** First records of the newest windows that were written: counters count on from them. */
  private readonly past = new Map<number, JournalPosition>();
  private sweptMs = 0;

  constructor(rule: VolumeRule) {
    this.rule = rule;
    this.intervalMs = rule.action.kind === 'aggregate' ? rule.action.intervalSeconds * 1_000 : 0;
  }
  /** @param value of the row; NaN (a stale marker) says nothing */
  add(position: JournalPosition, series: FoldedSeries, ms: number, value: number): void {
    if (Number.isNaN(value)) return;
    const startMs = Math.floor(ms / this.intervalMs) * this.intervalMs;
    let window = this.open.get(startMs);
    if (!window) {
      window = { startMs, first: position, cells: new Map() };
      this.open.set(startMs, window);
    }
    let cell = window.cells.get(series.target);
    if (!cell) {
      cell = { newest: new Map(), total: 0 };
      window.cells.set(series.target, cell);
    }
    if (series.fold === 'total') cell.total += value;
    else if (series.fold === 'increase') this.addIncrease(position, cell, series, startMs, ms, value);
    else {
      const known = cell.newest.get(series);
      if (!known || ms >= known.ms) cell.newest.set(series, { ms, value });
      series.lastWindow = Math.max(series.lastWindow, startMs);
    }
  }
  private addIncrease(position: JournalPosition, cell: Cell, series: FoldedSeries, startMs: number, ms: number, value: number): void {
    const from = this.past.get(series.lastWindow) ?? this.open.get(series.lastWindow)?.first;
    // Only from this window or the one before: further back a replay does not reach.
    const counts = startMs - series.lastWindow <= this.intervalMs && from !== undefined && !isFar(from, position);
    if (counts && ms <= series.lastMs) return;
    if (counts) cell.total += value >= series.lastValue ? value - series.lastValue : value;
    series.lastMs = ms;
    series.lastValue = value;
    series.lastWindow = startMs;
  }

  /** Whether the window at this time takes one more target; follows from that window alone, so a replay decides the same. */
  hasRoom(ms: number): boolean {
    return (this.open.get(Math.floor(ms / this.intervalMs) * this.intervalMs)?.cells.size ?? 0) < MAX_TARGETS;
  }
  hasTarget(ms: number, key: string): boolean {
    const target = this.targets.get(key);
    return target !== undefined && (this.open.get(Math.floor(ms / this.intervalMs) * this.intervalMs)?.cells.has(target) ?? false);
  }

  /** Rows of the windows that are over once a record has arrived at `receivedMs`; all of them with `all`. */
  close(
    position: JournalPosition,
    receivedMs: number,
    all: boolean,
  ): { readonly rows: FoldedRow[]; readonly first: JournalPosition | null; readonly early: number } {
    const rows: FoldedRow[] = [];
    let first: JournalPosition | null = null;
    let early = 0;
    const over = [...this.open.values()]
      .filter((window) => all || window.startMs + this.intervalMs + GRACE_MS <= receivedMs || isFar(window.first, position))
      .sort((a, b) => a.startMs - b.startMs);
    for (const window of over) {
      const { startMs } = window;
      const endMs = startMs + this.intervalMs;
      if (!all && endMs + GRACE_MS > receivedMs) early++;
      first = Math.min(first ?? window.first, window.first, this.past.get(startMs - this.intervalMs) ?? window.first);
      for (const [target, cell] of window.cells) rows.push({ target, startMs, endMs, value: this.valueOf(cell) });
      this.open.delete(startMs);
      this.past.set(startMs, Math.min(window.first, this.past.get(startMs) ?? window.first));
    }
    this.forget(receivedMs);
    return { rows, first, early };
  }
  private valueOf({ newest, total }: Cell): number {
    if (newest.size === 0) return total;
    const op = this.rule.action.kind === 'aggregate' ? this.rule.action.op : 'last';
    const points = [...newest.values()];
    if (op === 'last') return points.reduce((a, b) => (b.ms >= a.ms ? b : a)).value;
    const sum = points.reduce((a, { value }) => a + value, 0);
    return op === 'avg' ? sum / points.length : sum;
  }
  private forget(receivedMs: number): void {
    for (const startMs of this.past.keys()) if (startMs + 3 * this.intervalMs + GRACE_MS < receivedMs) this.past.delete(startMs);
    if (receivedMs < this.sweptMs + this.intervalMs) return;
    this.sweptMs = receivedMs;
    for (const [key, { lastWindow }] of this.series) if (lastWindow + 3 * this.intervalMs + GRACE_MS < receivedMs) this.series.delete(key);
    for (const [key, target] of this.targets) if (![...this.open.values()].some(({ cells }) => cells.has(target))) this.targets.delete(key);
  }
  /** Record from which a replay makes the open windows again; null: none is open. */
  needs(): JournalPosition | null {
    let needs: JournalPosition | null = null;
    for (const position of this.past.values()) needs = Math.min(needs ?? position, position);
    for (const { first } of this.open.values()) needs = Math.min(needs ?? first, first);
    return needs;
  }
}
const isFar = (first: JournalPosition, position: JournalPosition): boolean => segmentOf(position) - segmentOf(first) >= MAX_HELD_SEGMENTS;
