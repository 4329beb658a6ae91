import { readLength, readTag, skipField, WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, wireInput } from '#collectors/otlp/wire.ts';
import { CHUNK_BYTES, type FileRecord, type Signal, TimeSpan } from './file-record.ts';

/** A field of a message: where it begins (tag included), where its value lies. */
interface Field {
  readonly number: number;
  readonly type: number;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}
/** Fields of the message in bytes [start, end). @throws OtlpError malformed */
function fieldsOf(bytes: Uint8Array, start = 0, end = bytes.length): Field[] {
  const input = wireInput(bytes);
  input.pos = start;
  const fields: Field[] = [];
  while (input.pos < end) {
    const from = input.pos;
    const tag = readTag(input, end);
    let valueAt = input.pos;
    if ((tag & 7) === WIRE_BYTES) {
      const length = readLength(input, end);
      valueAt = input.pos;
      input.pos += length;
    } else skipField(input, tag, end);
    fields.push({ number: tag >>> 3, type: tag & 7, from, start: valueAt, end: input.pos });
  }
  return fields;
}
const nested = (fields: readonly Field[], number: number): Field[] =>
  fields.filter((field) => field.number === number && field.type === WIRE_BYTES);
const inside = (bytes: Uint8Array, field: Field): Field[] => fieldsOf(bytes, field.start, field.end);

/** Numbers and types that only an item of this signal has (opentelemetry/proto/{trace,logs,metrics}/v1). */
const METRIC_DATA = [5, 7, 9, 10, 11];
function signalOf(bytes: Uint8Array, item: readonly Field[]): Signal | null {
  const has = (number: number, type: number): boolean => item.some((field) => field.number === number && field.type === type);
  if (has(7, WIRE_FIXED64) || has(8, WIRE_FIXED64)) return 'traces';
  if (has(1, WIRE_FIXED64) || has(11, WIRE_FIXED64) || has(2, WIRE_VARINT)) return 'logs';
  const name = nested(item, 1)[0];
  if (!name) return null;
  const text = bytes.subarray(name.start, name.end).every((byte) => byte >= 0x20);
  if (text && METRIC_DATA.some((number) => has(number, WIRE_BYTES))) return 'metrics';
  return name.end - name.start === 16 ? 'traces' : null;
}
function timeOf(bytes: Uint8Array, fields: readonly Field[], number: number): number {
  const field = fields.find((each) => each.number === number && each.type === WIRE_FIXED64);
  return field ? Number(new DataView(bytes.buffer, bytes.byteOffset + field.start, 8).getBigUint64(0, true)) : 0;
}
function countItem(signal: Signal, bytes: Uint8Array, item: readonly Field[], times: TimeSpan): number {
  if (signal === 'traces') {
    times.add(timeOf(bytes, item, 7));
    times.add(timeOf(bytes, item, 8));
    return 1;
  }
  if (signal === 'logs') {
    times.add(timeOf(bytes, item, 1) || timeOf(bytes, item, 11));
    return 1;
  }
  const points = METRIC_DATA.flatMap((number) => nested(item, number)).flatMap((data) => nested(inside(bytes, data), 1));
  for (const point of points) times.add(timeOf(bytes, inside(bytes, point), 3));
  return points.length;
}

/** The three messages around items have the same numbers in every signal: resource 1, scopes 2; scope 1, items 2. */
function itemsOf(bytes: Uint8Array): Field[][] {
  const resources = nested(fieldsOf(bytes), 1);
  return resources.flatMap((resource) =>
    nested(inside(bytes, resource), 2).flatMap((scope) => nested(inside(bytes, scope), 2).map((item) => inside(bytes, item))),
  );
}

/**
 * One export request in protobuf, cut into pieces where it is large. Which signal it is shows in its items only.
 * @returns null when the bytes are not such a request; [] for one without items
 */
export function describeProtobuf(bytes: Uint8Array, line: number | null): FileRecord[] | null {
  try {
    const top = fieldsOf(bytes);
    if (top.length === 0 || top.some((field) => field.number !== 1 || field.type !== WIRE_BYTES)) return null;
    const items = itemsOf(bytes);
    if (items.length === 0) return [];
    const signal = items.map((item) => signalOf(bytes, item)).find((each) => each !== null);
    if (!signal) return null;
    const record = (body: Uint8Array, own: readonly Field[][]): FileRecord => {
      const times = new TimeSpan();
      const count = own.reduce((sum, item) => sum + countItem(signal, body, item, times), 0);
      return {
        line,
        signal,
        contentType: 'application/x-protobuf',
        body,
        items: count,
        minTimeMs: times.minMs,
        maxTimeMs: times.maxMs,
      };
    };
    if (bytes.length <= CHUNK_BYTES) return [record(bytes, items)];
    return splitProtobuf(bytes).map((body) => record(body, itemsOf(body)));
  } catch {
    return null;
  }
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
const message = (number: number, parts: readonly Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.from([(number << 3) | WIRE_BYTES, ...varint(length)]), ...parts]);
};
const bytesOf = (bytes: Uint8Array, field: Field): Uint8Array => bytes.subarray(field.from, field.end);

/** Requests of about CHUNK_BYTES with the same items: each repeats the resource and scope its items stand under. */
function splitProtobuf(bytes: Uint8Array): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (const resource of nested(fieldsOf(bytes), 1)) {
    const resourceFields = inside(bytes, resource);
    const about = resourceFields.filter((field) => field.number !== 2).map((field) => bytesOf(bytes, field));
    for (const scope of nested(resourceFields, 2)) {
      const scopeFields = inside(bytes, scope);
      const aboutScope = scopeFields.filter((field) => field.number !== 2).map((field) => bytesOf(bytes, field));
      for (const items of chunks(nested(scopeFields, 2))) {
        const own = items.map((item) => bytesOf(bytes, item));
        bodies.push(message(1, [...about, message(2, [...aboutScope, ...own])]));
      }
    }
  }
  return bodies;
}
function* chunks(items: readonly Field[]): Generator<Field[]> {
  let chunk: Field[] = [];
  let size = 0;
  for (const item of items) {
    if (size > 0 && size + (item.end - item.from) > CHUNK_BYTES) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(item);
    size += item.end - item.from;
  }
  if (chunk.length > 0) yield chunk;
}
