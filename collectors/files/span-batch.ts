import { attributeField, closeField, countField, hexField, textField, timeField } from '#collectors/otlp/otlp-writer.ts';
import { ReverseWriter } from '#collectors/otlp/reverse-writer.ts';
import { BATCH_BYTES, BATCH_ITEMS, type FileRecord, TimeSpan } from './file-record.ts';
import { byResource, type Pairs, writeResource } from './log-batch.ts';

/** A span of any file. Ids are hex of the right length; '' where there is none. */
export interface SpanItem {
  readonly line: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  /** OTLP SpanKind. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly resource: Pairs;
  readonly attributes: Pairs;
  readonly events: readonly { readonly timeNs: bigint; readonly name: string; readonly attributes: Pairs }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusText: string;
  readonly scopeName: string;
  readonly scopeVersion: string;
}
/** Collects spans until they make a request; see LogBatch. */
export class SpanBatch {
  private items: SpanItem[] = [];
  private bytes = 0;
  add(item: SpanItem): FileRecord | null {
    this.items.push(item);
    this.bytes += 160 + (item.attributes.length + item.events.length * 2) * 48;
    return this.items.length >= BATCH_ITEMS || this.bytes >= BATCH_BYTES ? this.flush() : null;
  }
  flush(): FileRecord | null {
    const { items } = this;
    if (items.length === 0) return null;
    const times = new TimeSpan();
    for (const { startNs, endNs } of items) {
      times.add(Number(startNs));
      times.add(Number(endNs));
    }
    const record: FileRecord = {
      line: (items[0] as SpanItem).line,
      signal: 'traces',
      contentType: 'application/x-protobuf',
      body: writeSpans(items, this.bytes),
      items: items.length,
      minTimeMs: times.minMs,
      maxTimeMs: times.maxMs,
    };
    this.items = [];
    this.bytes = 0;
    return record;
  }
}

function writePairs(writer: ReverseWriter, field: number, pairs: Pairs): void {
  for (let i = pairs.length - 1; i >= 0; i--) attributeField(writer, field, ...(pairs[i] as Pairs[number]));
}
function writeSpan(writer: ReverseWriter, span: SpanItem): void {
  const before = writer.size;
  if (span.statusCode !== 0) {
    const inner = writer.size;
    countField(writer, 3, span.statusCode);
    textField(writer, 2, span.statusText);
    closeField(writer, inner, 15);
  }
  for (const { traceId, spanId } of [...span.links].reverse()) {
    const inner = writer.size;
    hexField(writer, 2, spanId);
    hexField(writer, 1, traceId);
    closeField(writer, inner, 13);
  }
  for (const event of [...span.events].reverse()) {
    const inner = writer.size;
    writePairs(writer, 3, event.attributes);
    textField(writer, 2, event.name);
    timeField(writer, 1, event.timeNs);
    closeField(writer, inner, 11);
  }
  writePairs(writer, 9, span.attributes);
  timeField(writer, 8, span.endNs);
  timeField(writer, 7, span.startNs);
  countField(writer, 6, span.kind);
  textField(writer, 5, span.name);
  hexField(writer, 4, span.parentId);
  hexField(writer, 2, span.spanId);
  hexField(writer, 1, span.traceId);
  closeField(writer, before, 2);
}
const scopeOf = ({ scopeName, scopeVersion }: SpanItem): string => `${scopeName}\0${scopeVersion}`;
function writeSpans(items: readonly SpanItem[], capacity: number): Uint8Array {
  const writer = new ReverseWriter(capacity);
  for (const group of byResource(items).reverse()) {
    const before = writer.size;
    const scopes = Map.groupBy(group, scopeOf);
    for (const spans of [...scopes.values()].reverse()) {
      const scope = writer.size;
      for (let i = spans.length - 1; i >= 0; i--) writeSpan(writer, spans[i] as SpanItem);
      const { scopeName, scopeVersion } = spans[0] as SpanItem;
      const inner = writer.size;
      textField(writer, 2, scopeVersion);
      textField(writer, 1, scopeName);
      if (writer.size > inner) closeField(writer, inner, 1);
      closeField(writer, scope, 2);
    }
    writeResource(writer, (group[0] as SpanItem).resource);
    closeField(writer, before, 1);
  }
  return writer.bytes();
}
