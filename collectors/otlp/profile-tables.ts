import { hash } from 'node:crypto';
import type { Dictionary, StackFrame } from '#contracts/columns.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { readByteTag } from './item-fields.ts';
import { indexOf, valueText } from './value-text.ts';
import { readVarint, skipField } from './wire.ts';

/** Entries of a table; more could only stand in a body that the check refuses, but for strings. */
const MAX_STRINGS = 1_048_576;
/** Indices, values and times of one request: a byte each on the wire, and up to 32 in columns. */
const MAX_NUMBERS = 4_194_304;
/** Frames of one stack, and of all stacks of a request that are new here. */
const MAX_FRAMES = 1_024;
const MAX_NEW_FRAMES = 1_048_576;
const NO_STRINGS = new Uint32Array(2);

type Visit = (tag: number, from: number, to: number) => void;
/** Every field of [start, end); a varint is in d.lo and d.hi, with an empty range. */
export function eachAny(d: Decoding, start: number, end: number, visit: Visit): void {
  let p = start;
  while (p < end) {
    const tag = readByteTag(d, p, end);
    p = d.pos;
    const wire = tag & 7;
    if (wire === 2) {
      const length = readVarint(d, end);
      const from = d.pos;
      p = from + length;
      if (d.hi !== 0 || p > end) throw IRREGULAR;
      visit(tag, from, p);
    } else if (wire === 0) {
      readVarint(d, end);
      p = d.pos;
      visit(tag, p, p);
    } else {
      skipField(d, tag, end);
      const from = p;
      p = d.pos;
      visit(tag, from, p);
    }
  }
}
/** Places of the entries of one table: pairs of start and end. */
class Places {
  private pairs = new Uint32Array(64);
  count = 0;
  push(start: number, end: number): void {
    if (this.count * 2 >= this.pairs.length) {
      const pairs = new Uint32Array(this.pairs.length * 2);
      pairs.set(this.pairs);
      this.pairs = pairs;
    }
    this.pairs[this.count * 2] = start;
    this.pairs[this.count++ * 2 + 1] = end;
  }
  start(index: number): number {
    return this.pairs[index * 2] as number;
  }
  end(index: number): number {
    return this.pairs[index * 2 + 1] as number;
  }
  all(): Uint32Array {
    return this.count === 0 ? NO_STRINGS : this.pairs.subarray(0, this.count * 2);
  }
}
/** An entry of the attribute table, read once. */
export interface TableAttribute {
  readonly key: string;
  readonly text: string;
  readonly letter: string;
  readonly unit: string;
}
const signed = ({ lo, hi }: Decoding): bigint => BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo));
const unsigned = ({ lo, hi }: Decoding): bigint => (BigInt(hi) << 32n) | BigInt(lo);
const TABLES = [0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x32, 0x3a] as const;
const [MAPPINGS, LOCATIONS, FUNCTIONS, LINKS, STRINGS, ATTRIBUTES, STACKS] = TABLES;

/**
 * The dictionary of one profiles request: where its entries lie, and what was read of them. Everything is read when a sample asks for it,
 * once; indices that point nowhere are noted and count as not set.
 */
export class ProfileTables {
  private readonly d: Decoding;
  private readonly dictionary: Dictionary;
  private readonly places = new Map<number, Places>(TABLES.map((tag) => [tag, new Places()]));
  private readonly attributes = new Map<number, TableAttribute>();
  private readonly stackIds = new Map<number, number>();
  private readonly frames = new Map<number, readonly StackFrame[]>();
  private readonly digests = new Map<StackFrame, Buffer>();
  private readonly lists = new Map<string, readonly TableAttribute[]>();
  private readonly jsons = new Map<string, string>();
  private numbersLeft = MAX_NUMBERS;
  private framesLeft = MAX_NEW_FRAMES;

  /** @param ranges of the ProfilesDictionary message; none when the request has none */
  constructor(d: Decoding, dictionary: Dictionary, range: readonly [start: number, end: number] | null) {
    this.d = d;
    this.dictionary = dictionary;
    if (range)
      eachAny(d, range[0], range[1], (tag, from, to) => {
        const places = this.places.get(tag);
        if (places && (tag !== STRINGS || places.count < MAX_STRINGS)) places.push(from, to);
      });
    d.strings = (this.places.get(STRINGS) as Places).all();
  }
  /** @returns its place, or null: not set */
  private find(table: number, index: number): readonly [start: number, end: number] | null {
    const places = this.places.get(table) as Places;
    if (index < places.count) return [places.start(index), places.end(index)];
    // Entry 0 means "not set", whether it is there or not.
    if (index !== 0) this.d.note('profile_index');
    return null;
  }
  text(index: number): string {
    const [start, end] = this.d.stringRange(index);
    this.d.requireUtf8(start, end - start);
    return this.d.text(start, end);
  }
  link(index: number): readonly [start: number, end: number] | null {
    return index === 0 ? null : this.find(LINKS, index);
  }

  /** Numbers of a list, packed or one by one, until the request has had its share. */
  eachNumber(tag: number, from: number, to: number, each: () => void): void {
    const { d } = this;
    if ((tag & 7) === 0) {
      this.take(each);
      return;
    }
    for (d.pos = from; d.pos < to; ) {
      readVarint(d, to);
      const { pos } = d;
      this.take(each);
      d.pos = pos;
    }
  }
  take(each: () => void): void {
    if (this.numbersLeft-- > 0) each();
    else if (this.numbersLeft === -1) this.d.note('profile_too_large');
  }

  /** The attributes of some indices; the last of a key counts. */
  attributesOf(indices: readonly number[]): readonly TableAttribute[] {
    if (indices.length === 0) return [];
    const { d } = this;
    const key = indices.join(' ');
    const known = this.lists.get(key);
    if (known) return known;
    const found = new Map<string, TableAttribute>();
    for (const index of indices) {
      const attribute = this.attribute(index);
      if (!attribute) continue;
      if (found.has(attribute.key)) d.note('duplicate_attribute');
      else if (found.size >= d.maxAttributes) {
        d.note('too_many_attributes');
        break;
      }
      found.set(attribute.key, attribute);
    }
    const list = [...found.values()];
    this.lists.set(key, list);
    return list;
  }
  private attribute(index: number): TableAttribute | null {
    const known = this.attributes.get(index);
    if (known) return known;
    const place = index === 0 ? null : this.find(ATTRIBUTES, index);
    if (!place) return null;
    const { d } = this;
    let [key, unit] = [0, 0];
    const value: number[] = [];
    eachAny(d, place[0], place[1], (tag, from, to) => {
      if (tag === 0x08) key = indexOf(d);
      else if (tag === 0x18) unit = indexOf(d);
      else if (tag === 0x12) {
        if (value.length > 0) throw IRREGULAR;
        value.push(from, to);
      }
    });
    const [from = -1, to = -1] = value;
    const { text, letter } = valueText(d, from, to);
    const attribute = {
      key: this.limited(this.text(key)),
      text: this.limited(text),
      letter: String.fromCharCode(letter),
      unit: this.limited(this.text(unit)),
    };
    this.attributes.set(index, attribute);
    return attribute;
  }
  private limited(text: string): string {
    const { d } = this;
    if (text.length * 3 <= d.maxAttributeBytes) return text;
    const bytes = Buffer.from(text);
    if (bytes.length <= d.maxAttributeBytes) return text;
    d.note('attribute_too_long');
    return bytes.toString('utf8', 0, d.maxAttributeBytes).replace(/\uFFFD+$/u, '');
  }
  private json(indices: readonly number[]): string {
    if (indices.length === 0) return '';
    const key = indices.join(' ');
    const known = this.jsons.get(key);
    if (known !== undefined) return known;
    const entries = this.attributesOf(indices).map(({ key: name, text, unit }) => [name, unit === '' ? text : `${text} ${unit}`]);
    const json = entries.length === 0 ? '' : JSON.stringify(Object.fromEntries(entries));
    this.jsons.set(key, json);
    return json;
  }

  /** Id of a stack in the store; 0: none. */
  stackId(index: number): number {
    if (index === 0) return 0;
    const known = this.stackIds.get(index);
    if (known !== undefined) return known;
    const place = this.find(STACKS, index);
    const id = place ? this.newStack(place[0], place[1]) : 0;
    this.stackIds.set(index, id);
    return id;
  }
  private newStack(start: number, end: number): number {
    const { d } = this;
    const locations: number[] = [];
    eachAny(d, start, end, (tag, from, to) => {
      if (tag === 0x0a || tag === 0x08) this.eachNumber(tag, from, to, () => void locations.push(indexOf(d)));
    });
    const frames: StackFrame[] = [];
    const most = Math.min(MAX_FRAMES, this.framesLeft);
    for (const location of locations) {
      if (frames.length >= most) break;
      frames.push(...this.framesOf(location));
    }
    if (frames.length > most || (frames.length === most && locations.length > most)) d.note('profile_too_large');
    if (frames.length === 0) return 0;
    const kept = frames.slice(0, most);
    this.framesLeft -= kept.length;
    // Of digests, as a frame stands in many stacks: hashing each frame of each stack took two thirds of all decoding.
    const key = hash('sha256', Buffer.concat(kept.map((frame) => this.digestOf(frame))), 'buffer').subarray(0, 16);
    const id = this.dictionary.stack(key.toString('latin1'), () => ({ frames: kept }));
    if (id === 0) d.note('too_many_stacks');
    return id;
  }
  private digestOf(frame: StackFrame): Buffer {
    const known = this.digests.get(frame);
    if (known) return known;
    const text = Object.values(frame).map((part: string | number | bigint) => `${String(part).length}:${part}`);
    const digest = hash('sha256', text.join(''), 'buffer');
    this.digests.set(frame, digest);
    return digest;
  }
  /** A location is a frame for each of its lines: all but the last were inlined into the next. */
  private framesOf(index: number): readonly StackFrame[] {
    const known = this.frames.get(index);
    if (known) return known;
    const frames = this.readFrames(index);
    this.frames.set(index, frames);
    return frames;
  }
  private readFrames(index: number): readonly StackFrame[] {
    const { d } = this;
    const place = index === 0 ? null : this.find(LOCATIONS, index);
    if (!place) return [];
    let mapping = 0;
    let address = 0n;
    const lines: (readonly [number, number])[] = [];
    const attributes: number[] = [];
    eachAny(d, place[0], place[1], (tag, from, to) => {
      if (tag === 0x08) mapping = indexOf(d);
      else if (tag === 0x10) address = unsigned(d);
      else if (tag === 0x1a && lines.length <= MAX_FRAMES) lines.push([from, to]);
      else if (tag === 0x22 || tag === 0x20) this.eachNumber(tag, from, to, () => void attributes.push(indexOf(d)));
    });
    const shared = { address, attributes: this.json(attributes), ...this.mapping(mapping) };
    if (lines.length === 0) return [{ ...NO_LINE, inlined: 0, ...shared }];
    return lines.map(([from, to], i) => ({ ...this.line(from, to), inlined: i < lines.length - 1 ? 1 : 0, ...shared }));
  }
  private line(start: number, end: number): typeof NO_LINE {
    const { d } = this;
    let [index, line, column] = [0, 0n, 0n];
    eachAny(d, start, end, (tag) => {
      if (tag === 0x08) index = indexOf(d);
      else if (tag === 0x10) line = signed(d);
      else if (tag === 0x18) column = signed(d);
    });
    const place = index === 0 ? null : this.find(FUNCTIONS, index);
    let [name, system, file, first] = [0, 0, 0, 0n];
    if (place)
      eachAny(d, place[0], place[1], (tag) => {
        if (tag === 0x08) name = indexOf(d);
        else if (tag === 0x10) system = indexOf(d);
        else if (tag === 0x18) file = indexOf(d);
        else if (tag === 0x20) first = signed(d);
      });
    return {
      function: this.limited(this.text(name)),
      system_name: this.limited(this.text(system)),
      file: this.limited(this.text(file)),
      start_line: first,
      line,
      column_number: column,
    };
  }
  private mapping(index: number) {
    const { d } = this;
    const place = index === 0 ? null : this.find(MAPPINGS, index);
    let [start, limit, offset, file] = [0n, 0n, 0n, 0];
    const attributes: number[] = [];
    if (place)
      eachAny(d, place[0], place[1], (tag, from, to) => {
        if (tag === 0x08) start = unsigned(d);
        else if (tag === 0x10) limit = unsigned(d);
        else if (tag === 0x18) offset = unsigned(d);
        else if (tag === 0x20) file = indexOf(d);
        else if (tag === 0x2a || tag === 0x28) this.eachNumber(tag, from, to, () => void attributes.push(indexOf(d)));
      });
    return {
      mapping: this.limited(this.text(file)),
      mapping_start: start,
      mapping_limit: limit,
      mapping_offset: offset,
      mapping_attributes: this.json(attributes),
    };
  }
}
const NO_LINE = { function: '', system_name: '', file: '', start_line: 0n, line: 0n, column_number: 0n };
