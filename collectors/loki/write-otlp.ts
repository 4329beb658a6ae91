import { firstOf, LEVEL_FIELDS, severityNumberOf } from '#collectors/otlp/log-levels.ts';
import { isSpanId, isTraceId, type LogGroup, type LogItem, writeLogGroups } from '#collectors/otlp/log-writer.ts';
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
const TENANT = 'loki.tenant';
const labelOf = (labels: Labels, name: string): string => String(labels.find(([key]) => key === name)?.[1] ?? '');
const textIn = (labels: Labels) => (name: string) => labelOf(labels, name);

/** @param level the stream's own level, '' = none */
function itemOf({ timeNs, line, metadata }: LokiEntry, level: string): LogItem {
  const traceId = labelOf(metadata, 'trace_id');
  const spanId = labelOf(metadata, 'span_id');
  const severityText = firstOf(textIn(metadata), LEVEL_FIELDS) || level;
  return {
    timeNs,
    observedNs: 0n,
    severityNumber: severityNumberOf(textIn(metadata), severityText),
    severityText,
    body: line,
    // An id of the right form is said by its field.
    attributes: metadata.filter(([key]) => !((key === 'trace_id' && isTraceId(traceId)) || (key === 'span_id' && isSpanId(spanId)))),
    traceId: isTraceId(traceId) ? traceId : '',
    spanId: isSpanId(spanId) ? spanId : '',
  };
}

/** @param tenant X-Scope-OrgID, '' = none @param capacity expected size, bytes @returns protobuf; empty without an entry */
export function writeLokiStreams(streams: readonly LokiStream[], tenant: string, capacity: number): Uint8Array {
  const groups = streams.map(({ labels, entries }): LogGroup => {
    const level = firstOf(textIn(labels), LEVEL_FIELDS);
    const service = labelOf(labels, SERVICE) === '' ? firstOf(textIn(labels), SERVICE_LABELS) : '';
    const resource: Labels = [
      ...(service === '' ? [] : [[SERVICE, service] as const]),
      ...labels,
      ...(tenant === '' ? [] : [[TENANT, tenant] as const]),
    ];
    return { resource, items: entries.map((entry) => itemOf(entry, level)) };
  });
  return writeLogGroups(groups, capacity);
}
