import type { MapColumn } from '#contracts/columns.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { isWorthKeeping, type Room, type TableColumns } from './table-columns.ts';
import { utf8CutLength } from './utf8.ts';
import { keyValue, LETTER_EMPTY, writeValue } from './value-text.ts';
import { readVarint } from './wire.ts';

/** Attributes with a column of their own: number of the key = place in these lists; column -1: none in this table. */
export interface Promotion {
  readonly columns: readonly number[];
  readonly isInteger: readonly boolean[];
}
const PREDICTED_SLOTS = 512;
const IN_COLUMN = -1;

/** Not zeroed: every cell that counts is written whole. */
const cellArray = (cells: number) => new Uint32Array(Buffer.allocUnsafeSlow(cells * 16).buffer);

/**
 * Attributes of one kind of item (span, event, log record ...) as a MAP column plus the column of type letters.
 * `begin`, any number of `add`, then `finish` (kept) or `rollback` (dropped), row after row.
 *
 * Senders repeat themselves: the key at position n is compared with the key the item before had there, which is a
 * handful of word compares; only a surprise costs a hash.
 */
export class AttributeSink {
  private keyCells = new Uint32Array(0);
  private valueCells = new Uint32Array(0);
  private offsets = new Uint32Array(1);
  private entries = 0;
  private first = 0;
  private slot = 0;
  private total = 0;
  private cut = false;
  private serial = 0;
  private ratio = 8;
  private isLent = false;
  private readonly predicted = new Int32Array(PREDICTED_SLOTS).fill(-1);
  /** By key number: the item that had it last, and where it went: entry, or IN_COLUMN. */
  private seen = new Uint32Array(256);
  private place = new Int32Array(256);
  /** Of the item at hand, by entry. */
  private letters = new Uint8Array(64);
  private letterWords = new Uint32Array(this.letters.buffer);
  private entryKeys = new Int32Array(64);
  private readonly keys: AttributeKeys;
  private readonly promotion: Promotion | null;
  private readonly lettersColumn: number;

  constructor(keys: AttributeKeys, lettersColumn: number, promotion: Promotion | null) {
    this.keys = keys;
    this.lettersColumn = lettersColumn;
    this.promotion = promotion;
  }

  /** @param rows expected */
  start(rows: number, { bodyLength, isLent }: Room): void {
    const capacity = Math.ceil(Math.min(rows * this.ratio * 1.05, bodyLength / 16)) + 4;
    if (!isLent || !this.isLent || !isWorthKeeping(this.keyCells.length / 4, capacity)) {
      this.keyCells = cellArray(capacity);
      this.valueCells = cellArray(capacity);
    }
    if (!isLent || !this.isLent || !isWorthKeeping(this.offsets.length, rows + 1)) this.offsets = new Uint32Array(rows + 1);
    this.isLent = isLent;
    this.entries = 0;
  }
  column(rows: number): MapColumn {
    if (rows > 0) this.ratio = this.entries / rows;
    return {
      kind: 'map',
      offsets: this.offsets,
      keys: { kind: 'string', cells: this.keyCells },
      values: { kind: 'string', cells: this.valueCells },
    };
  }
  /** Key numbers mean something else from now on. */
  forgetKeys(): void {
    this.predicted.fill(-1);
    this.seen.fill(0);
    this.serial = 0;
  }

  begin(): void {
    this.first = this.entries;
    this.slot = 0;
    this.total = 0;
    this.cut = false;
    if (++this.serial > 0xfffffff0) this.forgetKeys();
  }
  rollback(): void {
    this.entries = this.first;
  }
  /** Forgets every row from `row` on. */
  rewind(row: number): void {
    this.entries = this.offsets[row] as number;
  }
  finish(d: Decoding, columns: TableColumns, row: number): void {
    if (row + 1 >= this.offsets.length) {
      const offsets = new Uint32Array(Math.max(16, (row + 2) * 2));
      offsets.set(this.offsets);
      this.offsets = offsets;
    }
    this.offsets[row + 1] = this.entries;
    d.writeAscii(columns.words[this.lettersColumn] as Uint32Array, row * 4, this.letters, this.letterWords, this.entries - this.first);
    if (this.cut) d.note('too_many_attributes');
  }

  /** The KeyValue in [start, end). @param columns, row where promoted values go */
  add(d: Decoding, start: number, end: number, columns: TableColumns, row: number): void {
    const { bytes } = d;
    let keyStart = start;
    let keyLength = 0;
    if (bytes[start] === 0x0a && start < end) {
      keyLength = bytes[start + 1] as number;
      keyStart = start + 2;
      if (keyLength > 0x7f) {
        d.pos = start + 1;
        keyLength = readVarint(d, end);
        keyStart = d.pos;
      }
    }
    const p = keyStart + keyLength;
    if (p > end) throw IRREGULAR;
    let valueStart = p + 2;
    let valueLength = bytes[p + 1] as number;
    if (p < end && valueLength > 0x7f) {
      d.pos = p + 1;
      valueLength = readVarint(d, end);
      valueStart = d.pos;
    }
    if (p < end && bytes[p] === 0x12 && valueStart + valueLength === end) this.put(d, keyStart, keyLength, valueStart, end, columns, row);
    else this.addUnusual(d, start, end, columns, row);
  }

  private addUnusual(d: Decoding, start: number, end: number, columns: TableColumns, row: number): void {
    const { keyStart, keyEnd, valueStart, valueEnd } = keyValue(d, start, end);
    if (valueStart < 0) this.put(d, keyStart, keyEnd - keyStart, end, end, columns, row);
    else this.put(d, keyStart, keyEnd - keyStart, valueStart, valueEnd, columns, row);
  }

  private put(d: Decoding, keyStart: number, length: number, valueStart: number, end: number, columns: TableColumns, row: number): void {
    const keyLength = length <= d.maxAttributeBytes ? length : this.cutKey(d, keyStart);
    const slot = this.slot++;
    let key = slot < PREDICTED_SLOTS ? (this.predicted[slot] as number) : -1;
    if (!this.keys.is(key, d, keyStart, keyLength)) {
      key = this.keys.numberOf(d, keyStart, keyLength);
      if (slot < PREDICTED_SLOTS) this.predicted[slot] = key;
      if (key >= this.seen.length) this.growKeys(key);
    }
    if (key < 0 ? this.removeUnnumbered(d, keyStart, keyLength) : this.seen[key] === this.serial) {
      d.note('duplicate_attribute');
      if (key >= 0) this.remove(key, columns, row);
    } else if (this.total >= d.maxAttributes) {
      this.cut = true;
      return;
    } else this.total++;
    if (key >= 0) this.seen[key] = this.serial;
    if (this.promotion !== null && key >= 0 && key < this.promotion.columns.length) {
      if (this.putInColumn(d, this.promotion, key, valueStart, end, columns, row)) return;
    }
    const entry = this.entries;
    if (entry * 4 >= this.keyCells.length) this.growEntries();
    const nth = entry - this.first;
    if (nth >= this.letters.length) this.growItem();
    if (key >= 0) this.writeKey(entry * 4, key, keyStart);
    else d.writeCell(this.keyCells, entry * 4, keyStart, keyLength);
    this.letters[nth] = valueStart === end ? LETTER_EMPTY : writeValue(d, this.valueCells, entry * 4, valueStart, end);
    if (valueStart === end) this.valueCells.fill(0, entry * 4, entry * 4 + 4);
    this.entryKeys[nth] = key;
    if (key >= 0) this.place[key] = entry;
    this.entries = entry + 1;
  }

  private writeKey(at: number, key: number, keyStart: number): void {
    const { keyCells } = this;
    const { cells } = this.keys;
    const length = cells[key * 4] as number;
    keyCells[at] = length;
    keyCells[at + 1] = cells[key * 4 + 1] as number;
    keyCells[at + 2] = length > 12 ? keyStart : (cells[key * 4 + 2] as number);
    keyCells[at + 3] = cells[key * 4 + 3] as number;
  }

  private putInColumn(d: Decoding, to: Promotion, key: number, start: number, end: number, columns: TableColumns, row: number): boolean {
    const column = to.columns[key] as number;
    const isInteger = to.isInteger[key] as boolean;
    if (column < 0 || start === end || d.bytes[start] !== (isInteger ? 0x18 : 0x0a)) return false;
    const words = columns.words[column] as Uint32Array;
    if (isInteger) {
      d.pos = start + 1;
      readVarint(d, end);
      if (d.pos !== end) throw IRREGULAR;
      words[row * 2] = d.lo;
      words[row * 2 + 1] = d.hi;
    } else writeValue(d, words, row * 4, start, end);
    (columns.present[column] as Uint8Array)[row] = 1;
    this.place[key] = IN_COLUMN;
    return true;
  }

  /** The earlier value of a key that came again. */
  private remove(key: number, columns: TableColumns, row: number): void {
    const entry = this.place[key] as number;
    if (entry !== IN_COLUMN) {
      this.removeEntry(entry);
      return;
    }
    const column = this.promotion?.columns[key] as number;
    const wordsPerRow = this.promotion?.isInteger[key] ? 2 : 4;
    (columns.words[column] as Uint32Array).fill(0, row * wordsPerRow, (row + 1) * wordsPerRow);
    (columns.present[column] as Uint8Array)[row] = 0;
  }
  private removeEntry(entry: number): void {
    const last = this.entries--;
    this.keyCells.copyWithin(entry * 4, entry * 4 + 4, last * 4);
    this.valueCells.copyWithin(entry * 4, entry * 4 + 4, last * 4);
    const nth = entry - this.first;
    this.letters.copyWithin(nth, nth + 1, last - this.first);
    this.entryKeys.copyWithin(nth, nth + 1, last - this.first);
    for (let i = entry; i < this.entries; i++) {
      const key = this.entryKeys[i - this.first] as number;
      if (key >= 0) this.place[key] = i;
    }
  }
  private removeUnnumbered(d: Decoding, keyStart: number, keyLength: number): boolean {
    for (let entry = this.first; entry < this.entries; entry++) {
      if (this.entryKeys[entry - this.first] !== -1 || this.keyCells[entry * 4] !== keyLength) continue;
      const at = keyLength > 12 ? (this.keyCells[entry * 4 + 2] as number) : -1;
      const there = at < 0 ? Buffer.from(this.keyCells.buffer, entry * 16 + 4, keyLength) : d.bytes.subarray(at, at + keyLength);
      if (Buffer.compare(there, d.bytes.subarray(keyStart, keyStart + keyLength)) !== 0) continue;
      this.removeEntry(entry);
      return true;
    }
    return false;
  }

  private cutKey(d: Decoding, keyStart: number): number {
    d.note('attribute_too_long');
    return utf8CutLength(d.bytes, keyStart, d.maxAttributeBytes);
  }
  private growEntries(): void {
    const size = Math.max(64, this.keyCells.length * 2);
    const [keys, values] = [cellArray(size / 4), cellArray(size / 4)];
    keys.set(this.keyCells);
    values.set(this.valueCells);
    this.keyCells = keys;
    this.valueCells = values;
  }
  private growItem(): void {
    const [letters, entryKeys] = [new Uint8Array(this.letters.length * 2), new Int32Array(this.letters.length * 2)];
    letters.set(this.letters);
    entryKeys.set(this.entryKeys);
    this.letters = letters;
    this.letterWords = new Uint32Array(letters.buffer);
    this.entryKeys = entryKeys;
  }
  private growKeys(key: number): void {
    const size = Math.max(key + 1, this.seen.length * 2);
    const [seen, place] = [new Uint32Array(size), new Int32Array(size)];
    seen.set(this.seen);
    place.set(this.place);
    this.seen = seen;
    this.place = place;
  }
}
