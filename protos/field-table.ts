import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { ExportLogsServiceRequestSchema } from './gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from './gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportProfilesServiceRequestSchema } from './gen/opentelemetry/proto/collector/profiles/v1development/profiles_service_pb.js';
import { ExportTraceServiceRequestSchema } from './gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';

/** The scalar types OTLP and remote write use, plus enum and message. */
export type FieldKind =
  | 'double'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'bool'
  | 'string'
  | 'bytes'
  | 'enum'
  | 'message';

/** One field of a message, as the .proto files say. */
export interface FieldEntry {
  readonly number: number;
  /** proto name, snake_case */
  readonly name: string;
  /** lowerCamelCase name of OTLP/JSON */
  readonly jsonName: string;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Wire type of one element: 0 varint, 1 64-bit, 2 length-delimited, 5 32-bit. */
  readonly wireType: 0 | 1 | 2 | 5;
  /** A repeated number: may come packed (wire type 2) or one by one. */
  readonly packable: boolean;
  /** Fields of one oneof share a number >= 0; -1 = in none. */
  readonly oneof: number;
  /** Table of a message field, null otherwise. */
  readonly message: MessageTable | null;
  /** bytes written as hex in OTLP/JSON (ids), not as base64. */
  readonly hex: boolean;
}
/** A message's fields, ascending by number. */
export interface MessageTable {
  /** Full proto name. */
  readonly name: string;
  readonly fields: readonly FieldEntry[];
  readonly byNumber: readonly (FieldEntry | undefined)[];
  readonly byJsonName: ReadonlyMap<string, FieldEntry>;
}
export type OtlpKind = 'traces' | 'metrics' | 'logs' | 'profiles';

const SCALARS = new Map<ScalarType, readonly [FieldKind, 0 | 1 | 2 | 5]>([
  [ScalarType.DOUBLE, ['double', 1]],
  [ScalarType.FIXED32, ['fixed32', 5]],
  [ScalarType.FIXED64, ['fixed64', 1]],
  [ScalarType.SFIXED64, ['sfixed64', 1]],
  [ScalarType.INT32, ['int32', 0]],
  [ScalarType.INT64, ['int64', 0]],
  [ScalarType.UINT32, ['uint32', 0]],
  [ScalarType.UINT64, ['uint64', 0]],
  [ScalarType.SINT32, ['sint32', 0]],
  [ScalarType.SINT64, ['sint64', 0]],
  [ScalarType.BOOL, ['bool', 0]],
  [ScalarType.STRING, ['string', 2]],
  [ScalarType.BYTES, ['bytes', 2]],
]);

function kindOf(field: DescField): readonly [FieldKind, 0 | 1 | 2 | 5] {
  if (field.message) return ['message', 2];
  if (field.enum) return ['enum', 0];
  const kind = field.scalar === undefined ? undefined : SCALARS.get(field.scalar);
  if (!kind) throw new Error(`BUG: field ${field.parent.typeName}.${field.name} has a type the table does not know`);
  return kind;
}

/** Ids are hex in OTLP/JSON, other bytes base64. */
const HEX_FIELDS = /^(?:(?:parent_)?(?:trace|span)|profile)_id$/;
const built = new Map<string, MessageTable>();

/**
 * Table of a message and, through its message fields, of everything below it. Built once per message.
 * @param schema descriptor from protos/gen
 */
export function messageTable(schema: DescMessage): MessageTable {
  const known = built.get(schema.typeName);
  if (known) return known;
  const fields: FieldEntry[] = [];
  const byNumber: (FieldEntry | undefined)[] = [];
  const byJsonName = new Map<string, FieldEntry>();
  const table: MessageTable = { name: schema.typeName, fields, byNumber, byJsonName };
  // Before the fields: AnyValue contains itself.
  built.set(schema.typeName, table);
  for (const field of [...schema.fields].sort((a, b) => a.number - b.number)) {
    const [kind, wireType] = kindOf(field);
    const repeated = field.fieldKind === 'list';
    const entry: FieldEntry = {
      number: field.number,
      name: field.name,
      jsonName: field.jsonName,
      kind,
      repeated,
      wireType,
      packable: repeated && wireType !== 2,
      oneof: field.oneof ? schema.oneofs.indexOf(field.oneof) : -1,
      message: field.message ? messageTable(field.message) : null,
      hex: kind === 'bytes' && HEX_FIELDS.test(field.name),
    };
    fields.push(entry);
    byNumber[field.number] = entry;
    byJsonName.set(entry.jsonName, entry);
  }
  return table;
}

/** The request message of each signal. */
export const REQUEST_TABLES: Readonly<Record<OtlpKind, MessageTable>> = {
  traces: messageTable(ExportTraceServiceRequestSchema),
  metrics: messageTable(ExportMetricsServiceRequestSchema),
  logs: messageTable(ExportLogsServiceRequestSchema),
  profiles: messageTable(ExportProfilesServiceRequestSchema),
};
