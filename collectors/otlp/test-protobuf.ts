/** Protobuf by hand, for tests that need bytes no encoder writes: `field(1, 'text')`, `field(2, [field(...)])`. */
export const varint = (value: bigint | number): Uint8Array => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
};
export const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Length-delimited: text, bytes, or a message of fields. */
export function field(number: number, content: string | Uint8Array | readonly Uint8Array[]): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content instanceof Uint8Array ? content : joined(...content);
  return joined(varint(number * 8 + 2), varint(bytes.length), bytes);
}
export const number = (at: number, value: bigint | number): Uint8Array => joined(varint(at * 8), varint(value));
export function fixed64(at: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return joined(varint(at * 8 + 1), bytes);
}
export function double(at: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return joined(varint(at * 8 + 1), bytes);
}
/** KeyValue content: its AnyValue is given as fields. */
export const keyValue = (key: string, ...value: readonly Uint8Array[]): readonly Uint8Array[] => [field(1, key), field(2, value)];

export const TRACE_ID = new Uint8Array(16).fill(0xab);
export const SPAN_ID = new Uint8Array(8).fill(0xcd);
/** A request with one span: ids, a time and a name, then the fields given. */
export const spanRequest = (time: bigint, ...fields: readonly Uint8Array[]): Uint8Array =>
  field(1, [field(2, [field(2, [field(1, TRACE_ID), field(2, SPAN_ID), fixed64(7, time), fixed64(8, time + 5n), ...fields])])]);
/** A request with one log record. */
export const logRequest = (...fields: readonly Uint8Array[]): Uint8Array => field(1, [field(2, [field(2, fields)])]);
/** A request with one metric. */
export const metricRequest = (...fields: readonly Uint8Array[]): Uint8Array => field(1, [field(2, [field(2, fields)])]);
