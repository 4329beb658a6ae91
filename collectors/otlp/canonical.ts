import { type FieldEntry, type MessageTable, type OtlpKind, REQUEST_TABLES } from '#protos/field-table.ts';
import { OtlpError } from './otlp-error.ts';
import { malformed, readLength, readTag, readVarint, skipField, type WireInput, wireInput } from './wire.ts';

/**
 * Rewrites a request so that every legal oddity of protobuf is gone: messages that come in parts are merged, a oneof
 * has its last member only, of a repeated singular scalar the last stays, fields stand in order of their numbers,
 * lists of numbers are packed, unknown fields are left out. The decoder reads the form every real sender writes at
 * full speed and hands everything else to this function once; so it has no merging rules of its own.
 */
type Range = readonly [start: number, end: number];
const ANY_VALUE = 'opentelemetry.proto.common.v1.AnyValue';

function fieldOf(table: MessageTable, tag: number): FieldEntry | null {
  const field = table.byNumber[tag >>> 3];
  if (!field) return null;
  const wireType = tag & 7;
  return wireType === field.wireType || (field.packable && wireType === 2) ? field : null;
}

/** Where the values of each known field are; length-delimited ones without their length. Packed lists are taken apart. */
function gather(input: WireInput, table: MessageTable, ranges: readonly Range[]): Map<FieldEntry, Range[]> {
  const found = new Map<FieldEntry, Range[]>();
  for (const [start, end] of ranges) {
    input.pos = start;
    while (input.pos < end) {
      const tag = readTag(input, end);
      const field = fieldOf(table, tag);
      const at = input.pos;
      if (!field) {
        skipField(input, tag, end);
        continue;
      }
      const value = valueRange(input, tag, end);
      if (field.oneof >= 0) for (const other of table.fields) if (other.oneof === field.oneof && other !== field) found.delete(other);
      const values = found.get(field) ?? [];
      found.set(field, values);
      if (field.packable && (tag & 7) === 2) takeApart(input, field, value, values, at);
      else if (field.repeated || field.message) values.push(value);
      else values[0] = value;
      input.pos = value[1];
    }
  }
  return found;
}

function valueRange(input: WireInput, tag: number, end: number): Range {
  if ((tag & 7) === 2) {
    const length = readLength(input, end);
    return [input.pos, input.pos + length];
  }
  const start = input.pos;
  skipField(input, tag, end);
  return [start, input.pos];
}

function takeApart(input: WireInput, field: FieldEntry, [start, end]: Range, values: Range[], at: number): void {
  if (field.wireType === 1 && (end - start) % 8 !== 0) throw malformed('a packed list of 64-bit numbers has a broken length', at);
  for (let p = start; p < end; p = input.pos) {
    input.pos = p;
    if (field.wireType === 1) input.pos = p + 8;
    else readVarint(input, end);
    values.push([p, input.pos]);
  }
}

function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

class Output {
  private readonly parts: Uint8Array[] = [];
  size = 0;
  push(part: Uint8Array): void {
    this.parts.push(part);
    this.size += part.length;
  }
  delimited(fieldNumber: number, parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    this.push(varintBytes(fieldNumber * 8 + 2));
    this.push(varintBytes(length));
    for (const part of parts) this.push(part);
  }
  joined(): Uint8Array {
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

function rewrite(input: WireInput, table: MessageTable, ranges: readonly Range[], outerDepth: number, maxDepth: number): Uint8Array {
  const depth = outerDepth + (table.name === ANY_VALUE ? 1 : 0);
  if (depth > maxDepth) throw new OtlpError('too_deep', `a value is nested deeper than ${maxDepth} at byte ${ranges[0]?.[0] ?? 0}`);
  const found = gather(input, table, ranges);
  const out = new Output();
  const bytes = ([start, end]: Range): Uint8Array => input.bytes.subarray(start, end);
  for (const field of table.fields) {
    const values = found.get(field);
    if (!values) continue;
    const { message } = field;
    if (message && field.repeated)
      for (const value of values) out.delimited(field.number, [rewrite(input, message, [value], depth, maxDepth)]);
    else if (message) out.delimited(field.number, [rewrite(input, message, values, depth, maxDepth)]);
    else if (field.packable) out.delimited(field.number, values.map(bytes));
    else if (field.wireType === 2) for (const value of values) out.delimited(field.number, [bytes(value)]);
    else {
      out.push(varintBytes(field.number * 8 + field.wireType));
      out.push(bytes(values[0] as Range));
    }
  }
  return out.joined();
}

/**
 * @param body protobuf request of `kind`
 * @param maxDepth nesting of attribute values, as in limits
 * @returns the same message in its plain form
 * @throws OtlpError 'malformed' or 'too_deep'; strings are not looked into
 */
export function canonicalOtlp(kind: OtlpKind, body: Uint8Array, maxDepth: number): Uint8Array {
  const input = wireInput(body);
  return rewrite(input, REQUEST_TABLES[kind], [[0, body.length]], 0, maxDepth);
}
