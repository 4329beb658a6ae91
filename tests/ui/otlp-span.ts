/** One server span as OTLP/JSON. */
export function otlpSpan(service: string, traceId: string, atMs: number): unknown {
  const attribute = (key: string, value: string): unknown => ({ key, value: { stringValue: value } });
  const nano = (ms: number): string => `${Math.round(ms)}000000`;
  const span = {
    traceId,
    spanId: traceId.slice(0, 16),
    name: 'GET /first',
    kind: 2,
    startTimeUnixNano: nano(atMs),
    endTimeUnixNano: nano(atMs + 25),
    attributes: [attribute('http.route', '/first')],
    status: {},
  };
  return {
    resourceSpans: [
      { resource: { attributes: [attribute('service.name', service)] }, scopeSpans: [{ scope: { name: 'test' }, spans: [span] }] },
    ],
  };
}
