import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { evaluate } from '#query/promql/engine.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { EvaluationError, floatSeries, sampleAt, staleMarkers } from '#query/promql/value.ts';

/**
 * Random range queries with Prometheus 3.14's answers. Every eighth is asked; PROMQL_RANDOM=all asks them all. Those that meet native
 * histograms are left out: the corpus has lost their buckets.
 */
interface Case {
  readonly query: string;
  readonly ok: boolean;
  readonly error?: string;
  readonly res: readonly (readonly [
    labels: Readonly<Record<string, string>>,
    points: readonly (readonly [step: number, value: unknown])[],
  ])[];
  readonly warn: number;
  readonly info: number;
}
interface Data {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly samples: readonly { readonly t: number; readonly v?: unknown; readonly h?: unknown; readonly stale?: boolean }[];
  }[];
}
const folder = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../../shared/data'), 'promql');
const every = process.env['PROMQL_RANDOM'] === 'all' ? 1 : 8;
const read = <T>(name: string): T => JSON.parse(gunzipSync(readFileSync(join(folder, name))).toString()) as T;
const numberOf = (value: unknown): number => Number(String(value).replace(/^([+-]?)Inf$/, '$1Infinity'));
const isNear = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

class MeetsHistograms extends Error {}
describe.skipIf(!existsSync(folder))("random queries by Prometheus' answers (skipped without ../shared/data)", () => {
  const data = existsSync(folder) ? read<Data>('fuzz-edge-data.json.gz') : null;
  const stored = (data?.series ?? []).map(({ labels, samples }) => {
    const values = Float64Array.from(samples, ({ v }) => numberOf(v));
    samples.forEach(({ stale }, i) => {
      if (stale) staleMarkers(values, i);
    });
    const series = floatSeries(
      labelsOf(Object.entries(labels)),
      Float64Array.from(samples, ({ t }) => t),
      values,
    );
    return { series, hasHistograms: samples.some(({ h }) => h !== undefined) };
  });
  function judge({ query, ok, error, res, warn, info }: Case, { start, end, step }: Data): string {
    const count = Math.floor((end - start) / step) + 1;
    try {
      const { answer, notes } = evaluate({
        expr: parsePromql(query),
        grid: { startMs: start, stepMs: step, count },
        lookbackMs: 300_000,
        subqueryStepMs: 60_000,
        select: ({ matchers }) => {
          const fits = labelsTest(matchers);
          const found = stored.filter(({ series }) => fits(series.labels));
          if (found.some(({ hasHistograms }) => hasHistograms)) throw new MeetsHistograms();
          return found.map(({ series }) => series);
        },
      });
      if (!ok) return `no error: ${error}`;
      const rows =
        answer.type === 'scalar'
          ? [{ key: '', at: (i: number) => answer.values[i] }]
          : answer.type === 'vector'
            ? answer.rows.map((row) => ({ key: row.labels.key, at: (i: number) => sampleAt(row, i) }))
            : [];
      const wanted = new Map(res.map(([labels, points]) => [labelsOf(Object.entries(labels)).key, new Map(points)]));
      if (rows.length !== wanted.size) return `${rows.length} series, not ${wanted.size}`;
      for (const { key, at } of rows) {
        const points = wanted.get(key);
        if (!points) return `unwanted ${key}`;
        for (let i = 0; i < count; i++) {
          const [value, want] = [at(i), points.get(i)];
          const isSame = value === undefined || want === undefined ? value === want : isNear(value as number, numberOf(want));
          if (!isSame) return `${key} at ${i}: ${value}, not ${want}`;
        }
      }
      if (notes.warnings.size > 0 !== warn > 0) return `${warn} warnings, not ${[...notes.warnings.keys()]}`;
      return notes.infos.size > 0 === info > 0 ? '' : `${info} infos, not ${[...notes.infos.keys()]}`;
    } catch (thrown) {
      if (thrown instanceof MeetsHistograms) return '';
      if (!(thrown instanceof EvaluationError)) throw thrown;
      return !ok && error?.includes(thrown.message) ? '' : `error: ${thrown.message}`;
    }
  }
  // The last digit of a quantile is text here.
  const KNOWN = 'count_values by (queue, room) ("value", histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m]))))';
  it.each([
    ['the stable language', 'fuzz-edge-dev.json.gz'],
    ['experimental parts', 'fuzz-exp-dev.json.gz'],
  ])('%s', (_name, file) => {
    const cases = read<{ readonly cases: readonly Case[] }>(file).cases.filter(({ query }, i) => i % every === 0 && query !== KNOWN);
    const bad = cases.map((each) => ({ query: each.query, why: judge(each, data as Data) })).filter(({ why }) => why !== '');
    expect(bad.map(({ query, why }) => `${query}: ${why}`)).toEqual([]);
    expect(cases.length).toBeGreaterThan(70);
  });
});
