import { DEFAULT_RELATIVE_TOLERANCE, type Figure, type FigureValue } from '#contracts/postmortem.ts';
import type { Reading } from './read-statements.ts';

/** Figures in the order in which they are made: n1, n2 … */
export class Figures {
  private readonly readings: ReadonlyMap<string, Reading>;
  private readonly nowMs: number;
  private made = 0;
  constructor(readings: ReadonlyMap<string, Reading>, nowMs: number) {
    this.readings = readings;
    this.nowMs = nowMs;
  }
  make(label: string, sql: string, column: string, unit: string, known: { value?: FigureValue; evidence?: string } = {}): Figure {
    const read = this.readings.get(sql)?.row?.[column] ?? null;
    return {
      id: `n${++this.made}`,
      label: label.slice(0, 500),
      sql,
      column,
      value: read ?? known.value ?? null,
      unit: unit.slice(0, 40),
      relativeTolerance: DEFAULT_RELATIVE_TOLERANCE,
      absoluteTolerance: 0,
      readAtMs: read === null ? null : this.nowMs,
      evidence: known.evidence ?? '',
    };
  }
  /** null when the statement gives nothing. */
  optional(label: string, sql: string, column: string, unit: string): Figure | null {
    return (this.readings.get(sql)?.row?.[column] ?? null) === null ? null : this.make(label, sql, column, unit);
  }
}
