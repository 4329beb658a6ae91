import type { Column, ColumnBatch, Dictionary, MapColumn } from '#contracts/columns.ts';
import { PROFILE_SAMPLES, PROFILES, type TableSpec } from '#contracts/tables.ts';
import type { Origin } from './decode-origin.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { copyCell, writeOptionalId, writeStoredTime } from './item-fields.ts';
import { NumberList } from './list-columns.ts';
import { eachAny, ProfileTables, type TableAttribute } from './profile-tables.ts';
import { columnAt, type Room, TableColumns } from './table-columns.ts';
import { TIME_OK, TIME_REASONS } from './time-window.ts';
import { indexOf } from './value-text.ts';

/** A row's worth of cells, grown as needed: keys or values of a map. */
class Cells {
  words = new Uint32Array(256);
  /** Word of the next free cell. */
  next(count: number): number {
    if ((count + 1) * 4 > this.words.length) {
      const words = new Uint32Array(this.words.length * 2);
      words.set(this.words);
      this.words = words;
    }
    return count * 4;
  }
}
/** Attributes that were resolved from a table, as a map column; texts are written once a request. */
class AttributeColumns {
  private keys = new Cells();
  private values = new Cells();
  private offsets = new Uint32Array(64);
  private count = 0;
  private readonly written = new Map<string, Uint32Array>();

  add(d: Decoding, row: number, list: readonly TableAttribute[]): void {
    for (const { key, text } of list) {
      this.put(d, this.keys, key);
      this.put(d, this.values, text);
      this.count++;
    }
    if (row + 1 >= this.offsets.length) {
      const offsets = new Uint32Array(this.offsets.length * 2);
      offsets.set(this.offsets);
      this.offsets = offsets;
    }
    this.offsets[row + 1] = this.count;
  }
  private put(d: Decoding, cells: Cells, text: string): void {
    const at = cells.next(this.count);
    let cell = this.written.get(text);
    if (!cell) {
      cell = new Uint32Array(4);
      d.writeText(cell, 0, text);
      this.written.set(text, cell);
    }
    cells.words.set(cell, at);
  }
  column(): MapColumn {
    const strings = (cells: Cells) => ({ kind: 'string' as const, cells: cells.words });
    return { kind: 'map', offsets: this.offsets, keys: strings(this.keys), values: strings(this.values) };
  }
}
/** A table being written. */
class Rows {
  rows = 0;
  readonly columns: TableColumns;
  readonly attributes = new AttributeColumns();
  private readonly table: TableSpec;
  private readonly at = new Map<string, number>();

  constructor(table: TableSpec, room: Room) {
    this.table = table;
    this.columns = new TableColumns(table.columns);
    this.columns.start(16, room);
    table.columns.forEach(({ name }, i) => void this.at.set(name, i));
  }
  column(name: string): number {
    return this.at.get(name) as number;
  }
  words(name: string): Uint32Array {
    return this.columns.words[this.column(name)] as Uint32Array;
  }
  present(name: string): void {
    (this.columns.present[this.column(name)] as Uint8Array)[this.rows] = 1;
  }
  u32(name: string, value: number): void {
    this.words(name)[this.rows] = value;
  }
  u64(name: string, lo: number, hi: number): void {
    this.words(name)[this.rows * 2] = lo;
    this.words(name)[this.rows * 2 + 1] = hi;
  }
  text(d: Decoding, name: string, [start, end]: readonly [number, number]): void {
    d.writeCell(this.words(name), this.rows * 4, start, end - start);
  }
  /** Attributes with their letters and units. */
  attribute(d: Decoding, list: readonly TableAttribute[]): void {
    this.attributes.add(d, this.rows, list);
    d.writeText(this.words('attribute_types'), this.rows * 4, list.map(({ letter }) => letter).join(''));
    const units = list.filter(({ unit }) => unit !== '').map(({ key, unit }) => [key, unit]);
    if (units.length === 0) return;
    d.writeText(this.words('attribute_units'), this.rows * 4, JSON.stringify(Object.fromEntries(units)));
    this.present('attribute_units');
  }
  batch(others: readonly (readonly [string, Column])[], heap: Uint8Array): ColumnBatch[] {
    if (this.rows === 0) return [];
    const given = new Map(others.map(([name, column]) => [columnAt(this.table.columns, name), column] as const));
    given.set(this.column('attributes'), this.attributes.column());
    return [{ table: this.table.name, rows: this.rows, columns: this.columns.finish(this.rows, given), heap }];
  }
}
/** A ValueType: places of type and unit. */
interface Kind {
  type: readonly [number, number];
  unit: readonly [number, number];
}
const NOWHERE = [0, 0] as const;
interface ProfileHead {
  timeLo: number;
  timeHi: number;
  /** [start, end), -1: none. */
  id: readonly [number, number] | null;
  kind: Kind;
}

/**
 * Profiles of one request as columns: a row a profile, a row a sample, stacks by their id. Tables are resolved here, so that what is
 * stored stands by itself. Spec: opentelemetry-proto profiles/v1development.
 */
export class ProfileRows {
  private readonly d: Decoding;
  private readonly tables: ProfileTables;
  private readonly profiles: Rows;
  private readonly samples: Rows;
  private readonly values = new NumberList('i64');
  private readonly timestamps = new NumberList('i64');

  /** @param range of the dictionary message */
  constructor(d: Decoding, dictionary: Dictionary, range: readonly [start: number, end: number] | null) {
    this.d = d;
    this.tables = new ProfileTables(d, dictionary, range);
    // Not lent: profiles are few, and each request has memory of its own.
    const room = { bodyLength: d.bodyLength, isLent: false };
    this.profiles = new Rows(PROFILES, room);
    this.samples = new Rows(PROFILE_SAMPLES, room);
    this.values.start(16, room);
    this.timestamps.start(16, room);
  }
  batches(): ColumnBatch[] {
    const heap = this.d.heap();
    const { rows } = this.samples;
    const lists = [
      ['values', this.values.column(rows)],
      ['timestamps', this.timestamps.column(rows)],
    ] as const;
    return [...this.profiles.batch([], heap), ...this.samples.batch(lists, heap)];
  }

  /** The Profile in [start, end): one row and its samples, or one counted drop. */
  decode(start: number, end: number, origin: Origin): void {
    const { d, profiles, tables } = this;
    profiles.columns.reserve(profiles.rows);
    const samples: (readonly [number, number])[] = [];
    const head: ProfileHead = { timeLo: 0, timeHi: 0, id: null, kind: { type: NOWHERE, unit: NOWHERE } };
    const indices: number[] = [];
    let [kindSeen, periodSeen] = [false, false];
    eachAny(d, start, end, (tag, from, to) => {
      switch (tag) {
        case 0x0a:
          if (kindSeen) throw IRREGULAR;
          kindSeen = true;
          head.kind = this.kindOf(from, to);
          return;
        case 0x12:
          samples.push([from, to]);
          return;
        case 0x19:
          head.timeLo = d.view.getUint32(from, true);
          head.timeHi = d.view.getUint32(from + 4, true);
          return;
        case 0x20:
          return profiles.u64('duration_ns', d.lo, d.hi);
        case 0x2a: {
          if (periodSeen) throw IRREGULAR;
          periodSeen = true;
          const { type, unit } = this.kindOf(from, to);
          profiles.text(d, 'period_type', type);
          profiles.text(d, 'period_unit', unit);
          return;
        }
        case 0x30:
          return profiles.u64('period', d.lo, d.hi);
        case 0x3a:
          head.id = [from, to];
          return;
        case 0x40:
          return profiles.u32('dropped_attributes_count', d.lo);
        case 0x4a:
          profiles.text(d, 'original_payload_format', [from, to]);
          if (to > from) profiles.present('original_payload_format');
          return;
        case 0x52:
          d.writeBytesCell(profiles.words('original_payload'), profiles.rows * 4, from, to - from);
          if (to > from) profiles.present('original_payload');
          return;
        case 0x5a:
        case 0x58:
          tables.eachNumber(tag, from, to, () => void indices.push(indexOf(d)));
      }
    });
    if (!this.isInTime(head)) {
      profiles.columns.clearRow(profiles.rows);
      return;
    }
    this.shared(profiles, head, origin);
    profiles.attribute(d, tables.attributesOf(indices));
    profiles.u32('samples', samples.length);
    profiles.rows++;
    for (const [from, to] of samples) this.sample(from, to, head, origin);
  }
  /** Sets the time of one that has none. @returns false for one that is dropped, and counted */
  private isInTime(head: ProfileHead): boolean {
    const { d } = this;
    if ((head.timeLo | head.timeHi) === 0) {
      d.note('time_missing');
      head.timeLo = d.window.receivedLo;
      head.timeHi = d.window.receivedHi;
    }
    const verdict = d.window.verdict(head.timeHi, head.timeLo);
    if (verdict === TIME_OK) return true;
    d.drop(TIME_REASONS[verdict] as 'time_too_old');
    return false;
  }
  private kindOf(start: number, end: number): Kind {
    const { d } = this;
    const kind: Kind = { type: NOWHERE, unit: NOWHERE };
    eachAny(d, start, end, (tag) => {
      if (tag === 0x08) kind.type = d.stringRange(indexOf(d));
      else if (tag === 0x10) kind.unit = d.stringRange(indexOf(d));
    });
    return kind;
  }
  /** What a profile and its samples have in common. */
  private shared(rows: Rows, head: ProfileHead, origin: Origin): void {
    const { d } = this;
    rows.u64('time', head.timeLo, head.timeHi);
    if (head.id) writeOptionalId(d, rows.columns, rows.column('profile_id'), rows.rows, head.id[0], head.id[1] - head.id[0], 16);
    copyCell(rows.words('service'), rows.rows, origin.serviceCell);
    rows.text(d, 'sample_type', head.kind.type);
    rows.text(d, 'sample_unit', head.kind.unit);
    rows.u32('resource_id', origin.resourceId);
    rows.u32('scope_id', origin.scopeId);
  }

  private sample(start: number, end: number, head: ProfileHead, origin: Origin): void {
    const { d, samples, tables, values, timestamps } = this;
    const row = samples.rows;
    samples.columns.reserve(row);
    values.begin();
    timestamps.begin();
    let [stack, link, count, times] = [0, 0, 0, 0];
    let sum = 0;
    let exact: bigint | null = null;
    const indices: number[] = [];
    const value = (): void => {
      const each = (d.hi | 0) * 2 ** 32 + d.lo;
      if (exact !== null || !Number.isSafeInteger(each) || !Number.isSafeInteger(sum + each))
        exact = (exact ?? BigInt(sum)) + ((BigInt(d.hi | 0) << 32n) | BigInt(d.lo));
      else sum += each;
      values.push(d.lo, d.hi);
      count++;
    };
    eachAny(d, start, end, (tag, from, to) => {
      if (tag === 0x08) stack = indexOf(d);
      else if (tag === 0x12 || tag === 0x10) tables.eachNumber(tag, from, to, () => void indices.push(indexOf(d)));
      else if (tag === 0x18) link = indexOf(d);
      else if (tag === 0x22 || tag === 0x20) tables.eachNumber(tag, from, to, value);
      else if (tag === 0x2a || tag === 0x29)
        for (let p = from; p + 8 <= to; p += 8) {
          const at = p;
          tables.take(() => {
            times++;
            this.timestamp(at);
          });
        }
    });
    this.shared(samples, head, origin);
    samples.u32('stack_id', tables.stackId(stack));
    const total = exact === null ? BigInt(count > 0 ? sum : times) : BigInt.asIntN(64, exact);
    samples.u64('value', Number(total & 0xffff_ffffn), Number((total >> 32n) & 0xffff_ffffn));
    this.link(link);
    samples.attribute(d, tables.attributesOf(indices));
    values.finish(row);
    timestamps.finish(row);
    samples.rows++;
  }
  private readonly time = new Uint32Array(2);
  private timestamp(at: number): void {
    const { d, time } = this;
    writeStoredTime(d, time, 0, d.view.getUint32(at, true), d.view.getUint32(at + 4, true));
    this.timestamps.push(time[0] as number, time[1] as number);
  }
  private link(index: number): void {
    const { d, samples, tables } = this;
    const place = tables.link(index);
    if (!place) return;
    eachAny(d, place[0], place[1], (tag, from, to) => {
      const [name, wanted] = tag === 0x0a ? (['trace_id', 16] as const) : (['span_id', 8] as const);
      if (tag === 0x0a || tag === 0x12) writeOptionalId(d, samples.columns, samples.column(name), samples.rows, from, to - from, wanted);
    });
  }
}
