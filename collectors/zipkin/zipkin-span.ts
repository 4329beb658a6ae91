import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';

/** A Zipkin v2 span as both encodings say it: openzipkin/zipkin-api, zipkin2-api.yaml and zipkin.proto. */
export interface ZipkinSpan {
  /** 32 hex digits; '' = unusable: the check then counts it as invalid_id. */
  readonly traceId: string;
  /** 16 hex digits; '' = unusable. */
  readonly id: string;
  /** 16 hex digits, '' = none; '00' = unusable: the decoder then notes it. */
  readonly parentId: string;
  readonly name: string;
  /** OTLP SpanKind. Zipkin says nothing of a span that is within one service. */
  readonly kind: number;
  /** Unix time; 0n = not said. */
  readonly startNs: bigint;
  readonly durationNs: bigint | null;
  readonly local: ZipkinEndpoint;
  readonly remote: ZipkinEndpoint;
  readonly annotations: readonly ZipkinAnnotation[];
  readonly tags: readonly (readonly [string, AttributeValue])[];
  readonly debug: boolean;
  readonly shared: boolean;
}
/** '' and 0 = not said. */
export interface ZipkinEndpoint {
  readonly serviceName: string;
  readonly ip: string;
  readonly port: number;
}
export interface ZipkinAnnotation {
  readonly timeNs: bigint;
  readonly value: string;
}
export const NO_ENDPOINT: ZipkinEndpoint = { serviceName: '', ip: '', port: 0 };
/** OTLP SpanKind by Zipkin's name; none is INTERNAL, as the specification's table maps it. */
export const KIND_INTERNAL = 1;
export const KINDS: Readonly<Record<string, number>> = { SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 };
/** Times over this do not fit 64 bits of nanoseconds with a duration added. */
export const MAX_MICROS = 9_223_372_036_854_775n;

/** Ids of 64 bits and shorter ones are padded on the left, as Zipkin's own codecs do. @returns '' when unusable */
export function traceIdOf(hex: string): string {
  return /^[0-9a-fA-F]{1,32}$/.test(hex) ? hex.padStart(32, '0') : '';
}
export function spanIdOf(hex: string): string {
  return /^[0-9a-fA-F]{1,16}$/.test(hex) ? hex.padStart(16, '0') : '';
}
