import { type LogAttributes as Attributes, writeResource } from './log-writer.ts';
import { attributeField, closeField, countField, hexField, textField, timeField } from './otlp-writer.ts';
import { ReverseWriter } from './reverse-writer.ts';

/** Spans as other protocols and files have them, to an ExportTraceServiceRequest. */
export interface SpanItem {
  /** Hexadecimal, of the right length; '' = none. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  /** OTLP SpanKind. */
  readonly kind: number;
  /** Unix time; 0n = not said. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly { readonly timeNs: bigint; readonly name: string; readonly attributes: Attributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusText: string;
  readonly scopeName: string;
  readonly scopeVersion: string;
  /** What the sender left out, by its field: 10 attributes, 12 events, 14 links. */
  readonly dropped?: readonly (readonly [field: number, count: number])[];
}
/** What came from one resource. */
export interface SpanGroup {
  readonly resource: Attributes;
  readonly items: readonly SpanItem[];
}
function writeAttributes(writer: ReverseWriter, field: number, attributes: Attributes): void {
  for (let i = attributes.length - 1; i >= 0; i--) attributeField(writer, field, ...(attributes[i] as Attributes[number]));
}
function writeEvent(writer: ReverseWriter, event: SpanItem['events'][number]): void {
  const before = writer.size;
  writeAttributes(writer, 3, event.attributes);
  textField(writer, 2, event.name);
  timeField(writer, 1, event.timeNs);
  closeField(writer, before, 11);
}
function writeLink(writer: ReverseWriter, { traceId, spanId }: SpanItem['links'][number]): void {
  const before = writer.size;
  hexField(writer, 2, spanId);
  hexField(writer, 1, traceId);
  closeField(writer, before, 13);
}
function writeSpan(writer: ReverseWriter, span: SpanItem): void {
  const before = writer.size;
  if (span.statusCode !== 0) {
    countField(writer, 3, span.statusCode);
    textField(writer, 2, span.statusText);
    closeField(writer, before, 15);
  }
  for (let i = span.links.length - 1; i >= 0; i--) writeLink(writer, span.links[i] as SpanItem['links'][number]);
  for (let i = span.events.length - 1; i >= 0; i--) writeEvent(writer, span.events[i] as SpanItem['events'][number]);
  for (const [field, count] of span.dropped ?? []) countField(writer, field, count);
  writeAttributes(writer, 9, span.attributes);
  timeField(writer, 8, span.endNs);
  timeField(writer, 7, span.startNs);
  countField(writer, 6, span.kind);
  textField(writer, 5, span.name);
  hexField(writer, 4, span.parentId);
  hexField(writer, 2, span.spanId);
  hexField(writer, 1, span.traceId);
  closeField(writer, before, 2);
}
const scopeOf = ({ scopeName, scopeVersion }: SpanItem): string => `${scopeName.length}:${scopeName}${scopeVersion}`;

/** Spans of a resource by their scope, each in the order they came. @param capacity expected size, bytes @returns protobuf; empty without a span */
export function writeSpanGroups(groups: readonly SpanGroup[], capacity: number): Uint8Array {
  const writer = new ReverseWriter(capacity);
  for (let g = groups.length - 1; g >= 0; g--) {
    const { resource, items } = groups[g] as SpanGroup;
    const before = writer.size;
    for (const spans of [...Map.groupBy(items, scopeOf).values()].reverse()) {
      const scope = writer.size;
      for (let i = spans.length - 1; i >= 0; i--) writeSpan(writer, spans[i] as SpanItem);
      const { scopeName, scopeVersion } = spans[0] as SpanItem;
      const inner = writer.size;
      textField(writer, 2, scopeVersion);
      textField(writer, 1, scopeName);
      if (writer.size > inner) closeField(writer, inner, 1);
      closeField(writer, scope, 2);
    }
    writeResource(writer, resource);
    closeField(writer, before, 1);
  }
  return writer.bytes();
}
