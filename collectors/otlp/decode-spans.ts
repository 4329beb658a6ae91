import type { Column, ColumnBatch } from '#contracts/columns.ts';
import { SPANS } from '#contracts/tables.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import { AttributeSink } from './attribute-sink.ts';
import type { Origin } from './decode-origin.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { copyCell, readByteTag, skipUnknown, writeDuration, writeEnum, writeOptionalId, writeOptionalText } from './item-fields.ts';
import { StructList } from './list-columns.ts';
import { promotionOf } from './promoted-keys.ts';
import { columnAt, type Room, structOf, TableColumns } from './table-columns.ts';
import { TIME_OK, TIME_REASONS } from './time-window.ts';
import { readVarint } from './wire.ts';

const at = (name: string): number => columnAt(SPANS.columns, name);
const TRACE_ID = at('trace_id');
const SPAN_ID = at('span_id');
const PARENT = at('parent_span_id');
const START = at('start_time');
const DURATION = at('duration_ns');
const NAME = at('name');
const SERVICE = at('service');
const KIND = at('kind');
const STATUS_CODE = at('status_code');
const STATUS_MESSAGE = at('status_message');
const TRACE_STATE = at('trace_state');
const FLAGS = at('flags');
const DROPPED_ATTRIBUTES = at('dropped_attributes_count');
const DROPPED_EVENTS = at('dropped_events_count');
const DROPPED_LINKS = at('dropped_links_count');
const RESOURCE_ID = at('resource_id');
const SCOPE_ID = at('scope_id');
const EVENTS = at('events_wire');
const LINK = structOf(SPANS.columns, 'links');
const LINK_TRACE_ID = columnAt(LINK, 'trace_id');
const LINK_SPAN_ID = columnAt(LINK, 'span_id');
const LINK_STATE = columnAt(LINK, 'trace_state');
const LINK_FLAGS = columnAt(LINK, 'flags');
const LINK_DROPPED = columnAt(LINK, 'dropped_attributes_count');

const PROMOTION = promotionOf(SPANS);
/** A span whose ids are usable takes this much; more spans than fit are dropped ones and need no room. */
const SMALLEST_SPAN_BYTES = 30;

/** Spans of one request as columns. */
export class SpanRows {
  rows = 0;
  private readonly columns = new TableColumns(SPANS.columns);
  private readonly attributes: AttributeSink;
  private readonly links: StructList;

  constructor(keys: AttributeKeys) {
    this.attributes = new AttributeSink(keys, at('attribute_types'), PROMOTION);
    this.links = new StructList(LINK, keys);
  }
  start(items: number, room: Room): void {
    const capacity = Math.min(items, Math.floor(room.bodyLength / SMALLEST_SPAN_BYTES)) + 1;
    this.rows = 0;
    this.columns.start(capacity, room);
    this.attributes.start(capacity, room);
    this.links.start(capacity, room);
  }
  forgetKeys(): void {
    for (const sink of [this.attributes, this.links.attributes]) sink.forgetKeys();
  }
  batches(heap: Uint8Array): ColumnBatch[] {
    const { rows } = this;
    if (rows === 0) return [];
    const others = new Map<number, Column>([
      [at('attributes'), this.attributes.column(rows)],
      [at('links'), this.links.column(rows)],
    ]);
    return [{ table: 'spans', rows, columns: this.columns.finish(rows, others), heap }];
  }

  /** The Span message in [start, end): one row, or one counted drop. */
  decode(d: Decoding, start: number, end: number, origin: Origin): void {
    const { bytes, view } = d;
    const { rows: row, columns, attributes } = this;
    const { words } = columns;
    attributes.begin();
    this.links.begin();
    let traceIdOk = false;
    let spanIdOk = false;
    let startLo = 0;
    let startHi = 0;
    let endLo = 0;
    let endHi = 0;
    let hasStatus = false;
    let eventsStart = 0;
    let eventsEnd = 0;
    let p = start;
    while (p < end) {
      const at = p;
      const tag = bytes[p++] as number;
      if ((tag & 7) === 2 && tag < 0x80) {
        let length = bytes[p++] as number;
        if (length > 0x7f) {
          d.pos = p - 1;
          length = readVarint(d, end);
          p = d.pos;
        }
        const next = p + length;
        if (next > end) throw IRREGULAR;
        switch (tag) {
          case 0x4a:
            attributes.add(d, p, next, columns, row);
            break;
          case 0x0a:
            traceIdOk = writeOptionalId(d, columns, TRACE_ID, row, p, length, 16);
            break;
          case 0x12:
            spanIdOk = writeOptionalId(d, columns, SPAN_ID, row, p, length, 8);
            break;
          case 0x22:
            writeOptionalId(d, columns, PARENT, row, p, length, 8);
            break;
          case 0x2a:
            d.writeCell(words[NAME] as Uint32Array, row * 4, p, length);
            break;
          case 0x5a:
            // Kept as sent and read when asked for (decode-events.ts): as columns they were a third of what a span costs.
            if (eventsEnd > 0 && eventsEnd !== at) throw IRREGULAR;
            if (eventsEnd === 0) eventsStart = at;
            eventsEnd = next;
            break;
          case 0x6a:
            this.decodeLink(d, p, next);
            break;
          case 0x7a:
            if (hasStatus) throw IRREGULAR;
            hasStatus = true;
            this.decodeStatus(d, p, next);
            break;
          case 0x1a:
            writeOptionalText(d, columns, TRACE_STATE, row, p, length);
            break;
        }
        p = next;
        continue;
      }
      switch (tag) {
        case 0x39:
          startLo = view.getUint32(p, true);
          startHi = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x41:
          endLo = view.getUint32(p, true);
          endHi = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x30:
          p = writeEnum(d, columns, KIND, row, p, end, 5);
          break;
        case 0x50:
          p = this.writeCount(d, DROPPED_ATTRIBUTES, row, p, end);
          break;
        case 0x60:
          p = this.writeCount(d, DROPPED_EVENTS, row, p, end);
          break;
        case 0x70:
          p = this.writeCount(d, DROPPED_LINKS, row, p, end);
          break;
        case 0x85:
          // First byte of a two-byte tag: field 16 is flags, others are unknown.
          if (bytes[p] === 1) (words[FLAGS] as Uint32Array)[row] = view.getUint32(p + 1, true);
          p = bytes[p] === 1 ? p + 5 : skipUnknown(d, p - 1, end);
          break;
        default:
          p = skipUnknown(d, p - 1, end);
      }
    }
    if (p !== end) throw IRREGULAR;
    if (eventsEnd > 0) {
      d.writeBytesCell(words[EVENTS] as Uint32Array, row * 4, eventsStart, eventsEnd - eventsStart);
      (columns.present[EVENTS] as Uint8Array)[row] = 1;
    }
    if (!traceIdOk || !spanIdOk) this.dropRow(d, 'invalid_id');
    else this.finishRow(d, origin, startLo, startHi, endLo, endHi);
  }

  private finishRow(d: Decoding, origin: Origin, givenLo: number, givenHi: number, givenEndLo: number, givenEndHi: number): void {
    const { rows: row, columns } = this;
    let lo = givenLo;
    let hi = givenHi;
    let endLo = givenEndLo;
    let endHi = givenEndHi;
    if ((lo | hi) === 0 || (endLo | endHi) === 0) {
      d.note('time_missing');
      if ((lo | hi) === 0) {
        lo = endLo;
        hi = endHi;
      }
      if ((lo | hi) === 0) {
        lo = d.window.receivedLo;
        hi = d.window.receivedHi;
      }
      if ((endLo | endHi) === 0) {
        endLo = lo;
        endHi = hi;
      }
    }
    const verdict = d.window.verdict(hi, lo);
    if (verdict !== TIME_OK) {
      this.dropRow(d, TIME_REASONS[verdict] as 'time_too_old');
      return;
    }
    const { words } = columns;
    const times = words[START] as Uint32Array;
    times[row * 2] = lo;
    times[row * 2 + 1] = hi;
    writeDuration(d, words[DURATION] as Uint32Array, row, lo, hi, endLo, endHi);
    copyCell(words[SERVICE] as Uint32Array, row, origin.serviceCell);
    (words[RESOURCE_ID] as Uint32Array)[row] = origin.resourceId;
    (words[SCOPE_ID] as Uint32Array)[row] = origin.scopeId;
    this.attributes.finish(d, columns, row);
    this.links.finish(row);
    this.rows = row + 1;
  }
  private dropRow(d: Decoding, reason: 'invalid_id' | 'time_too_old' | 'time_in_future'): void {
    d.drop(reason);
    this.attributes.rollback();
    this.links.rollback();
    this.columns.clearRow(this.rows);
  }

  private writeCount(d: Decoding, column: number, row: number, p: number, end: number): number {
    d.pos = p;
    (this.columns.words[column] as Uint32Array)[row] = readVarint(d, end);
    return d.pos;
  }
  private decodeStatus(d: Decoding, start: number, end: number): void {
    const { columns, rows: row } = this;
    let p = start;
    while (p < end) {
      const from = p;
      const tag = readByteTag(d, from, end);
      p = d.pos;
      if (tag === 0x18) p = writeEnum(d, columns, STATUS_CODE, row, p, end, 2);
      else if (tag === 0x12) {
        const length = readVarint(d, end);
        p = d.pos + length;
        if (p > end) throw IRREGULAR;
        writeOptionalText(d, columns, STATUS_MESSAGE, row, p - length, length);
      } else p = skipUnknown(d, from, end);
    }
    if (p !== end) throw IRREGULAR;
  }

  private decodeLink(d: Decoding, start: number, end: number): void {
    const { bytes, view } = d;
    const row = this.links.open();
    const { columns, attributes } = this.links;
    let ids = 0;
    let p = start;
    while (p < end) {
      const tag = bytes[p++] as number;
      d.pos = p;
      if (tag === 0x28) (columns.words[LINK_DROPPED] as Uint32Array)[row] = readVarint(d, end);
      else if (tag === 0x35) {
        (columns.words[LINK_FLAGS] as Uint32Array)[row] = view.getUint32(p, true);
        d.pos = p + 4;
      } else if (tag === 0x0a || tag === 0x12 || tag === 0x1a || tag === 0x22) {
        const length = readVarint(d, end);
        p = d.pos;
        if (p + length > end) throw IRREGULAR;
        if (tag === 0x22) attributes.add(d, p, p + length, columns, row);
        else if (tag === 0x1a) d.writeCell(columns.words[LINK_STATE] as Uint32Array, row * 4, p, length);
        else if (writeOptionalId(d, columns, tag === 0x0a ? LINK_TRACE_ID : LINK_SPAN_ID, row, p, length, tag === 0x0a ? 16 : 8))
          ids |= tag;
        d.pos = p + length;
      } else skipUnknown(d, p - 1, end);
      p = d.pos;
    }
    if (p !== end) throw IRREGULAR;
    if (ids !== 0x1a) d.note('unusable_id');
    this.links.close(d);
  }
}
