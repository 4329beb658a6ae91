export interface SpanExtras {
  /** Type of an exception event half-way. */
  readonly exception?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}
/** One server span as OTLP/JSON. */
export function otlpSpan(service: string, traceId: string, atMs: number, extras: SpanExtras = {}): unknown {
  const attribute = (key: string, value: string): unknown => ({ key, value: { stringValue: value } });
  const nano = (ms: number): string => `${Math.round(ms)}000000`;
  const span = {
    traceId,
    spanId: traceId.slice(0, 16),
    name: 'GET /first',
    kind: 2,
    startTimeUnixNano: nano(atMs),
    endTimeUnixNano: nano(atMs + 25),
    attributes: Object.entries({ 'http.route': '/first', ...extras.attributes }).map(([key, value]) => attribute(key, value)),
    events: extras.exception
      ? [{ timeUnixNano: nano(atMs + 12), name: 'exception', attributes: [attribute('exception.type', extras.exception)] }]
      : [],
    status: {},
  };
  return {
    resourceSpans: [
      { resource: { attributes: [attribute('service.name', service)] }, scopeSpans: [{ scope: { name: 'test' }, spans: [span] }] },
    ],
  };
}
