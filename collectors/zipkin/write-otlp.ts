import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';
import { type SpanGroup, type SpanItem, writeSpanGroups } from '#collectors/otlp/span-writer.ts';
import type { ZipkinSpan } from './zipkin-span.ts';

/**
 * Zipkin spans as an ExportTraceServiceRequest: the specification's mapping (trace/sdk_exporters/zipkin.md) read from right
 * to left, so that what an OpenTelemetry SDK sent by way of Zipkin is what it meant. Every tag stays an attribute but those
 * that mapping made of other fields.
 */
const SCOPE_NAME = ['otel.scope.name', 'otel.library.name'];
const SCOPE_VERSION = ['otel.scope.version', 'otel.library.version'];
const STATUS_CODE = 'otel.status_code';
const STATUS_TEXT = 'otel.status_description';
const DROPPED: Readonly<Record<string, number>> = {
  'otel.dropped_attributes_count': 10,
  'otel.dropped_events_count': 12,
  'otel.dropped_links_count': 14,
};
const TAKEN = new Set([...SCOPE_NAME, ...SCOPE_VERSION, STATUS_CODE, STATUS_TEXT, ...Object.keys(DROPPED)]);
const STATUS_OK = 1;
const STATUS_ERROR = 2;
const MAX_U32 = 0xffffffff;
const MAX_U64 = 2n ** 64n - 1n;

const tagOf = ({ tags }: ZipkinSpan, keys: readonly string[]): string => String(tags.find(([key]) => keys.includes(key))?.[1] ?? '');

/** The tag `error` means an error whatever it says, but for a sender that says "false". */
function statusOf(span: ZipkinSpan): { readonly code: number; readonly text: string } {
  const code = tagOf(span, [STATUS_CODE]).toUpperCase();
  const error = span.tags.find(([key]) => key === 'error')?.[1];
  const failed = code === 'ERROR' || (code !== 'OK' && error !== undefined && String(error).toLowerCase() !== 'false');
  if (!failed) return { code: code === 'OK' ? STATUS_OK : 0, text: '' };
  const said = error === undefined || String(error).toLowerCase() === 'true' ? '' : String(error);
  return { code: STATUS_ERROR, text: tagOf(span, [STATUS_TEXT]) || said };
}

/** `"NAME": {"key": "value"}` is how an event with attributes was put into an annotation; any other text is the name. */
export function eventOf(value: string): { readonly name: string; readonly attributes: readonly (readonly [string, AttributeValue])[] } {
  const plain = { name: value, attributes: [] };
  if (!value.startsWith('"') || !value.endsWith('}')) return plain;
  try {
    const all: unknown = JSON.parse(`{${value}}`);
    const [entry, ...more] = Object.entries(all as object) as [string, unknown][];
    if (!entry || more.length > 0 || typeof entry[1] !== 'object' || entry[1] === null || Array.isArray(entry[1])) return plain;
    const attributes = Object.entries(entry[1]) as [string, unknown][];
    if (!attributes.every(([, each]) => ['string', 'number', 'boolean'].includes(typeof each))) return plain;
    return { name: entry[0], attributes: attributes as [string, AttributeValue][] };
  } catch {
    return plain;
  }
}
function attributesOf({ tags, local, remote, startNs, durationNs, debug, shared }: ZipkinSpan): ZipkinSpan['tags'] {
  const said = new Set(tags.map(([key]) => key));
  const derived: [string, AttributeValue][] = [
    ['network.local.address', local.ip],
    ['network.local.port', local.port],
    ['peer.service', remote.serviceName],
    ['network.peer.address', remote.ip],
    ['network.peer.port', remote.port],
  ];
  const own: [string, AttributeValue][] = [
    ['zipkin.shared', shared],
    ['zipkin.debug', debug],
    // A duration without a beginning has no other place.
    ['zipkin.duration_us', startNs === 0n && durationNs !== null ? Number(durationNs / 1_000n) : 0],
  ];
  const more = [...derived.filter(([key]) => !said.has(key)), ...own].filter(([, value]) => value !== '' && value !== 0 && value !== false);
  return [...tags.filter(([key]) => !TAKEN.has(key)), ...more];
}
function endOf({ startNs, durationNs }: ZipkinSpan): bigint {
  if (startNs <= 0n || durationNs === null) return 0n;
  const end = startNs + durationNs;
  return end < 1n ? 1n : end > MAX_U64 ? MAX_U64 : end;
}
/** Where it comes from: Zipkin knows the service alone. */
export const resourceOf = ({ local }: ZipkinSpan): ZipkinSpan['tags'] =>
  local.serviceName === '' ? [] : [['service.name', local.serviceName]];
export function spanItemOf(span: ZipkinSpan): SpanItem {
  const { code, text } = statusOf(span);
  const dropped = Object.entries(DROPPED).map(([tag, field]): [number, number] => [field, Number(tagOf(span, [tag]))]);
  return {
    traceId: span.traceId,
    spanId: span.id,
    parentId: span.parentId,
    name: span.name,
    kind: span.kind,
    startNs: span.startNs,
    endNs: endOf(span),
    attributes: attributesOf(span),
    events: span.annotations.map(({ timeNs, value }) => ({ timeNs, ...eventOf(value) })),
    links: [],
    statusCode: code,
    statusText: text,
    scopeName: tagOf(span, SCOPE_NAME),
    scopeVersion: tagOf(span, SCOPE_VERSION),
    dropped: dropped.filter(([, count]) => Number.isInteger(count) && count > 0 && count <= MAX_U32),
  };
}
/** @param capacity expected size, bytes @returns protobuf; empty without a span */
export function writeZipkinSpans(spans: readonly ZipkinSpan[], capacity: number): Uint8Array {
  const services = [...Map.groupBy(spans, ({ local }) => local.serviceName).values()];
  const groups = services.map((own): SpanGroup => ({ resource: resourceOf(own[0] as ZipkinSpan), items: own.map(spanItemOf) }));
  return writeSpanGroups(groups, capacity);
}
