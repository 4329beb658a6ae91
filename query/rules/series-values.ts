import { entriesOf, type Labels, labelsOf } from '#query/promql/labels.ts';
import type { NativeHistogram } from '#query/promql/native-histogram.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { PromqlError } from '#query/promql/token.ts';
import { parseHistograms } from './histogram-notation.ts';
import { placeOf } from './place-of.ts';

/** Input series of rule tests: a metric, and values in promtool's short notation. */
export type InputValue = number | null | 'stale' | NativeHistogram;
/** Values of one series. */
const MAX_VALUES = 10_000_000;
const MAX_HISTOGRAMS = 100_000;

export class NotationError extends Error {}

/** name{label="value"}, {label="value"}, or nothing. @throws NotationError */
export function parseMetric(text: string): Labels {
  if (text.trim() === '' || /^\s*\{\s*\}\s*$/.test(text)) return labelsOf([]);
  try {
    const expr = parsePromql(text.replace(/\{\s*\}\s*$/, ''));
    if (expr.kind !== 'selector' || expr.offset || expr.at || expr.matchers.some(({ operator }) => operator !== '='))
      throw new NotationError(`not the labels of a series: ${text}`);
    return labelsOf(new Map(expr.matchers.map(({ name, value }) => [name, value])));
  } catch (error) {
    if (error instanceof PromqlError) throw new NotationError(`${placeOf(text, error.range.start)}: parse error: ${error.message}`);
    throw error;
  }
}
export const printLabels = (labels: Labels): string =>
  `{${entriesOf(labels)
    .map(([name, value]) => `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(value)}`)
    .join(', ')}}`;

const NUMBER = String.raw`(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|nan)`;
const RUN = new RegExp(`^([+-]?${NUMBER})(?:([+-])(${NUMBER}))?(?:x(\\d+))?$`, 'i');
const numberOf = (text: string): number => {
  const bare = text.replace(/^[+-]/, '').toLowerCase();
  const size = bare === 'inf' ? Number.POSITIVE_INFINITY : bare === 'nan' ? Number.NaN : Number(bare);
  return text.startsWith('-') ? -size : size;
};
/** 1 2 3, 1+2x3 (1 3 5 7), 5x2 (5 5 5), _ (nothing), _x3, stale. @throws NotationError */
export function parseValues(text: string): readonly InputValue[] {
  const values: InputValue[] = [];
  for (const item of text.match(/\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?\S*|\S+/g) ?? []) {
    if (item.startsWith('{{')) {
      const histograms = parseHistograms(item, MAX_HISTOGRAMS);
      if (typeof histograms === 'string') throw new NotationError(histograms);
      values.push(...histograms);
      continue;
    }
    const gap = /^_(?:x(\d+))?$/.exec(item);
    const run = gap || item === 'stale' ? null : RUN.exec(item);
    if (!gap && !run && item !== 'stale') throw new NotationError(`not a value in series notation: ${JSON.stringify(item)}`);
    const count = Number(gap?.[1] ?? run?.[4] ?? 0);
    if (values.length + count > MAX_VALUES) throw new NotationError(`more than ${MAX_VALUES} values: ${item}`);
    if (gap) for (let i = 0; i < Math.max(count, gap[1] === undefined ? 1 : 0); i++) values.push(null);
    else if (!run) values.push('stale');
    else {
      let value = numberOf(run[1] as string);
      const step = run[3] === undefined ? 0 : numberOf(`${run[2]}${run[3]}`);
      // Added up one by one, as Prometheus does: so are the roundings.
      for (let i = 0; i <= count; i++, value += step) values.push(value);
    }
  }
  return values;
}
