import { byResource, type LogItem, writeLogGroups } from '#collectors/otlp/log-writer.ts';
import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';
import { type SpanItem, writeSpanGroups } from '#collectors/otlp/span-writer.ts';
import { BATCH_BYTES, BATCH_ITEMS, type FileRecord, type Signal, TimeSpan } from './file-record.ts';

export type Pairs = readonly (readonly [string, AttributeValue])[];
/** A log record of any file. */
export interface FileLog extends LogItem {
  readonly line: number;
  readonly resource: Pairs;
}
/** A span of any file. */
export interface FileSpan extends SpanItem {
  readonly line: number;
  readonly resource: Pairs;
}
/** How items of a kind become a request. */
export interface BatchKind<T> {
  readonly signal: Signal;
  /** About what an item takes. */
  bytesOf(item: T): number;
  /** Event times of an item, Unix nanoseconds. */
  timesOf(item: T): readonly bigint[];
  write(items: readonly T[], capacity: number): Uint8Array;
}
/** Collects items until they make a request: by number and size only, so that the same file always makes the same requests. */
export class Batch<T extends { readonly line: number }> {
  private readonly kind: BatchKind<T>;
  private items: T[] = [];
  private bytes = 0;

  constructor(kind: BatchKind<T>) {
    this.kind = kind;
  }
  /** @returns a request once there is enough for one */
  add(item: T): FileRecord | null {
    this.items.push(item);
    this.bytes += this.kind.bytesOf(item);
    return this.items.length >= BATCH_ITEMS || this.bytes >= BATCH_BYTES ? this.flush() : null;
  }
  flush(): FileRecord | null {
    const { items, bytes, kind } = this;
    const [first] = items;
    if (first === undefined) return null;
    const times = new TimeSpan();
    for (const item of items) for (const time of kind.timesOf(item)) times.add(Number(time));
    this.items = [];
    this.bytes = 0;
    const body = kind.write(items, bytes);
    const { minMs: minTimeMs, maxMs: maxTimeMs } = times;
    const contentType = 'application/x-protobuf';
    return { line: first.line, signal: kind.signal, contentType, body, items: items.length, minTimeMs, maxTimeMs };
  }
}
/** About what attributes take. */
export function sizeOf(pairs: readonly (readonly [string, unknown])[]): number {
  let bytes = 0;
  for (const [key, value] of pairs) bytes += key.length + (typeof value === 'string' ? value.length : 8) + 8;
  return bytes;
}
export const LOGS: BatchKind<FileLog> = {
  signal: 'logs',
  bytesOf: ({ body, attributes }) => (typeof body === 'string' ? body.length : 8) + 64 + sizeOf(attributes),
  timesOf: ({ timeNs }) => [timeNs],
  write: (items, capacity) => writeLogGroups(byResource(items), capacity),
};
export const SPANS: BatchKind<FileSpan> = {
  signal: 'traces',
  bytesOf: ({ name, statusText, attributes, events, links }) =>
    160 +
    name.length +
    statusText.length +
    sizeOf(attributes) +
    events.reduce((sum, event) => sum + 32 + event.name.length + sizeOf(event.attributes), 0) +
    links.length * 32,
  timesOf: ({ startNs, endNs }) => [startNs, endNs],
  write: (items, capacity) => writeSpanGroups(byResource(items), capacity),
};

/** One list for the same resource: items are grouped by it. */
export class ResourceCache {
  private readonly known = new Map<string, Pairs>();
  /** Pairs without a text are left out. */
  of(pairs: Pairs): Pairs {
    const present = pairs.filter(([, value]) => value !== '');
    const key = JSON.stringify(present);
    const known = this.known.get(key);
    if (known) return known;
    if (this.known.size > 10_000) this.known.clear();
    this.known.set(key, present);
    return present;
  }
}
