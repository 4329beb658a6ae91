import { firstOf, LEVEL_FIELDS, severityNumberOf } from '#collectors/otlp/log-levels.ts';
import { byResource, isSpanId, isTraceId, type LogAttributes, type LogItem, writeLogGroups } from '#collectors/otlp/log-writer.ts';
import type { NestedValue } from '#collectors/otlp/otlp-writer.ts';

/** Fluent's records as OTLP: what they come from is the resource, the text the body, everything else attributes by its own names. */
export interface FluentEntry {
  readonly tag: string;
  /** Unix time; 0n = not said. */
  readonly timeNs: bigint;
  /** Fluent Bit's, beside the record; null = none. */
  readonly metadata: NestedValue;
  readonly record: ReadonlyMap<string, NestedValue>;
}
/** Docker's driver and tails write `log`, loggers `message`. */
const BODY_FIELDS = ['log', 'message', 'msg'];
/** What applications say themselves, then what runs them; at last the tag. */
const SERVICE_FIELDS = ['service.name', 'service_name', 'service', 'app', 'application', 'app_name'];
const POD_LABELS = ['app.kubernetes.io/name', 'app', 'k8s-app'];
/** Of Fluent's kubernetes filter, by the semantic conventions. */
const KUBERNETES: readonly (readonly [string, string])[] = [
  ['namespace_name', 'k8s.namespace.name'],
  ['pod_name', 'k8s.pod.name'],
  ['pod_id', 'k8s.pod.uid'],
  ['container_name', 'k8s.container.name'],
  ['host', 'k8s.node.name'],
];
type Fields = ReadonlyMap<string, NestedValue>;
const NONE: Fields = new Map();
const mapOf = (value: NestedValue | undefined): Fields => (value instanceof Map ? (value as Fields) : NONE);
const textIn =
  (fields: Fields) =>
  (name: string): string => {
    const value = fields.get(name);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };

function serviceOf(record: Fields, tag: string): string {
  const kubernetes = mapOf(record.get('kubernetes'));
  const container = textIn(record)('container_name') || textIn(kubernetes)('container_name');
  return (
    firstOf(textIn(record), SERVICE_FIELDS) ||
    firstOf(textIn(mapOf(kubernetes.get('labels'))), POD_LABELS) ||
    // Docker's names begin with a slash.
    container.replace(/^\//, '') ||
    tag
  );
}
function resourceOf({ record, tag }: FluentEntry): LogAttributes {
  const kubernetes = textIn(mapOf(record.get('kubernetes')));
  const text = textIn(record);
  return [
    ['service.name', serviceOf(record, tag)] as const,
    ['container.id', text('container_id')] as const,
    ...KUBERNETES.map(([field, name]) => [name, kubernetes(field)] as const),
  ].filter(([, value]) => value !== '');
}
function itemOf(entry: FluentEntry): LogItem & { readonly resource: LogAttributes } {
  const { tag, timeNs, metadata, record } = entry;
  const text = textIn(record);
  const bodyField = BODY_FIELDS.find((name) => typeof record.get(name) === 'string');
  const severityText = firstOf(text, LEVEL_FIELDS);
  const [traceId, spanId] = [text('trace_id'), text('span_id')];
  const said = new Set([
    ...(bodyField === undefined ? [] : [bodyField]),
    ...(isTraceId(traceId) ? ['trace_id'] : []),
    ...(isSpanId(spanId) ? ['span_id'] : []),
  ]);
  return {
    timeNs,
    observedNs: 0n,
    severityNumber: severityNumberOf(text, severityText),
    severityText,
    // Without a text the record is what happened.
    body: bodyField === undefined ? record : (record.get(bodyField) as string),
    attributes: [
      ['fluent.tag', tag],
      ...(mapOf(metadata).size > 0 ? [['fluent.metadata', metadata] as const] : []),
      ...[...record].filter(([name]) => !said.has(name)),
    ],
    traceId: isTraceId(traceId) ? traceId : '',
    spanId: isSpanId(spanId) ? spanId : '',
    resource: resourceOf(entry),
  };
}

/** @param capacity expected size, bytes @returns ExportLogsServiceRequest, one resource for each service, container and pod */
export function writeEntries(entries: readonly FluentEntry[], capacity: number): Uint8Array {
  return writeLogGroups(byResource(entries.map(itemOf)), capacity);
}
