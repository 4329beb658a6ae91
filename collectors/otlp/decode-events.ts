import type { SpanEvents } from '#contracts/columns.ts';
import { EVENT_FIELDS } from '#contracts/tables.ts';
import { AttributeKeys } from './attribute-keys.ts';
import { canonicalOtlp } from './canonical.ts';
import { Decoding, IRREGULAR } from './decoding.ts';
import { readByteTag, skipUnknown, writeStoredTime } from './item-fields.ts';
import { StructList } from './list-columns.ts';
import { columnAt } from './table-columns.ts';
import { readVarint } from './wire.ts';

const TIME = columnAt(EVENT_FIELDS, 'time');
const NAME = columnAt(EVENT_FIELDS, 'name');
const DROPPED = columnAt(EVENT_FIELDS, 'dropped_attributes_count');

/** What the receiver let in is shown whole. */
const AS_KEPT = { maxDepth: 1_000, maxAttributes: Number.MAX_SAFE_INTEGER, maxAttributeBytes: Number.MAX_SAFE_INTEGER };
const EVENTS_TAG = 0x5a;

/**
 * A reader of span events as they were sent (contracts/tables.ts events_wire). Row i is the bytes
 * [offsets[i], offsets[i + 1]) of `wire`: fields `events` of an OTLP Span and nothing else; an empty row has no events.
 * The columns are lent: valid until the next call. @throws OtlpError for bytes that checkOtlp would refuse
 */
export function spanEventsReader(): (wire: Uint8Array, offsets: ArrayLike<number>) => SpanEvents {
  const d = new Decoding();
  const keys = new AttributeKeys([]);
  const events = new StructList(EVENT_FIELDS, keys);
  const read = (wire: Uint8Array, offsets: ArrayLike<number>): SpanEvents => {
    d.begin(wire, { receivedUnixNano: 0n, retentionSeconds: 0, limits: AS_KEPT, lend: true });
    if (keys.forgetIfFull()) events.attributes.forgetKeys();
    const rows = offsets.length - 1;
    events.start(rows, { bodyLength: wire.length, isLent: true });
    for (let row = 0; row < rows; row++) {
      events.begin();
      decodeEvents(d, events, offsets[row] as number, offsets[row + 1] as number);
      events.finish(row);
    }
    return { column: events.column(rows), heap: d.heap() };
  };
  return (wire, offsets) => {
    try {
      return read(wire, offsets);
    } catch (error) {
      if (error !== IRREGULAR) throw error;
    }
    const plain = plainRows(wire, offsets);
    return read(plain.wire, plain.offsets);
  };
}

function decodeEvents(d: Decoding, events: StructList, start: number, end: number): void {
  for (let p = start; p < end; ) {
    if (readByteTag(d, p, end) !== EVENTS_TAG) throw IRREGULAR;
    const length = readVarint(d, end);
    p = d.pos + length;
    if (p > end) throw IRREGULAR;
    decodeEvent(d, events, p - length, p);
  }
}

/** The Event message in [start, end). */
function decodeEvent(d: Decoding, events: StructList, start: number, end: number): void {
  const { bytes, view } = d;
  const row = events.open();
  const { columns, attributes } = events;
  let p = start;
  while (p < end) {
    const tag = bytes[p++] as number;
    if (tag === 0x09) {
      writeStoredTime(d, columns.words[TIME] as Uint32Array, row, view.getUint32(p, true), view.getUint32(p + 4, true));
      p += 8;
      continue;
    }
    if (tag === 0x20) {
      d.pos = p;
      (columns.words[DROPPED] as Uint32Array)[row] = readVarint(d, end);
      p = d.pos;
      continue;
    }
    if (tag !== 0x12 && tag !== 0x1a) {
      p = skipUnknown(d, p - 1, end);
      continue;
    }
    d.pos = p;
    const length = readVarint(d, end);
    p = d.pos;
    if (p + length > end) throw IRREGULAR;
    if (tag === 0x12) d.writeCell(columns.words[NAME] as Uint32Array, row * 4, p, length);
    else attributes.add(d, p, p + length, columns, row);
    p += length;
  }
  if (p !== end) throw IRREGULAR;
  events.close(d);
}

/** The same rows in plain form. A row is a Span that has nothing but events; it goes through as a request of its own. */
function plainRows(wire: Uint8Array, offsets: ArrayLike<number>): { wire: Uint8Array; offsets: number[] } {
  const parts: Uint8Array[] = [];
  const plainOffsets = [0];
  for (let row = 0; row + 1 < offsets.length; row++) {
    const span = Buffer.from(wire.subarray(offsets[row] as number, offsets[row + 1] as number));
    const request = delimited(0x0a, delimited(0x12, delimited(0x12, span)));
    const part = contentOf(contentOf(contentOf(canonicalOtlp('traces', request, AS_KEPT.maxDepth))));
    parts.push(part);
    plainOffsets.push((plainOffsets[row] as number) + part.length);
  }
  return { wire: Buffer.concat(parts), offsets: plainOffsets };
}
function delimited(tag: number, content: Uint8Array): Uint8Array {
  const head = [tag];
  let rest = content.length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Uint8Array.from([...head, rest]), content]);
}
/** Of one field: the bytes behind tag and length. */
function contentOf(field: Uint8Array): Uint8Array {
  let p = 1;
  while ((field[p] as number) > 0x7f) p++;
  return field.subarray(p + 1);
}
