import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtoMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';

/** The three ways the OpenTelemetry JavaScript SDK sends OTLP. */
export type Protocol = 'grpc' | 'proto' | 'json';
export interface TelemetryOptions {
  readonly service: string;
  readonly version: string;
  readonly protocol: Protocol;
  /** http://HOST:PORT of OTLP/HTTP. */
  readonly ingestUrl: string;
  /** HOST:PORT of OTLP/gRPC. */
  readonly grpcAddress: string;
}

/** What was exported and acknowledged, counted at the exporters: what a receiver must hold. */
export interface Sent {
  spans: number;
  logs: number;
  /** Data points of metrics. */
  points: number;
  /** Exports that failed for good: what they held may have arrived or not. */
  failed: number;
}
interface Exporter<T> {
  export(batch: T, done: (result: { readonly code: number }) => void): void;
}
/** ExportResultCode.SUCCESS of @opentelemetry/core. */
const SUCCESS = 0;
/** Counts a batch once its exporter says that it was taken. */
function count<T>(exporter: Exporter<T>, sent: Sent, what: keyof Sent, sizeOf: (batch: T) => number): void {
  const send = exporter.export.bind(exporter);
  exporter.export = (batch, done) =>
    send(batch, (result) => {
      if (result.code === SUCCESS) sent[what] += sizeOf(batch);
      else sent.failed++;
      done(result);
    });
}
const pointsOf = ({ scopeMetrics }: ResourceMetrics): number =>
  scopeMetrics.reduce((sum, { metrics }) => sum + metrics.reduce((points, { dataPoints }) => points + dataPoints.length, 0), 0);

interface Exporters {
  readonly traces: SpanExporter;
  readonly logs: LogRecordExporter;
  readonly metrics: PushMetricExporter;
}
function exporters({ protocol, ingestUrl, grpcAddress }: TelemetryOptions): Exporters {
  const at = (signal: string): { url: string } => ({ url: `${ingestUrl}/v1/${signal}` });
  const grpc = { url: `http://${grpcAddress}` };
  if (protocol === 'grpc') return { traces: new GrpcTraces(grpc), logs: new GrpcLogs(grpc), metrics: new GrpcMetrics(grpc) };
  if (protocol === 'proto')
    return { traces: new ProtoTraces(at('traces')), logs: new ProtoLogs(at('logs')), metrics: new ProtoMetrics(at('metrics')) };
  return { traces: new JsonTraces(at('traces')), logs: new JsonLogs(at('logs')), metrics: new JsonMetrics(at('metrics')) };
}

/** A plain SDK set-up, as an application's author would write it. */
export function startTelemetry(options: TelemetryOptions) {
  const { traces, logs, metrics } = exporters(options);
  const sent: Sent = { spans: 0, logs: 0, points: 0, failed: 0 };
  count(traces, sent, 'spans', ({ length }) => length);
  count(logs, sent, 'logs', ({ length }) => length);
  count(metrics, sent, 'points', pointsOf);
  const resource = resourceFromAttributes({
    'service.name': options.service,
    'service.version': options.version,
    'service.instance.id': `${options.service}-1`,
    'host.name': 'sdk-host',
  });
  const tracerProvider = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ exporter: traces, scheduledDelayMillis: 500 })],
  });
  const loggerProvider = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ exporter: logs, scheduledDelayMillis: 500 })],
  });
  const meterProvider = new MeterProvider({
    resource,
    readers: [new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 2000, exportTimeoutMillis: 1500 })],
  });
  return {
    sent,
    tracer: tracerProvider.getTracer('sdk-app', '1.0.0'),
    logger: loggerProvider.getLogger('sdk-app', '1.0.0'),
    meter: meterProvider.getMeter('sdk-app', '1.0.0'),
    flush: () => Promise.all([tracerProvider.forceFlush(), loggerProvider.forceFlush(), meterProvider.forceFlush()]),
    stop: () => Promise.all([tracerProvider.shutdown(), loggerProvider.shutdown(), meterProvider.shutdown()]),
  };
}
