import {
  type AttributeValue,
  attributeField,
  closeField,
  countField,
  hexField,
  textField,
  timeField,
} from '#collectors/otlp/otlp-writer.ts';
import { ReverseWriter } from '#collectors/otlp/reverse-writer.ts';
import type { ZipkinAnnotation, ZipkinSpan } from './zipkin-span.ts';

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
function writeEvent(writer: ReverseWriter, { timeNs, value }: ZipkinAnnotation): void {
  const before = writer.size;
  const { name, attributes } = eventOf(value);
  for (let i = attributes.length - 1; i >= 0; i--) attributeField(writer, 3, ...(attributes[i] as [string, AttributeValue]));
  textField(writer, 2, name);
  timeField(writer, 1, timeNs);
  closeField(writer, before, 11);
}
function writeAttributes(writer: ReverseWriter, span: ZipkinSpan): void {
  const add = (key: string, value: AttributeValue): void => {
    if (value !== '' && value !== 0 && value !== false) attributeField(writer, 9, key, value);
  };
  const { local, remote } = span;
  // A duration without a beginning has no other place.
  if (span.startNs === 0n && span.durationNs !== null) add('zipkin.duration_us', Number(span.durationNs / 1_000n));
  add('zipkin.debug', span.debug);
  add('zipkin.shared', span.shared);
  const said = new Set(span.tags.map(([key]) => key));
  const derived: [string, AttributeValue][] = [
    ['network.peer.port', remote.port],
    ['network.peer.address', remote.ip],
    ['peer.service', remote.serviceName],
    ['network.local.port', local.port],
    ['network.local.address', local.ip],
  ];
  for (const [key, value] of derived) if (!said.has(key)) add(key, value);
  for (let i = span.tags.length - 1; i >= 0; i--) {
    const [key, value] = span.tags[i] as [string, AttributeValue];
    if (!TAKEN.has(key)) attributeField(writer, 9, key, value);
  }
}
function writeSpan(writer: ReverseWriter, span: ZipkinSpan): void {
  const before = writer.size;
  const { code, text } = statusOf(span);
  if (code !== 0) {
    const inner = writer.size;
    countField(writer, 3, code);
    textField(writer, 2, text);
    closeField(writer, inner, 15);
  }
  for (let i = span.annotations.length - 1; i >= 0; i--) writeEvent(writer, span.annotations[i] as ZipkinAnnotation);
  for (const [tag, field] of Object.entries(DROPPED)) {
    const count = Number(tagOf(span, [tag]));
    if (Number.isInteger(count) && count > 0 && count <= MAX_U32) countField(writer, field, count);
  }
  writeAttributes(writer, span);
  if (span.startNs > 0n && span.durationNs !== null) {
    const end = span.startNs + span.durationNs;
    timeField(writer, 8, end < 1n ? 1n : end > MAX_U64 ? MAX_U64 : end);
  }
  timeField(writer, 7, span.startNs);
  countField(writer, 6, span.kind);
  textField(writer, 5, span.name);
  hexField(writer, 4, span.parentId);
  hexField(writer, 2, span.id);
  hexField(writer, 1, span.traceId);
  closeField(writer, before, 2);
}

/** Spans by service, and in it by scope, each in the order they came. */
function grouped(spans: readonly ZipkinSpan[]): Map<string, Map<string, ZipkinSpan[]>> {
  const services = new Map<string, Map<string, ZipkinSpan[]>>();
  for (const span of spans) {
    const service = span.local.serviceName;
    const scope = JSON.stringify([tagOf(span, SCOPE_NAME), tagOf(span, SCOPE_VERSION)]);
    const scopes = services.get(service) ?? new Map<string, ZipkinSpan[]>();
    if (scopes.size === 0) services.set(service, scopes);
    const list = scopes.get(scope);
    if (list) list.push(span);
    else scopes.set(scope, [span]);
  }
  return services;
}

/** @param capacity expected size, bytes @returns protobuf; empty without a span */
export function writeZipkinSpans(spans: readonly ZipkinSpan[], capacity: number): Uint8Array {
  const writer = new ReverseWriter(capacity);
  for (const [service, scopes] of [...grouped(spans)].reverse()) {
    const before = writer.size;
    for (const list of [...scopes.values()].reverse()) {
      const scope = writer.size;
      for (let i = list.length - 1; i >= 0; i--) writeSpan(writer, list[i] as ZipkinSpan);
      const first = list[0] as ZipkinSpan;
      const inner = writer.size;
      textField(writer, 2, tagOf(first, SCOPE_VERSION));
      textField(writer, 1, tagOf(first, SCOPE_NAME));
      if (writer.size > inner) closeField(writer, inner, 1);
      closeField(writer, scope, 2);
    }
    const inner = writer.size;
    if (service !== '') attributeField(writer, 1, 'service.name', service);
    closeField(writer, inner, 1);
    closeField(writer, before, 1);
  }
  return writer.bytes();
}
