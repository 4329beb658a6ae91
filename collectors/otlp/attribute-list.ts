import type { Attributes } from '#contracts/columns.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { readByteTag } from './item-fields.ts';
import { utf8CutLength } from './utf8.ts';
import { keyValue, valueText } from './value-text.ts';
import { readVarint, skipField } from './wire.ts';

/**
 * Attributes as text objects, for what is written once and then known by its number: resources, scopes, series.
 * Same rules as attribute-sink.ts: last value of a key wins, counts and lengths are limited. Sorted by key, because
 * the order of attributes means nothing and identities are made of them.
 */
export class AttributeList {
  private readonly entries = new Map<string, { readonly text: string; readonly letter: string }>();
  private cut = false;

  /** The KeyValue in [start, end). */
  add(d: Decoding, start: number, end: number): void {
    const { keyStart, keyEnd, valueStart, valueEnd } = keyValue(d, start, end);
    const key = limited(d, d.text(keyStart, keyEnd));
    const value = valueText(d, valueStart, valueStart < 0 ? -1 : valueEnd);
    if (this.entries.has(key)) d.note('duplicate_attribute');
    else if (this.entries.size >= d.maxAttributes) {
      this.cut = true;
      return;
    }
    this.entries.set(key, { text: limited(d, value.text), letter: String.fromCharCode(value.letter) });
  }
  finish(d: Decoding): Attributes {
    if (this.cut) d.note('too_many_attributes');
    const sorted = [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      keys: sorted.map(([key]) => key),
      values: sorted.map(([, { text }]) => text),
      types: sorted.map(([, { letter }]) => letter).join(''),
    };
  }
}

function limited(d: Decoding, text: string): string {
  if (text.length * 3 <= d.maxAttributeBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= d.maxAttributeBytes) return text;
  d.note('attribute_too_long');
  return bytes.toString('utf8', 0, utf8CutLength(bytes, 0, d.maxAttributeBytes));
}

/** Attributes in the fields of [start, end) whose tag is `tag`. */
export function attributesOf(d: Decoding, start: number, end: number, tag: number): Attributes {
  const list = new AttributeList();
  eachField(d, start, end, (found, from, to) => {
    if (found === tag) list.add(d, from, to);
  });
  return list.finish(d);
}

/** Calls `each` for every field of the message in [start, end); numbers come with an empty range and their value in d.lo. */
export function eachField(d: Decoding, start: number, end: number, each: (tag: number, from: number, to: number) => void): void {
  let p = start;
  while (p < end) {
    const tag = readByteTag(d, p, end);
    p = d.pos;
    if ((tag & 7) === 2) {
      const length = readVarint(d, end);
      p = d.pos + length;
      if (p > end) throw IRREGULAR;
      each(tag, p - length, p);
    } else if ((tag & 7) === 0) {
      readVarint(d, end);
      p = d.pos;
      each(tag, p, p);
    } else {
      skipField(d, tag, end);
      p = d.pos;
    }
  }
}

/** Identity text: parts with their lengths, so that no two lists of parts give the same text; one byte per character. */
export function identityOf(parts: readonly string[]): string {
  const text = parts.map((part) => `${part.length}:${part}`).join('');
  return Buffer.from(text, 'utf8').toString('latin1');
}
export const attributeParts = ({ keys, values, types }: Attributes): string[] =>
  keys.flatMap((key, i) => [key, types[i] as string, values[i] as string]);
