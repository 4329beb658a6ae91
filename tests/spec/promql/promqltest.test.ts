import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { experimentalIn } from './experimental.ts';
import { runScript } from './run-script.ts';

/**
 * Prometheus 3.14's own evaluation scripts, all of them. Each instant case is asked within a range query too, and with `@` at other times,
 * as Prometheus' own runner does.
 */
const folder = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../../shared/data'), 'promql/promqltest-3.14');
/** Evaluations of the language that is stable, and of each experimental part; one may be of several of these. */
const STABLE = 1_644;
const EXPERIMENTAL: Readonly<Record<string, number>> = {
  anchored: 65,
  'computed durations': 51,
  'double_exponential_smoothing()': 4,
  'end()': 10,
  fill: 45,
  'first_over_time()': 3,
  'histogram_quantiles()': 22,
  'info()': 42,
  limit_ratio: 21,
  limitk: 21,
  'mad_over_time()': 8,
  'max_of()': 7,
  'min_of()': 7,
  'range()': 10,
  smoothed: 62,
  'sort_by_label()': 9,
  'sort_by_label_desc()': 4,
  'start timestamps': 26,
  'start()': 10,
  'step()': 7,
  trimming: 110,
  'ts_of_first_over_time()': 5,
  'ts_of_last_over_time()': 4,
  'ts_of_max_over_time()': 1,
  'ts_of_min_over_time()': 1,
};
/** Start timestamps of samples are experimental too, and no word of the language. */
const BY_FILE: Readonly<Record<string, string>> = { 'start_timestamps.test': 'start timestamps' };

describe.skipIf(!existsSync(folder))("Prometheus' evaluations (skipped without ../shared/data)", () => {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.test')) : [];
  let stable = 0;
  const experimental = new Map<string, number>();
  it.each(files)('%s', (file) => {
    const outcomes = runScript(readFileSync(join(folder, file), 'utf8'));
    expect(outcomes.filter(({ why }) => why !== '').map(({ line, expr, why }) => `${line}: ${expr}: ${why}`)).toEqual([]);
    for (const { expr } of outcomes) {
      const parts = BY_FILE[file] ? [BY_FILE[file]] : [...experimentalIn(expr)];
      if (parts.length === 0) stable++;
      for (const part of parts) experimental.set(part, (experimental.get(part) ?? 0) + 1);
    }
  });
  it('all of them were asked', () => {
    expect({ stable, ...Object.fromEntries([...experimental].sort(([a], [b]) => (a < b ? -1 : 1))) }).toEqual({
      stable: STABLE,
      ...EXPERIMENTAL,
    });
  });
});
