import type { Limits } from '#contracts/settings.ts';
import { type FieldEntry, type MessageTable, type OtlpKind, REQUEST_TABLES } from '#protos/field-table.ts';
import { parseJsonText } from './json-text.ts';
import { OtlpError } from './otlp-error.ts';
import { ReverseWriter } from './reverse-writer.ts';

/**
 * OTLP/JSON -> protobuf, driven by the field tables of protos/, so that everything behind it reads one format.
 * Rules: opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding": lowerCamelCase names only, ids in hex of
 * either case, enumerations as integers only, 64-bit integers as number or decimal string, unknown names ignored, null
 * like absent; otherwise the proto3 JSON mapping (base64 bytes, "NaN" and "Infinity").
 */
const ANY_VALUE = 'opentelemetry.proto.common.v1.AnyValue';
type JsonObject = Readonly<Record<string, unknown>>;

/** One transcoding: the writer and the path to the value at hand, for the error message. */
class Transcoding {
  readonly writer: ReverseWriter;
  private readonly path: (string | number)[] = [];
  private readonly maxDepth: number;

  constructor(capacity: number, maxDepth: number) {
    this.writer = new ReverseWriter(capacity);
    this.maxDepth = maxDepth;
  }
  fail(what: string): OtlpError {
    const path = this.path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
    return new OtlpError('malformed', `${path === '' ? 'the request' : path} ${what}`);
  }

  message(table: MessageTable, value: unknown, outerDepth: number): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.fail(`must be an object, not ${describe(value)}`);
    const depth = outerDepth + (table.name === ANY_VALUE ? 1 : 0);
    if (depth > this.maxDepth) throw new OtlpError('too_deep', `a value is nested deeper than ${this.maxDepth}`);
    const object = value as JsonObject;
    let oneof = '';
    for (let i = table.fields.length - 1; i >= 0; i--) {
      const field = table.fields[i] as FieldEntry;
      const given = Object.hasOwn(object, field.jsonName) ? object[field.jsonName] : null;
      if (given === null || given === undefined) continue;
      if (field.oneof >= 0 && oneof !== '') throw this.fail(`has both ${field.jsonName} and ${oneof}`);
      if (field.oneof >= 0) oneof = field.jsonName;
      this.path.push(field.jsonName);
      if (field.repeated) this.list(field, given, depth);
      else this.field(field, given, depth);
      this.path.pop();
    }
  }

  private list(field: FieldEntry, given: unknown, depth: number): void {
    if (!Array.isArray(given)) throw this.fail(`must be an array, not ${describe(given)}`);
    const { writer } = this;
    const before = writer.size;
    for (let i = given.length - 1; i >= 0; i--) {
      this.path.push(i);
      if (field.packable) this.scalar(field, given[i]);
      else this.field(field, given[i], depth);
      this.path.pop();
    }
    if (!field.packable || given.length === 0) return;
    writer.varint(writer.size - before);
    writer.varint(field.number * 8 + 2);
  }

  private field(field: FieldEntry, given: unknown, depth: number): void {
    const { writer } = this;
    const before = writer.size;
    if (field.message) this.message(field.message, given, depth);
    else this.scalar(field, given);
    if (field.wireType === 2) writer.varint(writer.size - before);
    writer.varint(field.number * 8 + field.wireType);
  }

  private scalar(field: FieldEntry, given: unknown): void {
    const { writer } = this;
    switch (field.kind) {
      case 'string':
        if (typeof given !== 'string') throw this.fail(`must be a string, not ${describe(given)}`);
        writer.text(given);
        return;
      case 'bytes':
        writer.raw(field.hex ? this.hexBytes(given) : this.base64Bytes(given));
        return;
      case 'bool':
        if (typeof given !== 'boolean') throw this.fail(`must be true or false, not ${describe(given)}`);
        writer.varint(given ? 1 : 0);
        return;
      case 'double':
        writer.double(this.double(given));
        return;
      case 'fixed32':
        writer.fixed32(Number(this.integer(given, 0n, 0xffffffffn)));
        return;
      case 'fixed64':
        writer.fixed64(this.integer(given, 0n, 2n ** 64n - 1n));
        return;
      case 'sfixed64':
        writer.fixed64(this.integer(given, -(2n ** 63n), 2n ** 63n - 1n));
        return;
      case 'int64':
        writer.varint64(this.integer(given, -(2n ** 63n), 2n ** 63n - 1n));
        return;
      case 'uint64':
        writer.varint64(this.integer(given, 0n, 2n ** 64n - 1n));
        return;
      case 'uint32':
        writer.varint64(this.integer(given, 0n, 0xffffffffn));
        return;
      case 'sint32': {
        const value = Number(this.integer(given, -0x80000000n, 0x7fffffffn));
        writer.varint(((value << 1) ^ (value >> 31)) >>> 0);
        return;
      }
      case 'enum':
        if (typeof given !== 'number') throw this.fail(`must be the enumeration's integer, not ${describe(given)}`);
        writer.varint64(this.integer(given, -0x80000000n, 0x7fffffffn));
        return;
      case 'int32':
        writer.varint64(this.integer(given, -0x80000000n, 0x7fffffffn));
        return;
      default:
        throw new Error(`BUG: a ${field.kind} is not a scalar`);
    }
  }

  private integer(given: unknown, least: bigint, most: bigint): bigint {
    let value: bigint | null = null;
    if (typeof given === 'number' && Number.isInteger(given)) value = BigInt(given);
    // 21 digits are more than any 64-bit number has, and few enough to convert at once.
    else if (typeof given === 'string' && /^-?\d{1,21}$/.test(given)) value = BigInt(given);
    if (value === null) throw this.fail(`must be an integer, not ${describe(given)}`);
    if (value < least || value > most) throw this.fail(`is out of range: ${value}`);
    return value;
  }

  private double(given: unknown): number {
    if (typeof given === 'number') return given;
    if (given === 'NaN') return Number.NaN;
    if (given === 'Infinity') return Number.POSITIVE_INFINITY;
    if (given === '-Infinity') return Number.NEGATIVE_INFINITY;
    if (typeof given === 'string' && /^-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,5})?$/.test(given)) return Number(given);
    throw this.fail(`must be a number, not ${describe(given)}`);
  }

  private hexBytes(given: unknown): Uint8Array {
    if (typeof given !== 'string' || given.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(given))
      throw this.fail(`must be hexadecimal digits, not ${describe(given)}`);
    return Buffer.from(given, 'hex');
  }
  private base64Bytes(given: unknown): Uint8Array {
    if (typeof given !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(given))
      throw this.fail(`must be base64 text, not ${describe(given)}`);
    return Buffer.from(given, 'base64');
  }
}

/** A value as an error message shows it: short, and telling text from numbers. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch {
    // JSON.parse takes any depth, JSON.stringify only what the stack holds.
    return 'something nested very deep';
  }
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

/**
 * @param kind which request message the body holds
 * @param body UTF-8 JSON, decompressed
 * @returns the same request as protobuf; goes on to checkOtlp and decodeOtlp
 * @throws OtlpError malformed, invalid_utf8 or too_deep; the message names the path, such as
 *         resourceSpans[0].scopeSpans[0].spans[3].traceId
 */
export function transcodeJson(kind: OtlpKind, body: Uint8Array, limits: Pick<Limits, 'maxDepth'>): Uint8Array {
  try {
    const request = parseJsonText(body);
    const transcoding = new Transcoding(Math.ceil(body.length * 0.6), limits.maxDepth);
    transcoding.message(REQUEST_TABLES[kind], request, 0);
    return transcoding.writer.bytes();
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error;
    throw new OtlpError(error.reason, `cannot read OTLP/JSON ${kind} from ${body.length} bytes: ${error.message}`);
  }
}
