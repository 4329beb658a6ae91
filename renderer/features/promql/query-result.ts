import type { HeatSeries, InstantRow, Line, StepGrid } from './prometheus-answer.ts';

/** What one query of the view gave. */
export interface QueryResult {
  readonly letter: string;
  readonly text: string;
  readonly grid: StepGrid;
  readonly lines: readonly Line[];
  readonly heat: readonly HeatSeries[];
  readonly rows: readonly InstantRow[];
}
