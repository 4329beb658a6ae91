import type { Duplex } from 'node:stream';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import type { GrpcPatience } from './grpc-server-session.ts';
import type { Receiver } from './receiver.ts';

/** What both servers of OTLP/gRPC are given, and what they are: ours on node:http2, and grpc-js for compatibility. */
export interface GrpcServicesOptions {
  readonly receiver: Receiver;
  readonly account: SourceAccount;
  readonly isClosing: () => boolean;
  /** Where OTLP/HTTP goes, a URL, for the sentence to those who send it here. */
  readonly httpAddress: () => string;
  readonly log: (line: string) => void;
  /** Other patience with slow senders than the default; our own server only. */
  readonly patience?: GrpcPatience;
}
export interface GrpcServices {
  /** Takes a connection whose first bytes are an HTTP/2 preface. */
  serve(connection: Duplex): void;
  /** Refuses new calls and waits for those under way; cuts them off at the deadline. */
  close(deadlineMs: number): Promise<void>;
}

export const EXPORT_SERVICES: Readonly<Record<OtlpKind, string>> = {
  traces: 'opentelemetry.proto.collector.trace.v1.TraceService',
  metrics: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
  logs: 'opentelemetry.proto.collector.logs.v1.LogsService',
  profiles: 'opentelemetry.proto.collector.profiles.v1development.ProfilesService',
};
export const exportPath = (kind: OtlpKind): string => `/${EXPORT_SERVICES[kind]}/Export`;
export const HEALTH_PATHS = { check: '/grpc.health.v1.Health/Check', watch: '/grpc.health.v1.Health/Watch' } as const;

/** HTTP/1 or HTTP/2, but no gRPC. */
export const notGrpc = (protocol: string, httpAddress: string): string =>
  `${protocol} was sent to the gRPC port: OTLP/HTTP goes to ${httpAddress}, this port receives OTLP/gRPC.`;
