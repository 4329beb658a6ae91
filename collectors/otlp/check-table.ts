import { type FieldEntry, type MessageTable, type OtlpKind, REQUEST_TABLES } from '#protos/field-table.ts';

/**
 * The field tables flattened for the structural check: one action byte per (message, tag). Tags below 256 cover field
 * numbers up to 31; OTLP's highest is 16.
 */
export const SKIP = 0;
export const VARINT = 1;
export const FIXED32 = 2;
export const FIXED64 = 3;
export const STRING = 4;
export const BYTES = 5;
export const PACKED_VARINT = 6;
export const PACKED_FIXED64 = 7;
/** Fields the item's verdict needs; the check notes where they are. */
export const TRACE_ID = 8;
export const SPAN_ID = 9;
export const TIME = 10;
export const OTHER_TIME = 11;
/** Action - MESSAGE = number of the message. */
export const MESSAGE = 16;
/** Added to the action of a field that has a bit in `onceBits`. */
export const ONCE = 0x80;
export const TAGS = 256;

const PLAIN: Readonly<Record<FieldEntry['kind'], number>> = {
  double: FIXED64,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  fixed32: FIXED32,
  int32: VARINT,
  int64: VARINT,
  uint32: VARINT,
  uint64: VARINT,
  sint32: VARINT,
  sint64: VARINT,
  bool: VARINT,
  enum: VARINT,
  string: STRING,
  bytes: BYTES,
  message: MESSAGE,
};
/** Per item message: which fields decide its verdict. Times: the one stored, and the one used where that is missing. */
const ITEM_FIELDS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'opentelemetry.proto.trace.v1.Span': {
    trace_id: TRACE_ID,
    span_id: SPAN_ID,
    start_time_unix_nano: TIME,
    end_time_unix_nano: OTHER_TIME,
  },
  'opentelemetry.proto.logs.v1.LogRecord': { time_unix_nano: TIME, observed_time_unix_nano: OTHER_TIME },
  'opentelemetry.proto.metrics.v1.NumberDataPoint': { time_unix_nano: TIME },
  'opentelemetry.proto.metrics.v1.HistogramDataPoint': { time_unix_nano: TIME },
  'opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint': { time_unix_nano: TIME },
  'opentelemetry.proto.metrics.v1.SummaryDataPoint': { time_unix_nano: TIME },
  'opentelemetry.proto.profiles.v1development.Profile': { time_unix_nano: TIME },
};
/** Messages that become a row or an entry of a list of rows. */
const ROWS: readonly string[] = [
  ...['Span', 'Event', 'Link', 'LogRecord', 'Exemplar', 'ValueAtQuantile'],
  ...['Profile', 'Sample', 'Mapping', 'Location', 'Line', 'Function', 'Stack', 'KeyValueAndUnit'],
];
const isRow = (name: string): boolean => ROWS.includes(name.slice(name.lastIndexOf('.') + 1)) || name.endsWith('DataPoint');
const NUMBER_POINT = 'opentelemetry.proto.metrics.v1.NumberDataPoint';
const ANY_VALUE = 'opentelemetry.proto.common.v1.AnyValue';

export const NOT_AN_ITEM = 0;
export const SPAN_ITEM = 1;
export const OTHER_ITEM = 2;

export interface CheckTable {
  /** actions[message * TAGS + tag], with ONCE */
  readonly actions: Uint8Array;
  /** Bit that must not be set twice in one message, 0 = may repeat: a message that comes in parts, or a oneof. */
  readonly onceBits: Uint32Array;
  /** NOT_AN_ITEM, SPAN_ITEM, OTHER_ITEM per message. */
  readonly items: Uint8Array;
  /** 1 per message that adds a level of value nesting. */
  readonly nests: Uint8Array;
  /** 1 per message that becomes a row. */
  readonly rows: Uint8Array;
  /** Action of a KeyValue field. */
  readonly attribute: number;
  /** Action of an AnyValue field. */
  readonly value: number;
  /** Action of a field of NumberDataPoints; in other signals no field's. */
  readonly numberPoint: number;
  readonly names: readonly string[];
}

function collect(table: MessageTable, into: MessageTable[]): void {
  if (into.includes(table)) return;
  into.push(table);
  for (const field of table.fields) if (field.message) collect(field.message, into);
}

function build(root: MessageTable): CheckTable {
  const messages: MessageTable[] = [];
  collect(root, messages);
  const actions = new Uint8Array(messages.length * TAGS);
  const onceBits = new Uint32Array(messages.length * TAGS);
  messages.forEach((message, m) => {
    for (const field of message.fields) {
      const at = m * TAGS + field.number * 8;
      const action = ITEM_FIELDS[message.name]?.[field.name] ?? PLAIN[field.kind];
      actions[at + field.wireType] = field.message ? MESSAGE + messages.indexOf(field.message) : action;
      if (field.packable) actions[at + 2] = field.wireType === 0 ? PACKED_VARINT : PACKED_FIXED64;
      const once = field.oneof >= 0 ? 1 << (31 - field.oneof) : field.message && !field.repeated ? 1 << field.number : 0;
      onceBits[at + field.wireType] = once;
      if (once !== 0) actions[at + field.wireType] = (actions[at + field.wireType] as number) | ONCE;
    }
  });
  return {
    actions,
    onceBits,
    items: Uint8Array.from(messages, ({ name }) => (name in ITEM_FIELDS ? (name.endsWith('.Span') ? SPAN_ITEM : OTHER_ITEM) : NOT_AN_ITEM)),
    nests: Uint8Array.from(messages, ({ name }) => (name === ANY_VALUE ? 1 : 0)),
    rows: Uint8Array.from(messages, ({ name }) => (isRow(name) ? 1 : 0)),
    attribute: MESSAGE + messages.findIndex(({ name }) => name === 'opentelemetry.proto.common.v1.KeyValue'),
    value: MESSAGE + messages.findIndex(({ name }) => name === ANY_VALUE),
    numberPoint: MESSAGE + messages.findIndex(({ name }) => name === NUMBER_POINT),
    names: messages.map(({ name }) => name.slice(name.lastIndexOf('.') + 1)),
  };
}

/** Message 0 of each table is the request. */
export const CHECK_TABLES: Readonly<Record<OtlpKind, CheckTable>> = {
  traces: build(REQUEST_TABLES.traces),
  metrics: build(REQUEST_TABLES.metrics),
  logs: build(REQUEST_TABLES.logs),
  profiles: build(REQUEST_TABLES.profiles),
};
