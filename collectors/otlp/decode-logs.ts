import type { Column, ColumnBatch } from '#contracts/columns.ts';
import { LOGS } from '#contracts/tables.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import { AttributeSink } from './attribute-sink.ts';
import type { Origin } from './decode-origin.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { copyCell, skipUnknown, writeEnum, writeOptionalId, writeOptionalText, writeStoredTime } from './item-fields.ts';
import { promotionOf } from './promoted-keys.ts';
import { columnAt, type Room, TableColumns } from './table-columns.ts';
import { TIME_OK, TIME_REASONS } from './time-window.ts';
import { LETTER_EMPTY, writeValue } from './value-text.ts';
import { readVarint } from './wire.ts';

const at = (name: string): number => columnAt(LOGS.columns, name);
const TIME = at('time');
const OBSERVED = at('observed_time');
const TRACE_ID = at('trace_id');
const SPAN_ID = at('span_id');
const SEVERITY = at('severity_number');
const SEVERITY_TEXT = at('severity_text');
const SERVICE = at('service');
const BODY = at('body');
const BODY_TYPE = at('body_type');
const EVENT_NAME = at('event_name');
const ATTRIBUTES = at('attributes');
const DROPPED_ATTRIBUTES = at('dropped_attributes_count');
const FLAGS = at('flags');
const RESOURCE_ID = at('resource_id');
const SCOPE_ID = at('scope_id');

/** Log records of one request as columns. */
export class LogRows {
  rows = 0;
  private readonly columns = new TableColumns(LOGS.columns);
  private readonly attributes: AttributeSink;

  constructor(keys: AttributeKeys) {
    this.attributes = new AttributeSink(keys, at('attribute_types'), promotionOf(LOGS));
  }
  start(items: number, room: Room): void {
    this.rows = 0;
    // One more: the row of a record that turns out to be dropped.
    this.columns.start(items + 1, room);
    this.attributes.start(items + 1, room);
  }
  forgetKeys(): void {
    this.attributes.forgetKeys();
  }
  batches(heap: Uint8Array): ColumnBatch[] {
    const { rows } = this;
    if (rows === 0) return [];
    const others = new Map<number, Column>([[ATTRIBUTES, this.attributes.column(rows)]]);
    return [{ table: 'logs', rows, columns: this.columns.finish(rows, others), heap }];
  }

  /** The LogRecord in [start, end): one row, or one counted drop. */
  decode(d: Decoding, start: number, end: number, origin: Origin): void {
    const { bytes, view } = d;
    const { rows: row, columns } = this;
    const { words } = columns;
    this.attributes.begin();
    let timeLo = 0;
    let timeHi = 0;
    let observedLo = 0;
    let observedHi = 0;
    let hasBody = false;
    let p = start;
    while (p < end) {
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
          case 0x32:
            this.attributes.add(d, p, next, columns, row);
            break;
          case 0x2a:
            if (hasBody) throw IRREGULAR;
            hasBody = true;
            this.writeBody(d, row, p, next);
            break;
          case 0x1a:
            writeOptionalText(d, columns, SEVERITY_TEXT, row, p, length);
            break;
          case 0x4a:
            writeOptionalId(d, columns, TRACE_ID, row, p, length, 16);
            break;
          case 0x52:
            writeOptionalId(d, columns, SPAN_ID, row, p, length, 8);
            break;
          case 0x62:
            writeOptionalText(d, columns, EVENT_NAME, row, p, length);
            break;
        }
        p = next;
        continue;
      }
      switch (tag) {
        case 0x09:
          timeLo = view.getUint32(p, true);
          timeHi = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x59:
          observedLo = view.getUint32(p, true);
          observedHi = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x10:
          p = writeEnum(d, columns, SEVERITY, row, p, end, 24);
          break;
        case 0x38:
          d.pos = p;
          (words[DROPPED_ATTRIBUTES] as Uint32Array)[row] = readVarint(d, end);
          p = d.pos;
          break;
        case 0x45:
          (words[FLAGS] as Uint32Array)[row] = view.getUint32(p, true);
          p += 4;
          break;
        default:
          p = skipUnknown(d, p - 1, end);
      }
    }
    if (p !== end) throw IRREGULAR;
    if (!hasBody) (columns.bytes[BODY_TYPE] as Uint8Array)[row] = LETTER_EMPTY;
    this.finishRow(d, origin, timeLo, timeHi, observedLo, observedHi);
  }

  private writeBody(d: Decoding, row: number, start: number, end: number): void {
    const { columns } = this;
    const letter = start === end ? LETTER_EMPTY : writeValue(d, columns.words[BODY] as Uint32Array, row * 4, start, end);
    (columns.bytes[BODY_TYPE] as Uint8Array)[row] = letter;
    (columns.present[BODY] as Uint8Array)[row] = letter === LETTER_EMPTY ? 0 : 1;
  }

  private finishRow(d: Decoding, origin: Origin, givenLo: number, givenHi: number, observedLo: number, observedHi: number): void {
    const { rows: row, columns } = this;
    const { words } = columns;
    const hasObserved = (observedLo | observedHi) !== 0;
    let lo = givenLo;
    let hi = givenHi;
    if ((lo | hi) === 0) {
      d.note('time_missing');
      lo = hasObserved ? observedLo : d.window.receivedLo;
      hi = hasObserved ? observedHi : d.window.receivedHi;
    }
    const verdict = d.window.verdict(hi, lo);
    if (verdict !== TIME_OK) {
      d.drop(TIME_REASONS[verdict] as 'time_too_old');
      this.attributes.rollback();
      columns.clearRow(row);
      return;
    }
    const times = words[TIME] as Uint32Array;
    times[row * 2] = lo;
    times[row * 2 + 1] = hi;
    if (hasObserved) {
      writeStoredTime(d, words[OBSERVED] as Uint32Array, row, observedLo, observedHi);
      (columns.present[OBSERVED] as Uint8Array)[row] = 1;
    }
    copyCell(words[SERVICE] as Uint32Array, row, origin.serviceCell);
    (words[RESOURCE_ID] as Uint32Array)[row] = origin.resourceId;
    (words[SCOPE_ID] as Uint32Array)[row] = origin.scopeId;
    this.attributes.finish(d, columns, row);
    this.rows = row + 1;
  }
}
