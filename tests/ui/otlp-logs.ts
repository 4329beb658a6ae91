/** `count` records as OTLP/JSON, all but the first ten of one time; attributes as given. */
export function otlpLogs(service: string, atMs: number, count: number, attributes: Readonly<Record<string, unknown>> = {}): unknown {
  const logRecords = Array.from({ length: count }, (_, i) => ({
    timeUnixNano: `${atMs - (i < 10 ? i : 10)}000000`,
    severityNumber: 9,
    severityText: 'INFO',
    body: { stringValue: `line ${i} of ${service}` },
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'test' }, logRecords }] }] };
}
