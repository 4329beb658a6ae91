import { durationWord, type LookedAt, lookOf, type MetricLook, metricQuery } from '#contracts/metric-query.ts';
import { type LabelMatcher, labelText, literalRegex, selectorText } from '#contracts/promql-text.ts';
import type { Cell } from '../../charts/heat-scale.ts';
import { numberOf, type StepGrid, type WireData } from '../promql/prometheus-answer.ts';

/** A metric by the values of one label: the largest of them, and all the rest as one line. Pure. */
export const TOP = 9;
export interface Breakdown {
  readonly look: MetricLook;
  readonly by: string;
  readonly where: readonly LabelMatcher[];
}
const CANNOT: readonly MetricLook[] = ['series', 'heat'];
export const canBreakDown = (look: MetricLook): boolean => !CANNOT.includes(look);

/** The values that are largest over the whole window, asked for once: topk() at every step would change its mind at every step. */
export function topQuery(metric: LookedAt, { look, by, where }: Breakdown, windowMs: number): string {
  const isLevel = ['avg', 'max', 'min', 'sum'].includes(look);
  const over = look === 'max' ? 'max_over_time' : look === 'min' ? 'min_over_time' : 'avg_over_time';
  const of = isLevel
    ? `${look} by (${labelText(by)}) (${over}(${selectorText(metric.name, where)}[${durationWord(windowMs)}]))`
    : metricQuery(metric, { look, by, where, rangeMs: windowMs });
  return `topk(${TOP}, ${of})`;
}
export const valuesOf = (data: WireData, by: string): string[] =>
  data.resultType === 'vector' ? data.result.map(({ metric }) => metric[by] ?? '') : [];
const oneOf = (values: readonly string[]): string => values.map(literalRegex).join('|');
/** Of the largest, and of all others together: the same aggregation over them, so a mean stays a mean. */
export function topAndRest(
  metric: LookedAt,
  { look, by, where }: Breakdown,
  values: readonly string[],
  rangeMs: number,
): { readonly top: string; readonly rest: string } {
  const inside: LabelMatcher = { name: by, operator: '=~', value: oneOf(values) };
  const outside: LabelMatcher = { name: by, operator: '!~', value: oneOf(values) };
  return {
    top: metricQuery(metric, { look, by, rangeMs, where: [...where, inside] }),
    rest: metricQuery(metric, { look, rangeMs, where: [...where, outside] }),
  };
}
/** "label=value" lines of the address; a line without "=" means nothing. */
export function readWhere(text: string): LabelMatcher[] {
  return text.split('\n').flatMap((line) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [{ name, operator: '=' as const, value }];
  });
}
export const writeWhere = (where: readonly LabelMatcher[]): string => where.map(({ name, value }) => `${name}=${value}`).join('\n');

/** Buckets of a classic histogram (series by `le`, each holding all smaller ones) as cells of their own counts. */
export function classicHeat(data: WireData, grid: StepGrid): Cell[] {
  if (data.resultType !== 'matrix') return [];
  const byStep = new Map<number, { readonly upper: number; readonly total: number }[]>();
  for (const { metric, values = [] } of data.result) {
    const upper = numberOf(metric['le'] ?? 'NaN');
    if (Number.isNaN(upper)) continue;
    for (const [seconds, text] of values) {
      const at = Math.round((seconds * 1000 - grid.startMs) / grid.stepMs);
      const own = byStep.get(at) ?? [];
      byStep.set(at, own);
      own.push({ upper, total: numberOf(text) });
    }
  }
  return [...byStep].flatMap(([at, buckets]) => {
    let lower = 0;
    let before = 0;
    return buckets
      .sort((a, b) => a.upper - b.upper)
      .map(({ upper, total }) => {
        // Extrapolated increases may lie a little below those of a smaller bucket.
        const cell = { at, lower: Math.min(lower, upper), upper, count: Math.max(0, total - before) };
        lower = upper;
        before = Math.max(before, total);
        return cell;
      });
  });
}
export const lookFrom = (metric: LookedAt, param: string): MetricLook => lookOf(metric, param);
