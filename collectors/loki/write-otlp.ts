import { attributeField, closeField, countField, hexField, textField, timeField } from '#collectors/otlp/otlp-writer.ts';
import { ReverseWriter } from '#collectors/otlp/reverse-writer.ts';
import type { Labels, LokiEntry, LokiStream } from './push-entry.ts';

/**
 * Loki's streams as an ExportLogsServiceRequest: labels are what the lines come from (resource), structured metadata is what
 * one line says (attributes), both by their names as sent.
 */
const SERVICE = 'service.name';
/** Grafana's service_name first, then what Loki looks for itself (limits_config.discover_service_name), in its order. */
const SERVICE_LABELS = [
  'service_name',
  SERVICE,
  'service',
  'app',
  'application',
  'app_name',
  'name',
  'app_kubernetes_io_name',
  'container',
  'container_name',
  'k8s_container_name',
  'component',
  'workload',
  'job',
  'k8s_job_name',
];
const LEVELS = ['level', 'severity', 'severity_text', 'detected_level', 'lvl'];
const TENANT = 'loki.tenant';
/** OTLP SeverityNumber by what senders call it: the log data model's appendix B, syslog and Log4j. */
const SEVERITIES: Readonly<Record<string, number>> = {
  trace: 1,
  trc: 1,
  debug: 5,
  dbg: 5,
  info: 9,
  inf: 9,
  information: 9,
  informational: 9,
  notice: 10,
  warn: 13,
  wrn: 13,
  warning: 13,
  error: 17,
  err: 17,
  eror: 17,
  critical: 18,
  crit: 18,
  alert: 19,
  fatal: 21,
  panic: 21,
  emerg: 21,
  emergency: 21,
};
const TRACE_ID = /^(?!0{32}$)[0-9a-fA-F]{32}$/;
const SPAN_ID = /^(?!0{16}$)[0-9a-fA-F]{16}$/;

const labelOf = (labels: Labels, name: string): string => String(labels.find(([key]) => key === name)?.[1] ?? '');
function firstOf(labels: Labels, names: readonly string[]): string {
  for (const name of names) {
    const value = labelOf(labels, name);
    if (value !== '') return value;
  }
  return '';
}
function severityNumberOf(metadata: Labels, text: string): number {
  const number = Number(labelOf(metadata, 'severity_number'));
  if (Number.isInteger(number) && number >= 1 && number <= 24) return number;
  const name = text.toLowerCase();
  return Object.hasOwn(SEVERITIES, name) ? (SEVERITIES[name] as number) : 0;
}

/** @param level the stream's own level, '' = none */
function writeEntry(writer: ReverseWriter, { timeNs, line, metadata }: LokiEntry, level: string): void {
  const before = writer.size;
  const traceId = labelOf(metadata, 'trace_id');
  const spanId = labelOf(metadata, 'span_id');
  const text = firstOf(metadata, LEVELS) || level;
  if (SPAN_ID.test(spanId)) hexField(writer, 10, spanId);
  if (TRACE_ID.test(traceId)) hexField(writer, 9, traceId);
  for (let i = metadata.length - 1; i >= 0; i--) {
    const [key, value] = metadata[i] as Labels[number];
    // An id of the right form is said by its field.
    if ((key === 'trace_id' && TRACE_ID.test(traceId)) || (key === 'span_id' && SPAN_ID.test(spanId))) continue;
    attributeField(writer, 6, key, value);
  }
  const body = writer.size;
  // Also an empty line is a text.
  writer.varint(writer.text(line));
  writer.varint(1 * 8 + 2);
  closeField(writer, body, 5);
  textField(writer, 3, text);
  countField(writer, 2, severityNumberOf(metadata, text));
  timeField(writer, 1, timeNs);
  closeField(writer, before, 2);
}

/** @param tenant X-Scope-OrgID, '' = none @param capacity expected size, bytes @returns protobuf; empty without an entry */
export function writeLokiStreams(streams: readonly LokiStream[], tenant: string, capacity: number): Uint8Array {
  const writer = new ReverseWriter(capacity);
  for (let s = streams.length - 1; s >= 0; s--) {
    const { labels, entries } = streams[s] as LokiStream;
    if (entries.length === 0) continue;
    const before = writer.size;
    const level = firstOf(labels, LEVELS);
    for (let i = entries.length - 1; i >= 0; i--) writeEntry(writer, entries[i] as LokiEntry, level);
    closeField(writer, before, 2);
    const resource = writer.size;
    if (tenant !== '') attributeField(writer, 1, TENANT, tenant);
    for (let i = labels.length - 1; i >= 0; i--) attributeField(writer, 1, ...(labels[i] as Labels[number]));
    const service = firstOf(labels, SERVICE_LABELS);
    if (service !== '' && labelOf(labels, SERVICE) === '') attributeField(writer, 1, SERVICE, service);
    closeField(writer, resource, 1);
    closeField(writer, before, 1);
  }
  return writer.bytes();
}
