/**
 * OTLP request bodies from protobuf to the JSON encoding (hex ids, 64-bit integers as text, enums as numbers), for the
 * service that sends JSON and for tests that read what was sent. Only the fields this shop writes are known; an unknown
 * field is an error, so the table cannot fall behind the writer unnoticed.
 */
type Kind =
  | 'string'
  | 'id'
  | 'bool'
  | 'enum'
  | 'uint'
  | 'int64'
  | 'fixed64'
  | 'fixed32'
  | 'double'
  | 'packedDouble'
  | 'packedFixed64'
  | Shape;
interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated?: boolean;
}
interface Shape {
  readonly [field: number]: Field;
}
const one = (name: string, kind: Kind): Field => ({ name, kind });
const many = (name: string, kind: Kind): Field => ({ name, kind, repeated: true });

const anyValue: Record<number, Field> = {
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
};
anyValue[5] = one('arrayValue', { 1: many('values', anyValue) });
const attribute: Shape = { 1: one('key', 'string'), 2: one('value', anyValue) };
const resource: Shape = { 1: many('attributes', attribute) };
const scope: Shape = { 1: one('name', 'string'), 2: one('version', 'string') };
const event: Shape = { 1: one('timeUnixNano', 'fixed64'), 2: one('name', 'string'), 3: many('attributes', attribute) };
const link: Shape = { 1: one('traceId', 'id'), 2: one('spanId', 'id'), 6: one('flags', 'fixed32') };
const span: Shape = {
  1: one('traceId', 'id'),
  2: one('spanId', 'id'),
  4: one('parentSpanId', 'id'),
  5: one('name', 'string'),
  6: one('kind', 'enum'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: many('attributes', attribute),
  11: many('events', event),
  13: many('links', link),
  15: one('status', { 2: one('message', 'string'), 3: one('code', 'enum') }),
  16: one('flags', 'fixed32'),
};
const logRecord: Shape = {
  1: one('timeUnixNano', 'fixed64'),
  2: one('severityNumber', 'enum'),
  3: one('severityText', 'string'),
  5: one('body', anyValue),
  6: many('attributes', attribute),
  8: one('flags', 'fixed32'),
  9: one('traceId', 'id'),
  10: one('spanId', 'id'),
  11: one('observedTimeUnixNano', 'fixed64'),
  12: one('eventName', 'string'),
};
const exemplar: Shape = {
  2: one('timeUnixNano', 'fixed64'),
  3: one('asDouble', 'double'),
  4: one('spanId', 'id'),
  5: one('traceId', 'id'),
};
const number: Shape = {
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('asDouble', 'double'),
  6: one('asInt', 'fixed64'),
  7: many('attributes', attribute),
};
const histogramPoint: Shape = {
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('count', 'fixed64'),
  5: one('sum', 'double'),
  6: one('bucketCounts', 'packedFixed64'),
  7: one('explicitBounds', 'packedDouble'),
  8: many('exemplars', exemplar),
  9: many('attributes', attribute),
};
const metric: Shape = {
  1: one('name', 'string'),
  2: one('description', 'string'),
  3: one('unit', 'string'),
  5: one('gauge', { 1: many('dataPoints', number) }),
  7: one('sum', { 1: many('dataPoints', number), 2: one('aggregationTemporality', 'enum'), 3: one('isMonotonic', 'bool') }),
  9: one('histogram', { 1: many('dataPoints', histogramPoint), 2: one('aggregationTemporality', 'enum') }),
};
const request = (entries: string, scopes: string, items: string, item: Shape): Shape => ({
  1: many(entries, {
    1: one('resource', resource),
    2: many(scopes, { 1: one('scope', scope), 2: many(items, item), 3: one('schemaUrl', 'string') }),
    3: one('schemaUrl', 'string'),
  }),
});
const REQUESTS = {
  traces: request('resourceSpans', 'scopeSpans', 'spans', span),
  logs: request('resourceLogs', 'scopeLogs', 'logRecords', logRecord),
  metrics: request('resourceMetrics', 'scopeMetrics', 'metrics', metric),
} as const;

class Reader {
  readonly bytes: Buffer;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  varint(): number {
    let value = 0;
    let scale = 1;
    while (true) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }
  block(): Buffer {
    const length = this.varint();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  fixed64(): string {
    this.at += 8;
    return this.bytes.readBigUInt64LE(this.at - 8).toString();
  }
  double(): number {
    this.at += 8;
    return this.bytes.readDoubleLE(this.at - 8);
  }
}
function readValue(reader: Reader, kind: Kind): unknown {
  if (kind === 'string') return reader.block().toString('utf8');
  if (kind === 'id') return reader.block().toString('hex');
  if (kind === 'bool') return reader.varint() === 1;
  if (kind === 'enum' || kind === 'uint') return reader.varint();
  if (kind === 'int64') return String(reader.varint());
  if (kind === 'fixed64') return reader.fixed64();
  if (kind === 'double') return reader.double();
  if (kind === 'fixed32') {
    reader.at += 4;
    return reader.bytes.readUInt32LE(reader.at - 4);
  }
  if (kind === 'packedDouble' || kind === 'packedFixed64') {
    const packed = new Reader(reader.block());
    const values: unknown[] = [];
    while (packed.at < packed.bytes.length) values.push(kind === 'packedDouble' ? packed.double() : packed.fixed64());
    return values;
  }
  return readMessage(new Reader(reader.block()), kind);
}
function readMessage(reader: Reader, shape: Shape): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  while (reader.at < reader.bytes.length) {
    const field = shape[reader.varint() >>> 3];
    if (!field) throw new Error('BUG: the shop wrote a field its JSON table does not know');
    const value = readValue(reader, field.kind);
    if (!field.repeated) message[field.name] = value;
    else {
      const list = (message[field.name] as unknown[] | undefined) ?? [];
      message[field.name] = list;
      list.push(value);
    }
  }
  return message;
}
/** One request body as the object that JSON.stringify turns into OTLP/JSON. */
export function toOtlpJson(signal: keyof typeof REQUESTS, body: Uint8Array): Record<string, unknown> {
  return readMessage(new Reader(body), REQUESTS[signal]);
}
