import { ByteWriter } from './byte-writer.ts';

/**
 * OTLP 1.x protobuf written straight into bytes: constant attributes are encoded once, only ids, times and the few
 * changing values are written per item. Field numbers: opentelemetry-proto v1.
 */
export type AttributeValue = string | number | boolean | readonly string[];
/** 16-byte trace id as four big-endian words. */
export type TraceId = readonly [number, number, number, number];
export interface SpanId {
  readonly high: number;
  readonly low: number;
}
export interface SpanLink {
  readonly traceId: TraceId;
  readonly spanId: SpanId;
}
export interface ExceptionEvent {
  readonly timeMs: number;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}
export interface SpanRecord {
  readonly traceId: TraceId;
  readonly spanId: SpanId;
  readonly parent: SpanId | null;
  readonly parentIsRemote: boolean;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Already encoded as Span field 9, see encodeAttributes. */
  readonly encoded: readonly Uint8Array[];
  /** Values that change with every span. */
  readonly changing: readonly (readonly [string, AttributeValue])[];
  readonly error: string | null;
  readonly exception: ExceptionEvent | null;
  readonly link: SpanLink | null;
}
export interface LogRecord {
  readonly timeMs: number;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: string;
  readonly traceId: TraceId | null;
  readonly spanId: SpanId | null;
  readonly eventName: string;
  readonly attributes: readonly (readonly [string, AttributeValue])[];
}

const scratch = new ByteWriter(4096);
const inner = new ByteWriter(4096);
const value = new ByteWriter(1024);

/** Unix milliseconds (with a fraction) as nanoseconds; exact to the nanosecond although 1.8e18 does not fit a double. */
export function writeUnixNano(writer: ByteWriter, unixMs: number): void {
  const second = Math.floor(unixMs / 1000);
  if (second !== cachedSecond) {
    const nanos = BigInt(second) * 1_000_000_000n;
    cachedSecond = second;
    cachedHigh = Number(nanos >> 32n);
    cachedLow = Number(nanos & 0xffffffffn);
  }
  const low = cachedLow + Math.round((unixMs - second * 1000) * 1e6);
  writer.fixed64(cachedHigh + Math.floor(low / 4294967296), low % 4294967296);
}
let cachedSecond = Number.NaN;
let cachedHigh = 0;
let cachedLow = 0;

function writeAnyValue(into: ByteWriter, item: AttributeValue): void {
  if (typeof item === 'string') {
    into.byte(0x0a);
    into.text(item);
  } else if (typeof item === 'boolean') {
    into.byte(0x10);
    into.byte(item ? 1 : 0);
  } else if (typeof item === 'number') {
    if (Number.isInteger(item) && item >= 0) {
      into.byte(0x18);
      into.varint(item);
    } else {
      into.byte(0x21);
      into.double(item);
    }
  } else {
    const list = new ByteWriter(64);
    for (const text of item) {
      const element = new ByteWriter(32);
      writeAnyValue(element, text);
      list.byte(0x0a);
      list.varint(element.length);
      list.from(element);
    }
    into.byte(0x2a);
    into.varint(list.length);
    into.from(list);
  }
}
const keyValue = new ByteWriter(1024);
/** One KeyValue under `tag` (a length-delimited field). Whole non-negative numbers are int, others double. */
export function writeAttribute(into: ByteWriter, tag: number, key: string, item: AttributeValue): void {
  value.reset();
  writeAnyValue(value, item);
  keyValue.reset();
  keyValue.byte(0x0a);
  keyValue.text(key);
  keyValue.byte(0x12);
  keyValue.varint(value.length);
  keyValue.from(value);
  into.byte(tag);
  into.varint(keyValue.length);
  into.from(keyValue);
}
/** Attributes as bytes of a repeated KeyValue field; `field` is 9 for spans, 6 for logs, 7 or 9 for points, 1 for resources. */
export function encodeAttributes(field: number, attributes: Readonly<Record<string, AttributeValue>>): Uint8Array {
  const writer = new ByteWriter(256);
  for (const [key, item] of Object.entries(attributes)) writeAttribute(writer, field * 8 + 2, key, item);
  return writer.take();
}
function writeTraceId(into: ByteWriter, tag: number, id: TraceId): void {
  into.byte(tag);
  into.byte(16);
  for (const word of id) into.uint32BigEndian(word);
}
function writeSpanId(into: ByteWriter, tag: number, id: SpanId): void {
  into.byte(tag);
  into.byte(8);
  into.uint32BigEndian(id.high);
  into.uint32BigEndian(id.low);
}
function nest(into: ByteWriter, tag: number, from: ByteWriter): void {
  into.byte(tag);
  into.varint(from.length);
  into.from(from);
}
function writeText(into: ByteWriter, tag: number, item: string): void {
  into.byte(tag);
  into.text(item);
}

function writeException(into: ByteWriter, event: ExceptionEvent): void {
  inner.reset();
  inner.byte(0x09);
  writeUnixNano(inner, event.timeMs);
  writeText(inner, 0x12, 'exception');
  writeAttribute(inner, 0x1a, 'exception.type', event.type);
  writeAttribute(inner, 0x1a, 'exception.message', event.message);
  writeAttribute(inner, 0x1a, 'exception.stacktrace', event.stack);
  nest(into, 0x5a, inner);
}
function writeLink(into: ByteWriter, link: SpanLink): void {
  inner.reset();
  writeTraceId(inner, 0x0a, link.traceId);
  writeSpanId(inner, 0x12, link.spanId);
  inner.byte(0x35);
  inner.fixed32(0x301);
  nest(into, 0x6a, inner);
}
/** Appends one Span as an entry of ScopeSpans.spans. */
export function writeSpan(into: ByteWriter, span: SpanRecord): void {
  scratch.reset();
  writeTraceId(scratch, 0x0a, span.traceId);
  writeSpanId(scratch, 0x12, span.spanId);
  if (span.parent) writeSpanId(scratch, 0x22, span.parent);
  writeText(scratch, 0x2a, span.name);
  scratch.byte(0x30);
  scratch.byte(span.kind);
  scratch.byte(0x39);
  writeUnixNano(scratch, span.startMs);
  scratch.byte(0x41);
  writeUnixNano(scratch, span.endMs);
  for (const bytes of span.encoded) scratch.raw(bytes);
  for (const [key, item] of span.changing) writeAttribute(scratch, 0x4a, key, item);
  if (span.exception) writeException(scratch, span.exception);
  if (span.link) writeLink(scratch, span.link);
  if (span.error !== null) {
    inner.reset();
    if (span.error) writeText(inner, 0x12, span.error);
    inner.byte(0x18);
    inner.byte(2);
    nest(scratch, 0x7a, inner);
  }
  scratch.byte(0x85);
  scratch.byte(0x01);
  scratch.fixed32(span.parentIsRemote ? 0x301 : 0x101);
  nest(into, 0x12, scratch);
}
/** Appends one LogRecord as an entry of ScopeLogs.log_records. */
export function writeLog(into: ByteWriter, log: LogRecord): void {
  scratch.reset();
  scratch.byte(0x09);
  writeUnixNano(scratch, log.timeMs);
  scratch.byte(0x10);
  scratch.byte(log.severityNumber);
  writeText(scratch, 0x1a, log.severityText);
  inner.reset();
  writeText(inner, 0x0a, log.body);
  nest(scratch, 0x2a, inner);
  for (const [key, item] of log.attributes) writeAttribute(scratch, 0x32, key, item);
  if (log.traceId) {
    scratch.byte(0x45);
    scratch.fixed32(1);
    writeTraceId(scratch, 0x4a, log.traceId);
  }
  if (log.spanId) writeSpanId(scratch, 0x52, log.spanId);
  scratch.byte(0x59);
  writeUnixNano(scratch, log.timeMs + 0.35);
  if (log.eventName) writeText(scratch, 0x62, log.eventName);
  nest(into, 0x12, scratch);
}

/** Resource message body. */
export function encodeResource(attributes: Readonly<Record<string, AttributeValue>>): Uint8Array {
  return encodeAttributes(1, attributes);
}
export interface ScopeItems {
  readonly name: string;
  readonly version: string;
  /** Entries as written by writeSpan, writeLog or the metric writers. */
  readonly items: Uint8Array;
}
/** One entry of resource_spans, resource_logs or resource_metrics; entries may be joined end to end into one request body. */
export function encodeResourceEntry(resource: Uint8Array, scopes: readonly ScopeItems[], schemaUrl: string): Uint8Array {
  const entry = new ByteWriter(4096);
  entry.byte(0x0a);
  entry.varint(resource.length);
  entry.raw(resource);
  for (const scope of scopes) {
    const head = new ByteWriter(128);
    writeText(head, 0x0a, scope.name);
    if (scope.version) writeText(head, 0x12, scope.version);
    const body = new ByteWriter(scope.items.length + 128);
    nest(body, 0x0a, head);
    body.raw(scope.items);
    nest(entry, 0x12, body);
  }
  writeText(entry, 0x1a, schemaUrl);
  const whole = new ByteWriter(entry.length + 8);
  nest(whole, 0x0a, entry);
  return whole.take();
}
