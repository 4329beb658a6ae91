/** A rule to be tried in the replay lab, where its line is dragged on the chart. */
export interface DraftAlert {
  readonly name: string;
  readonly expr: string;
  readonly forSeconds: number;
}
const FOR_SECONDS = 300;

/**
 * An alert on what a chart shows, just below the largest of its values: it would have fired at the peak.
 * @param values of all lines of the chart, gaps as null
 */
export function draftAlert(metric: string, query: string, values: Iterable<number | null | undefined>): DraftAlert {
  let peak = Number.NEGATIVE_INFINITY;
  for (const value of values) if (typeof value === 'number' && Number.isFinite(value) && value > peak) peak = value;
  const name = metric
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
  return { name: `${name || 'Metric'}High`, expr: `(${query}) > ${Number.isFinite(peak) ? below(peak) : 0}`, forSeconds: FOR_SECONDS };
}
/** Two digits, rounded down: 0.0837 is 0.083, 12,345 is 12,000; never the value itself. */
function below(value: number): number {
  if (value === 0) return -1;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  const down = Math.floor(value / step);
  return Number(((down * step === value ? down - 1 : down) * step).toPrecision(12));
}
