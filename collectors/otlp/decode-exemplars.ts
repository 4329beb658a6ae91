import type { Column, ColumnBatch } from '#contracts/columns.ts';
import { EXEMPLARS } from '#contracts/tables.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import { AttributeSink } from './attribute-sink.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { readByteTag, skipUnknown, writeOptionalId } from './item-fields.ts';
import { NumberValue } from './number-value.ts';
import { columnAt, type Room, TableColumns } from './table-columns.ts';
import { TIME_OK } from './time-window.ts';
import { readVarint, skipField } from './wire.ts';

const at = (name: string): number => columnAt(EXEMPLARS.columns, name);
const SERIES_ID = at('series_id');
const TIME = at('time');
const VALUE = at('value');
const VALUE_INT = at('value_int');
const TRACE_ID = at('trace_id');
const SPAN_ID = at('span_id');
const ATTRIBUTES = at('attributes');

/** Exemplars of one request as columns. They are not items of their own: what cannot be kept is noted, not dropped. */
export class ExemplarRows {
  rows = 0;
  private readonly columns = new TableColumns(EXEMPLARS.columns);
  private readonly attributes: AttributeSink;
  private readonly value = new NumberValue();

  constructor(keys: AttributeKeys) {
    this.attributes = new AttributeSink(keys, at('attribute_types'), null);
  }
  start(room: Room): void {
    this.rows = 0;
    this.columns.start(1, room);
    this.attributes.start(1, room);
  }
  forgetKeys(): void {
    this.attributes.forgetKeys();
  }
  batches(heap: Uint8Array): ColumnBatch[] {
    const { rows } = this;
    if (rows === 0) return [];
    const others = new Map<number, Column>([[ATTRIBUTES, this.attributes.column(rows)]]);
    return [{ table: 'exemplars', rows, columns: this.columns.finish(rows, others), heap }];
  }

  /** All exemplars of the data point in [start, end), which is known to be in plain form. @param tag of the field */
  decodeAll(d: Decoding, start: number, end: number, tag: number, seriesId: number, timeLo: number, timeHi: number): void {
    let p = start;
    while (p < end) {
      const found = readByteTag(d, p, end);
      if (found !== tag) {
        skipField(d, found, end);
        p = d.pos;
        continue;
      }
      const length = readVarint(d, end);
      p = d.pos + length;
      this.decode(d, p - length, p, seriesId, timeLo, timeHi);
    }
  }

  private decode(d: Decoding, start: number, end: number, seriesId: number, pointLo: number, pointHi: number): void {
    const { view } = d;
    const row = this.rows;
    this.columns.reserve(row);
    const { columns, attributes, value } = this;
    attributes.begin();
    value.clear();
    let lo = 0;
    let hi = 0;
    let p = start;
    while (p < end) {
      const tag = d.bytes[p++] as number;
      if (tag === 0x11 || tag === 0x19 || tag === 0x31) {
        const [low, high] = [view.getUint32(p, true), view.getUint32(p + 4, true)];
        p += 8;
        if (tag === 0x11) {
          lo = low;
          hi = high;
        } else if (tag === 0x19) value.setDouble(low, high);
        else value.setInteger(low, high);
      } else if (tag === 0x3a || tag === 0x22 || tag === 0x2a) {
        d.pos = p;
        const length = readVarint(d, end);
        p = d.pos + length;
        if (p > end) throw IRREGULAR;
        if (tag === 0x3a) attributes.add(d, p - length, p, columns, row);
        else writeOptionalId(d, columns, tag === 0x22 ? SPAN_ID : TRACE_ID, row, p - length, length, tag === 0x22 ? 8 : 16);
      } else p = skipUnknown(d, p - 1, end);
    }
    if (p !== end) throw IRREGULAR;
    if ((lo | hi) === 0) {
      d.note('time_missing');
      lo = pointLo;
      hi = pointHi;
    }
    if (d.window.verdict(hi, lo) !== TIME_OK) {
      d.note('exemplar_time');
      attributes.rollback();
      columns.clearRow(row);
      return;
    }
    (columns.words[SERIES_ID] as Uint32Array)[row] = seriesId;
    const times = columns.words[TIME] as Uint32Array;
    times[row * 2] = lo;
    times[row * 2 + 1] = hi;
    value.write(d, columns, VALUE, VALUE_INT, row);
    attributes.finish(d, columns, row);
    this.rows = row + 1;
  }
}
