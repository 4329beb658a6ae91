import { attributeField, closeField, countField, hexField, type NestedValue, textField, timeField, writeValue } from './otlp-writer.ts';
import { ReverseWriter } from './reverse-writer.ts';

/** Log records as other protocols' receivers read them, to an ExportLogsServiceRequest. */
export type LogAttributes = readonly (readonly [string, NestedValue])[];
export interface LogItem {
  /** Unix time; 0n = not said. */
  readonly timeNs: bigint;
  /** When it came, where that is not the record's arrival; 0n = not said. */
  readonly observedNs: bigint;
  /** 1 .. 24; 0 = not said. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: NestedValue;
  readonly attributes: LogAttributes;
  /** Hexadecimal, '' = none. */
  readonly traceId: string;
  readonly spanId: string;
}
/** What came from one resource. */
export interface LogGroup {
  readonly resource: LogAttributes;
  readonly items: readonly LogItem[];
}
/** Items by what they come from, each in the order they came. */
export function byResource<T extends { readonly resource: LogAttributes }>(
  items: Iterable<T>,
): { readonly resource: LogAttributes; readonly items: T[] }[] {
  const groups = new Map<string, { readonly resource: LogAttributes; readonly items: T[] }>();
  let last: { readonly resource: LogAttributes; readonly items: T[] } | undefined;
  for (const item of items) {
    const { resource } = item;
    if (resource !== last?.resource) {
      const key = JSON.stringify(resource);
      last = groups.get(key) ?? { resource, items: [] };
      groups.set(key, last);
    }
    last.items.push(item);
  }
  return [...groups.values()];
}
const TRACE_ID = /^(?!0{32}$)[0-9a-fA-F]{32}$/;
const SPAN_ID = /^(?!0{16}$)[0-9a-fA-F]{16}$/;
export const isTraceId = (text: string): boolean => TRACE_ID.test(text);
export const isSpanId = (text: string): boolean => SPAN_ID.test(text);

function writeItem(writer: ReverseWriter, item: LogItem): void {
  const before = writer.size;
  timeField(writer, 11, item.observedNs);
  hexField(writer, 10, item.spanId);
  hexField(writer, 9, item.traceId);
  for (let i = item.attributes.length - 1; i >= 0; i--) attributeField(writer, 6, ...(item.attributes[i] as LogAttributes[number]));
  const body = writer.size;
  writeValue(writer, item.body);
  closeField(writer, body, 5);
  textField(writer, 3, item.severityText);
  countField(writer, 2, item.severityNumber);
  timeField(writer, 1, item.timeNs);
  closeField(writer, before, 2);
}

export function writeResource(writer: ReverseWriter, resource: LogAttributes): void {
  const before = writer.size;
  for (let i = resource.length - 1; i >= 0; i--) attributeField(writer, 1, ...(resource[i] as LogAttributes[number]));
  closeField(writer, before, 1);
}
/** @param capacity expected size, bytes @returns protobuf; empty without an item */
export function writeLogGroups(groups: readonly LogGroup[], capacity: number): Uint8Array {
  const writer = new ReverseWriter(capacity);
  for (let g = groups.length - 1; g >= 0; g--) {
    const { resource, items } = groups[g] as LogGroup;
    if (items.length === 0) continue;
    const before = writer.size;
    for (let i = items.length - 1; i >= 0; i--) writeItem(writer, items[i] as LogItem);
    closeField(writer, before, 2);
    writeResource(writer, resource);
    closeField(writer, before, 1);
  }
  return writer.bytes();
}
