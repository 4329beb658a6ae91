import type { ColumnBatch } from '#contracts/columns.ts';
import { SAMPLES } from '#contracts/tables.ts';
import type { ExemplarRows } from './decode-exemplars.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { skipUnknown, writeStoredTime } from './item-fields.ts';
import { NumberValue } from './number-value.ts';
import type { PointContext } from './point-context.ts';
import { columnAt, type Room, TableColumns } from './table-columns.ts';
import { TIME_OK } from './time-window.ts';
import { readVarint } from './wire.ts';

const at = (name: string): number => columnAt(SAMPLES.columns, name);
const SERIES_ID = at('series_id');
const TIME = at('time');
const VALUE = at('value');
const VALUE_INT = at('value_int');
const START = at('start_time');
const FLAGS = at('flags');
const ATTRIBUTES_TAG = 0x3a;
const EXEMPLARS_TAG = 0x2a;
const NO_RECORDED_VALUE = 1;

/** Number data points (gauges and sums) of one request as columns. */
export class SampleRows {
  rows = 0;
  private readonly columns = new TableColumns(SAMPLES.columns);
  private readonly value = new NumberValue();
  private readonly exemplars: ExemplarRows;

  constructor(exemplars: ExemplarRows) {
    this.exemplars = exemplars;
  }
  start(items: number, room: Room): void {
    this.rows = 0;
    this.columns.start(items + 1, room);
  }
  batches(): ColumnBatch[] {
    const { rows } = this;
    if (rows === 0) return [];
    return [{ table: 'samples', rows, columns: this.columns.finish(rows, new Map()), heap: new Uint8Array(0) }];
  }

  /** The NumberDataPoint in [start, end): one row, or one counted drop. */
  decode(d: Decoding, start: number, end: number, point: PointContext): void {
    if (this.decodePlain(d, start, end, point)) return;
    const { bytes, view } = d;
    const { value } = this;
    point.begin();
    value.clear();
    let p = start;
    while (p < end) {
      const tag = bytes[p++] as number;
      switch (tag) {
        case ATTRIBUTES_TAG:
        case EXEMPLARS_TAG: {
          const from = p - 1;
          let length = bytes[p++] as number;
          if (length > 0x7f) {
            d.pos = p - 1;
            length = readVarint(d, end);
            p = d.pos;
          }
          p += length;
          if (p > end) throw IRREGULAR;
          if (tag === ATTRIBUTES_TAG) point.addAttribute(from, p);
          else point.hasExemplars = true;
          break;
        }
        case 0x19:
          point.timeLo = view.getUint32(p, true);
          point.timeHi = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x11:
          point.startLo = view.getUint32(p, true);
          point.startHi = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x21:
          value.setDouble(view.getUint32(p, true), view.getUint32(p + 4, true));
          p += 8;
          break;
        case 0x31:
          value.setInteger(view.getUint32(p, true), view.getUint32(p + 4, true));
          p += 8;
          break;
        case 0x40:
          d.pos = p;
          point.flags = readVarint(d, end);
          p = d.pos;
          break;
        default:
          p = skipUnknown(d, p - 1, end);
      }
    }
    if (p !== end) throw IRREGULAR;
    const id = point.resolve(d, value.type);
    if (id === 0) return;
    this.writeRow(d, id, point);
    if (point.hasExemplars) this.exemplars.decodeAll(d, start, end, EXEMPLARS_TAG, id, point.timeLo, point.timeHi);
  }

  /**
   * The form nearly all points have: fields in the order of their numbers, a double, nothing behind the attributes, and those of the
   * series that is due. @returns false, with nothing written or counted: it has another one
   */
  private decodePlain(d: Decoding, start: number, end: number, point: PointContext): boolean {
    const { bytes, view } = d;
    const hasStart = bytes[start] === 0x11;
    const at = hasStart ? start + 9 : start;
    if (at + 18 > end || bytes[at] !== 0x19 || bytes[at + 9] !== 0x21) return false;
    const timeLo = view.getUint32(at + 1, true);
    const timeHi = view.getUint32(at + 5, true);
    if ((timeLo | timeHi) === 0 || d.window.verdict(timeHi, timeLo) !== TIME_OK) return false;
    const id = point.expected(d, at + 18, end);
    if (id === 0) return false;
    const row = this.rows++;
    const { words, present } = this.columns;
    (words[SERIES_ID] as Uint32Array)[row] = id;
    const times = words[TIME] as Uint32Array;
    times[row * 2] = timeLo;
    times[row * 2 + 1] = timeHi;
    const values = words[VALUE] as Uint32Array;
    values[row * 2] = view.getInt32(at + 10, true);
    values[row * 2 + 1] = view.getInt32(at + 14, true);
    if (!hasStart) return true;
    const startLo = view.getUint32(start + 1, true);
    const startHi = view.getUint32(start + 5, true);
    if ((startLo | startHi) === 0) return true;
    writeStoredTime(d, words[START] as Uint32Array, row, startLo, startHi);
    (present[START] as Uint8Array)[row] = 1;
    return true;
  }

  private writeRow(d: Decoding, id: number, point: PointContext): void {
    const row = this.rows++;
    const { words, present } = this.columns;
    (words[SERIES_ID] as Uint32Array)[row] = id;
    const times = words[TIME] as Uint32Array;
    times[row * 2] = point.timeLo;
    times[row * 2 + 1] = point.timeHi;
    if ((point.flags & NO_RECORDED_VALUE) !== 0) this.value.setStale();
    this.value.write(d, this.columns, VALUE, VALUE_INT, row);
    if ((point.startLo | point.startHi) !== 0) {
      writeStoredTime(d, words[START] as Uint32Array, row, point.startLo, point.startHi);
      (present[START] as Uint8Array)[row] = 1;
    }
    (words[FLAGS] as Uint32Array)[row] = point.flags;
  }
}
