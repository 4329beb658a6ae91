import type { CallExpr, Expr } from './ast.ts';
import { boundOf, bucketsAt, type ClassicBucket, classicFraction, classicQuantile } from './classic-histogram.ts';
import type { Evaluator } from './evaluate.ts';
import { goNumber } from './go-number.ts';
import { type Estimate, histogramFraction, histogramQuantile, histogramVariance } from './histogram-estimates.ts';
import { keepLabels, type Labels, labelOf, METRIC_NAME, setLabel } from './labels.ts';
import type { NativeHistogram } from './native-histogram.ts';
import { emptyRow, FLOAT, HISTOGRAM, isThere, put, type Row } from './value.ts';

/** Functions of histograms: native ones, and classic ones, whose buckets are series with `le`. */
type HistogramFunction = (evaluator: Evaluator, expr: CallExpr) => readonly Row[];

function eachHistogram(of: (histogram: NativeHistogram) => number): HistogramFunction {
  return (evaluator, { args }) =>
    evaluator.vector(args[0] as Expr).flatMap(({ labels, has, histograms }) => {
      if (!histograms) return [];
      const row = emptyRow(labels, has.length, true);
      histograms.forEach((histogram, i) => {
        if (has[i] === HISTOGRAM) put(row, i, of(histogram));
      });
      return isThere(row) ? [row] : [];
    });
}

interface Classic {
  readonly labels: Labels;
  readonly rows: { readonly upper: number; readonly row: Row }[];
}
const forMetric = (labels: Labels): string => {
  const name = labelOf(labels, METRIC_NAME);
  return name === '' ? '' : ` for metric name ${JSON.stringify(name)}`;
};
/** Series that are buckets of one histogram, by its labels. */
function classicOf(evaluator: Evaluator, rows: readonly Row[], at: Expr): Map<string, Classic> {
  const found = new Map<string, Classic>();
  for (const row of rows) {
    if (!row.has.includes(FLOAT)) continue;
    const le = labelOf(row.labels, 'le');
    const upper = boundOf(le);
    if (Number.isNaN(upper) && !/^nan$/i.test(le)) {
      const where = forMetric(row.labels);
      evaluator.notes.warn(`bucket label "le" is missing or has a malformed value of ${JSON.stringify(le)}${where}`, at);
      continue;
    }
    const labels = keepLabels(row.labels, (name) => name !== 'le');
    const known = found.get(labels.key);
    if (known) known.rows.push({ upper, row });
    else found.set(labels.key, { labels, rows: [{ upper, row }] });
  }
  return found;
}
interface Estimates {
  classic(buckets: ClassicBucket[], i: number, labels: Labels): number;
  native(histogram: NativeHistogram, i: number, labels: Labels): number;
}
/** Where a histogram is there both as a classic and as a native one, neither is asked. */
function estimate(evaluator: Evaluator, vector: Expr, estimates: Estimates, named = (labels: Labels): Labels => labels): Row[] {
  const { count } = evaluator.grid;
  const rows = evaluator.vector(vector);
  const classic = classicOf(evaluator, rows, vector);
  const native = new Map(rows.flatMap((row) => (row.histograms ? [[row.labels.key, row] as const] : [])));
  const found: Row[] = [];
  for (const { labels, histograms, has } of native.values()) {
    const row = emptyRow(named(labels), count, true);
    const others = classic.get(labels.key)?.rows ?? [];
    histograms?.forEach((histogram, i) => {
      if (has[i] !== HISTOGRAM) return;
      if (others.some((other) => other.row.has[i] === FLOAT))
        evaluator.notes.warn(`vector contains a mix of classic and native histograms${forMetric(labels)}`, vector);
      else put(row, i, estimates.native(histogram, i, labels));
    });
    if (isThere(row)) found.push(row);
  }
  for (const { labels, rows: buckets } of classic.values()) {
    const row = emptyRow(named(labels), count, true);
    const other = native.get(labels.key);
    for (let i = 0; i < count; i++) {
      if (other?.has[i] === HISTOGRAM) continue;
      const there = bucketsAt(buckets, i);
      if (there.length > 0) put(row, i, estimates.classic(there, i, labels));
    }
    if (isThere(row)) found.push(row);
  }
  return found;
}
function quantiles(evaluator: Evaluator, vector: Expr, quantile: Expr, named?: (q: number) => (labels: Labels) => Labels): Row[] {
  const values = evaluator.scalar(quantile);
  evaluator.warnOfQuantile(values, quantile);
  const told = ({ value, note }: Estimate, labels: Labels): number => {
    if (note) evaluator.notes.info(`input to histogram_quantile has NaN observations, ${note}${forMetric(labels)}`, vector);
    return value;
  };
  const estimates: Estimates = {
    native: (histogram, i, labels) => told(histogramQuantile(values[i] as number, histogram), labels),
    classic: (buckets, i, labels) =>
      classicQuantile(values[i] as number, buckets, () =>
        evaluator.notes.info(
          `input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${forMetric(labels)}`,
          vector,
        ),
      ),
  };
  return estimate(evaluator, vector, estimates, named?.(values[0] as number));
}
/** OpenMetrics' way: 1 is 1.0. */
const openMetricsNumber = (value: number): string => (Number.isInteger(value) ? `${goNumber(value)}.0` : goNumber(value));
function several(evaluator: Evaluator, { args }: CallExpr): Row[] {
  const label = evaluator.text(args[1] as Expr);
  return args
    .slice(2)
    .flatMap((quantile) =>
      quantiles(evaluator, args[0] as Expr, quantile, (q) => (labels) => setLabel(labels, label, openMetricsNumber(q))),
    );
}
function fraction(evaluator: Evaluator, { args }: CallExpr): Row[] {
  const [lower, upper] = [evaluator.scalar(args[0] as Expr), evaluator.scalar(args[1] as Expr)];
  const vector = args[2] as Expr;
  return estimate(evaluator, vector, {
    classic: (buckets, i) => classicFraction(lower[i] as number, upper[i] as number, buckets),
    native: (histogram, i, labels) => {
      const { value, note } = histogramFraction(lower[i] as number, upper[i] as number, histogram);
      if (note)
        evaluator.notes.info(
          `input to histogram_fraction has NaN observations, which ${note} from all fractions${forMetric(labels)}`,
          vector,
        );
      return value;
    },
  });
}

export const HISTOGRAM_FUNCTIONS: Readonly<Record<string, HistogramFunction>> = {
  histogram_count: eachHistogram(({ count }) => count),
  histogram_sum: eachHistogram(({ sum }) => sum),
  histogram_avg: eachHistogram(({ sum, count }) => sum / count),
  histogram_stdvar: eachHistogram(histogramVariance),
  histogram_stddev: eachHistogram((histogram) => Math.sqrt(histogramVariance(histogram))),
  histogram_quantile: (evaluator, { args }) => quantiles(evaluator, args[1] as Expr, args[0] as Expr),
  histogram_quantiles: several,
  histogram_fraction: fraction,
};
