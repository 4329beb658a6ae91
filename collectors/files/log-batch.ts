import { severityOfName } from '#collectors/otlp/log-levels.ts';
import { writeLogGroups } from '#collectors/otlp/log-writer.ts';
import { type AttributeValue, attributeField, closeField } from '#collectors/otlp/otlp-writer.ts';
import type { ReverseWriter } from '#collectors/otlp/reverse-writer.ts';
import { BATCH_BYTES, BATCH_ITEMS, type FileRecord, TimeSpan } from './file-record.ts';

export type Pairs = readonly (readonly [string, AttributeValue])[];
/** A log record of any file. */
export interface LogItem {
  readonly line: number;
  /** 0n = not said. */
  readonly timeNs: bigint;
  readonly body: string;
  /** '' = none. */
  readonly severity: string;
  /** 0 = by its text. */
  readonly severityNumber?: number;
  /** Lower-case hex of the right length, '' = none. */
  readonly traceId?: string;
  readonly spanId?: string;
  readonly resource: Pairs;
  readonly attributes: Pairs;
}
/** Collects records until they make a request: by number and size only, so that the same file always makes the same requests. */
export class LogBatch {
  private items: LogItem[] = [];
  private bytes = 0;
  /** @returns a request once there is enough for one */
  add(item: LogItem): FileRecord | null {
    this.items.push(item);
    this.bytes += item.body.length + 64;
    for (const [key, value] of item.attributes) this.bytes += key.length + (typeof value === 'string' ? value.length : 8) + 8;
    return this.items.length >= BATCH_ITEMS || this.bytes >= BATCH_BYTES ? this.flush() : null;
  }
  flush(): FileRecord | null {
    const { items } = this;
    if (items.length === 0) return null;
    const times = new TimeSpan();
    for (const { timeNs } of items) times.add(Number(timeNs));
    const record: FileRecord = {
      line: (items[0] as LogItem).line,
      signal: 'logs',
      contentType: 'application/x-protobuf',
      body: writeLogs(items, this.bytes),
      items: items.length,
      minTimeMs: times.minMs,
      maxTimeMs: times.maxMs,
    };
    this.items = [];
    this.bytes = 0;
    return record;
  }
}

/** Items by what they come from, each in the order they came. */
export function byResource<T extends { readonly resource: Pairs }>(items: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  let lastResource: Pairs | null = null;
  let lastGroup: T[] = [];
  for (const item of items) {
    if (item.resource !== lastResource) {
      const key = JSON.stringify(item.resource);
      lastGroup = groups.get(key) ?? [];
      groups.set(key, lastGroup);
      lastResource = item.resource;
    }
    lastGroup.push(item);
  }
  return [...groups.values()];
}
export function writeResource(writer: ReverseWriter, resource: Pairs): void {
  const before = writer.size;
  for (let i = resource.length - 1; i >= 0; i--) attributeField(writer, 1, ...(resource[i] as Pairs[number]));
  closeField(writer, before, 1);
}
function writeLogs(items: readonly LogItem[], capacity: number): Uint8Array {
  const groups = byResource(items).map((group) => ({
    resource: (group[0] as LogItem).resource,
    items: group.map(({ timeNs, body, severity, severityNumber, attributes, traceId = '', spanId = '' }) => ({
      timeNs,
      observedNs: 0n,
      severityNumber: severityNumber || severityOfName(severity),
      severityText: severity,
      body,
      attributes,
      traceId,
      spanId,
    })),
  }));
  return writeLogGroups(groups, capacity);
}
