import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { limitsSchema } from '#contracts/settings.ts';
import {
  type ExportLogsServiceRequest,
  ExportLogsServiceRequestSchema,
} from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import {
  type ExportMetricsServiceRequest,
  ExportMetricsServiceRequestSchema,
} from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import {
  type ExportTraceServiceRequest,
  ExportTraceServiceRequestSchema,
} from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { itemsOf, type Row, tableRows } from '../coverage/otlp-rows.ts';
import { expectedLog, expectedPoints, expectedSpan, seriesName } from './otlp-expected.ts';
import { randomMessage } from './otlp-random.ts';

/** The decoder against the generated protobuf decoder plus a slow reading of the rules, on random valid messages. */
const rounds = Math.max(60, Math.floor(Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 0) / 200));
const judge = { receivedUnixNano: 1_790_000_000_000_000_000n, retentionSeconds: 7 * 86_400 };
const limits = limitsSchema.parse({ maxDepth: 64 });
const SCHEMAS = {
  traces: ExportTraceServiceRequestSchema,
  logs: ExportLogsServiceRequestSchema,
  metrics: ExportMetricsServiceRequestSchema,
} as const;
type Kind = keyof typeof SCHEMAS;

/** Random bytes of a message, and the message the generated decoder reads from them. */
function randomRequest(kind: Kind, seed: number) {
  const bytes = toBinary(SCHEMAS[kind], randomMessage(SCHEMAS[kind], { seed, nowUnixNano: judge.receivedUnixNano, maxList: 3 }) as never);
  return { bytes, message: fromBinary(SCHEMAS[kind], bytes) };
}
function decode(kind: Kind, bytes: Uint8Array, dictionary: TestDictionary) {
  const checked = checkOtlp(kind, bytes, { ...judge, limits });
  if (!checked.ok) throw new Error(checked.message);
  const record = decodeOtlp(kind, bytes, { ...judge, limits, dictionary });
  expect(itemsOf(record)).toBe(checked.items);
  expect(Object.fromEntries(record.dropped)).toEqual(Object.fromEntries(checked.rejectedReasons));
  return record;
}
function countReasons(all: readonly (Row | string)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of all) if (typeof one === 'string') counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}
const kept = (all: readonly (Row | string)[]): Row[] => all.filter((one) => typeof one !== 'string');
const without = (row: Row, names: readonly string[]): Row =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
const seeds = Array.from({ length: rounds }, (_, i) => i + 1);

describe('decoder = generated decoder + rules', () => {
  const dictionary = new TestDictionary();
  const owner = (row: Row) => ({
    service: dictionary.resources[row['resource_id'] as number]?.service,
    schema: dictionary.resources[row['resource_id'] as number]?.schemaUrl,
    scope: dictionary.scopes[row['scope_id'] as number]?.name,
  });
  const serviceOf = (attributes: Parameters<typeof seriesName>[0]): string => {
    const found = (JSON.parse(seriesName(attributes)) as string[][]).find(([key]) => key === 'service.name');
    return found?.[2] || 'unknown_service';
  };

  it.each(seeds)('traces, seed %i', (seed) => {
    const { bytes, message } = randomRequest('traces', seed);
    const record = decode('traces', bytes, dictionary);
    const { resourceSpans } = message as ExportTraceServiceRequest;
    const all = resourceSpans.flatMap((r) =>
      r.scopeSpans.flatMap((s) => s.spans.map((span) => ({ r, s, row: expectedSpan(span, judge) }))),
    );
    const rows = tableRows(record, 'spans');
    expect(rows.map((row) => without(row, ['service', 'resource_id', 'scope_id']))).toEqual(kept(all.map(({ row }) => row)));
    expect(Object.fromEntries(record.dropped)).toEqual(countReasons(all.map(({ row }) => row)));
    const owners = all.filter(({ row }) => typeof row !== 'string');
    expect(rows.map(owner)).toEqual(
      owners.map(({ r, s }) => ({ service: serviceOf(r.resource?.attributes ?? []), schema: r.schemaUrl, scope: s.scope?.name ?? '' })),
    );
    expect(rows.map((row) => row['service'])).toEqual(rows.map((row) => owner(row).service));
  });

  it.each(seeds)('logs, seed %i', (seed) => {
    const { bytes, message } = randomRequest('logs', seed);
    const record = decode('logs', bytes, dictionary);
    const { resourceLogs } = message as ExportLogsServiceRequest;
    const all = resourceLogs.flatMap((r) => r.scopeLogs.flatMap((s) => s.logRecords.map((log) => expectedLog(log, judge))));
    const rows = tableRows(record, 'logs');
    expect(rows.map((row) => without(row, ['service', 'resource_id', 'scope_id']))).toEqual(kept(all));
    expect(Object.fromEntries(record.dropped)).toEqual(countReasons(all));
    expect(rows.map((row) => row['service'])).toEqual(rows.map((row) => owner(row).service));
  });

  it.each(seeds)('metrics, seed %i', (seed) => {
    const { bytes, message } = randomRequest('metrics', seed);
    const record = decode('metrics', bytes, dictionary);
    const { resourceMetrics } = message as ExportMetricsServiceRequest;
    const metrics = resourceMetrics.flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics.map((metric) => ({ r, s, metric }))));
    const all = metrics.flatMap(({ r, s, metric }) => expectedPoints(metric, judge).map((point) => ({ ...point, r, s, metric })));
    for (const table of ['samples', 'histograms'] as const) {
      const rows = tableRows(record, table);
      const wanted = all.filter((point) => point.table === table && typeof point.row !== 'string');
      expect(rows.map((row) => without(row, ['series_id']))).toEqual(wanted.map(({ row }) => row));
      rows.forEach((row, i) => {
        const series = dictionary.seriesRows[row['series_id'] as number];
        const { metric, series: name, r, s } = wanted[i] as (typeof wanted)[number];
        expect(series).toMatchObject({
          metric: metric.name,
          unit: metric.unit,
          service: serviceOf(r.resource?.attributes ?? []),
          source: 'otlp',
        });
        expect(dictionary.scopes[series?.scopeId as number]?.name).toBe(s.scope?.name ?? '');
        const { keys, values, types } = series?.attributes ?? { keys: [], values: [], types: '' };
        expect(JSON.stringify(keys.map((key, n) => [key, types[n], values[n]]))).toBe(name);
      });
    }
    const numbered = (id: unknown): string => {
      const { keys, values, types } = dictionary.seriesRows[id as number]?.attributes ?? { keys: [], values: [], types: '' };
      return JSON.stringify(keys.map((key, n) => [key, types[n], values[n]]));
    };
    const exemplars = tableRows(record, 'exemplars').map((row) => ({ ...row, series_id: numbered(row['series_id']) }));
    const wantedExemplars = all.flatMap(({ exemplars: list, series }) => list.map((row) => ({ ...row, series_id: series })));
    expect(exemplars).toEqual(wantedExemplars);
    expect(Object.fromEntries(record.dropped)).toEqual(countReasons(all.map(({ row }) => row)));
  });
});
