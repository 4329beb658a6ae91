import { type Decoding, doubleText, IRREGULAR, integerText } from './decoding.ts';
import { OtlpError } from './otlp-error.ts';
import { readVarint } from './wire.ts';

/**
 * AnyValue as text. The letter says which member it was (contracts/tables.ts): s b i d a k y n.
 *
 * Arrays and kvlists become JSON text that keeps the types inside apart: integers have no point or exponent, doubles
 * always have one (3.0), an empty value is null, bytes are {"$bytes": base64}, doubles JSON cannot write are
 * {"$double": "NaN"}. Keys of a kvlist that begin with $ get a second one, so that nothing can be mistaken.
 */
export const LETTER_STRING = 0x73;
export const LETTER_BOOL = 0x62;
export const LETTER_INTEGER = 0x69;
export const LETTER_DOUBLE = 0x64;
export const LETTER_ARRAY = 0x61;
export const LETTER_MAP = 0x6b;
export const LETTER_BYTES = 0x79;
export const LETTER_EMPTY = 0x6e;

const TAG_STRING = 0x0a;
const TAG_BOOL = 0x10;
const TAG_INTEGER = 0x18;
const TAG_DOUBLE = 0x21;
const TAG_ARRAY = 0x2a;
const TAG_MAP = 0x32;
const TAG_BYTES = 0x3a;
const TAG_STRING_INDEX = 0x40;

/** Length of the field at `p`, which must end exactly at `end`. @returns where its content starts */
function wholeField(d: Decoding, p: number, end: number): number {
  d.pos = p;
  const length = readVarint(d, end);
  if (d.hi !== 0 || d.pos + length !== end) throw IRREGULAR;
  return d.pos;
}
function wholeVarint(d: Decoding, p: number, end: number): void {
  d.pos = p;
  readVarint(d, end);
  if (d.pos !== end) throw IRREGULAR;
}

/**
 * Writes the string cell of the AnyValue in [start, end).
 * @returns its letter
 */
export function writeValue(d: Decoding, cells: Uint32Array, at: number, start: number, end: number): number {
  const { bytes } = d;
  const tag = bytes[start];
  const length = bytes[start + 1] as number;
  if (start < end && tag === TAG_STRING) {
    if (length < 0x80 && start + 2 + length === end) d.writeLimitedCell(cells, at, start + 2, length);
    else {
      const from = wholeField(d, start + 1, end);
      d.writeLimitedCell(cells, at, from, end - from);
    }
    return LETTER_STRING;
  }
  if (start < end && tag === TAG_INTEGER) {
    wholeVarint(d, start + 1, end);
    d.writeInteger(cells, at, d.lo, d.hi);
    return LETTER_INTEGER;
  }
  return writeOtherValue(d, cells, at, start, end);
}

function writeOtherValue(d: Decoding, cells: Uint32Array, at: number, start: number, end: number): number {
  const text = valueText(d, start, end);
  const { letter } = text;
  if (letter === LETTER_BYTES || letter === LETTER_ARRAY || letter === LETTER_MAP) d.writeLimitedText(cells, at, text.text);
  else d.writeText(cells, at, text.text);
  return letter;
}

/** The AnyValue in [start, end) as letter and text, not cut. */
export function valueText(d: Decoding, start: number, end: number): { readonly letter: number; readonly text: string } {
  if (start === end) return { letter: LETTER_EMPTY, text: '' };
  const p = start + 1;
  switch (d.bytes[start]) {
    case TAG_STRING:
      return { letter: LETTER_STRING, text: d.text(wholeField(d, p, end), end) };
    case TAG_BOOL:
      wholeVarint(d, p, end);
      return { letter: LETTER_BOOL, text: (d.lo | d.hi) !== 0 ? 'true' : 'false' };
    case TAG_INTEGER:
      wholeVarint(d, p, end);
      return { letter: LETTER_INTEGER, text: integerText(d.lo, d.hi) };
    case TAG_DOUBLE:
      if (p + 8 !== end) throw IRREGULAR;
      return { letter: LETTER_DOUBLE, text: doubleText(d.view.getFloat64(p, true)) };
    case TAG_ARRAY:
      return { letter: LETTER_ARRAY, text: arrayJson(d, wholeField(d, p, end), end, 1) };
    case TAG_MAP:
      return { letter: LETTER_MAP, text: mapJson(d, wholeField(d, p, end), end, 1) };
    case TAG_BYTES:
      return { letter: LETTER_BYTES, text: d.base64(wholeField(d, p, end), end) };
    case TAG_STRING_INDEX:
      wholeVarint(d, p, end);
      if (d.strings) return { letter: LETTER_STRING, text: d.text(...d.stringRange(indexOf(d))) };
      // Refers to a string table only profiles have: the text cannot be known.
      d.note('string_index');
      return { letter: LETTER_EMPTY, text: '' };
    default:
      throw IRREGULAR;
  }
}

/** The index just read; a negative one is out of every range. */
export const indexOf = ({ lo, hi }: Decoding): number => (hi === 0 ? lo : Number.MAX_SAFE_INTEGER / 4);
function doubleJson(value: number): string {
  if (!Number.isFinite(value)) return `{"$double":"${value}"}`;
  const text = doubleText(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function valueJson(d: Decoding, start: number, end: number, depth: number): string {
  if (depth > d.maxDepth) throw new OtlpError('too_deep', `a value is nested deeper than ${d.maxDepth} at byte ${start}`);
  if (start === end) return 'null';
  const tag = d.bytes[start];
  if (tag === TAG_ARRAY) return arrayJson(d, wholeField(d, start + 1, end), end, depth);
  if (tag === TAG_MAP) return mapJson(d, wholeField(d, start + 1, end), end, depth);
  if (tag === TAG_DOUBLE) {
    if (start + 9 !== end) throw IRREGULAR;
    return doubleJson(d.view.getFloat64(start + 1, true));
  }
  const { letter, text } = valueText(d, start, end);
  if (letter === LETTER_STRING) return JSON.stringify(text);
  if (letter === LETTER_BYTES) return `{"$bytes":"${text}"}`;
  return letter === LETTER_EMPTY ? 'null' : text;
}

/** Calls `each` for every `0x0a length content` in [start, end): the repeated field 1 of ArrayValue and KeyValueList. */
function eachElement(d: Decoding, start: number, end: number, each: (from: number, to: number) => void): void {
  let p = start;
  while (p < end) {
    if (d.bytes[p] !== 0x0a) throw IRREGULAR;
    d.pos = p + 1;
    const length = readVarint(d, end);
    const from = d.pos;
    if (d.hi !== 0 || from + length > end) throw IRREGULAR;
    each(from, from + length);
    p = from + length;
  }
}

function arrayJson(d: Decoding, start: number, end: number, depth: number): string {
  const items: string[] = [];
  eachElement(d, start, end, (from, to) => items.push(valueJson(d, from, to, depth + 1)));
  return `[${items.join(',')}]`;
}

function mapJson(d: Decoding, start: number, end: number, depth: number): string {
  const entries = new Map<string, string>();
  eachElement(d, start, end, (from, to) => {
    const { keyStart, keyEnd, valueStart, valueEnd } = keyValue(d, from, to);
    const key = d.text(keyStart, keyEnd);
    if (entries.has(key)) d.note('duplicate_attribute');
    entries.set(key, valueStart < 0 ? 'null' : valueJson(d, valueStart, valueEnd, depth + 1));
  });
  return `{${[...entries].map(([key, json]) => `${JSON.stringify(key.startsWith('$') ? `$${key}` : key)}:${json}`).join(',')}}`;
}

/** Parts of a KeyValue in plain form; valueStart -1 = no value. */
export function keyValue(
  d: Decoding,
  start: number,
  end: number,
): { readonly keyStart: number; readonly keyEnd: number; readonly valueStart: number; readonly valueEnd: number } {
  let p = start;
  let keyStart = start;
  let keyEnd = start;
  let valueStart = -1;
  let valueEnd = -1;
  if (p < end && d.bytes[p] === 0x0a) {
    d.pos = p + 1;
    const length = readVarint(d, end);
    keyStart = d.pos;
    keyEnd = keyStart + length;
    p = keyEnd;
  }
  if (p < end && d.bytes[p] === 0x12) {
    d.pos = p + 1;
    const length = readVarint(d, end);
    valueStart = d.pos;
    valueEnd = valueStart + length;
    p = valueEnd;
  }
  if (p < end && d.bytes[p] === 0x18) {
    d.pos = p + 1;
    readVarint(d, end);
    p = d.pos;
    if (!d.strings) d.note('string_index');
    else if (keyStart === keyEnd) [keyStart, keyEnd] = d.stringRange(indexOf(d));
  }
  if (p !== end) throw IRREGULAR;
  return { keyStart, keyEnd, valueStart, valueEnd };
}
