import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { toOtlpJson } from './otlp-json.ts';
import { createShop } from './simulate.ts';

const SCHEMAS: Readonly<Record<'traces' | 'logs' | 'metrics', DescMessage>> = {
  traces: ExportTraceServiceRequestSchema,
  logs: ExportLogsServiceRequestSchema,
  metrics: ExportMetricsServiceRequestSchema,
};
const START_MS = Date.UTC(2026, 0, 15, 10);
const ENUMS: Readonly<Record<string, number>> = { STATUS_CODE_ERROR: 2, AGGREGATION_TEMPORALITY_CUMULATIVE: 2 };
const SPAN_KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
/** Protobuf's own JSON names enums and writes ids as base64; OTLP's has numbers and hex. */
function asOtlp(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => asOtlp(item, key));
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, asOtlp(item, name)]));
  if (typeof value !== 'string') return value;
  if (/^(traceId|spanId|parentSpanId)$/.test(key)) return Buffer.from(value, 'base64').toString('hex');
  if (key === 'kind') return SPAN_KINDS.indexOf(value.replace('SPAN_KIND_', ''));
  if (key === 'severityNumber') return { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 }[value.replace('SEVERITY_NUMBER_', '')];
  return ENUMS[value] ?? value;
}
const ZEROS = [
  ['version', ''],
  ['unit', ''],
  ['count', '0'],
];
/** proto3 JSON leaves out zero values; ours writes what is on the wire. */
function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (value && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, item]) => !ZEROS.some(([name, zero]) => key === name && item === zero))
        .map(([key, item]) => [key, withoutZeros(item)]),
    );
  return value;
}
describe('toOtlpJson', () => {
  const shop = createShop({ seed: 2, scenario: 'bad_deploy', startMs: START_MS, onsetMs: START_MS + 20_000, requestsPerSecond: 8 });
  const bodies = shop.advance(START_MS + 60_000);
  it.each(['traces', 'logs', 'metrics'] as const)('agrees with the generated decoder on %s, which finds nothing unknown', (signal) => {
    expect(bodies[signal].length).toBeGreaterThan(0);
    for (const body of bodies[signal]) {
      const message = fromBinary(SCHEMAS[signal], body);
      expect(message.$unknown ?? []).toEqual([]);
      expect(withoutZeros(JSON.parse(JSON.stringify(toOtlpJson(signal, body))))).toEqual(asOtlp(toJson(SCHEMAS[signal], message)));
    }
  });
});
