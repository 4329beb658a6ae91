import { CHUNK_BYTES, type FileRecord, type Signal, TimeSpan } from './file-record.ts';

/** The parts of OTLP/JSON that matter here (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). */
type Json = Readonly<Record<string, unknown>>;
interface Shape {
  readonly signal: Signal;
  readonly resources: string;
  readonly scopes: string;
  readonly items: string;
}
export const SHAPES: readonly Shape[] = [
  { signal: 'traces', resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' },
  { signal: 'logs', resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' },
  { signal: 'metrics', resources: 'resourceMetrics', scopes: 'scopeMetrics', items: 'metrics' },
];
const list = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : [];
const METRIC_KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'];

function countItems(signal: Signal, items: readonly Json[], times: TimeSpan): number {
  if (signal === 'metrics') {
    const points = items.flatMap((metric) => METRIC_KINDS.flatMap((kind) => list((metric[kind] as Json | undefined)?.['dataPoints'])));
    for (const point of points) times.add(Number(point['timeUnixNano']));
    return points.length;
  }
  for (const item of items) {
    if (signal === 'traces') {
      times.add(Number(item['startTimeUnixNano']));
      times.add(Number(item['endTimeUnixNano']));
    } else times.add(Number(item['timeUnixNano'] ?? 0) || Number(item['observedTimeUnixNano']));
  }
  return items.length;
}

/** A bare ResourceSpans (or logs, metrics) object, as some tools write one per line, becomes a request. */
export function wrapBare(value: unknown): { readonly key: string } | null {
  const shape = SHAPES.find((each) => list((value as Json | null)?.[each.scopes]).length > 0);
  return shape ? { key: shape.resources } : null;
}
/** The requests in a parsed value, one per signal it holds; none when it is no OTLP at all. */
export function describeJson(value: unknown, body: Uint8Array, line: number | null): FileRecord[] {
  if (typeof value !== 'object' || value === null) return [];
  const request = value as Json;
  return SHAPES.filter((shape) => Array.isArray(request[shape.resources])).flatMap((shape) => {
    const times = new TimeSpan();
    let items = 0;
    for (const resource of list(request[shape.resources]))
      for (const scope of list(resource[shape.scopes])) items += countItems(shape.signal, list(scope[shape.items]), times);
    const record: FileRecord = {
      line,
      signal: shape.signal,
      contentType: 'application/json',
      body,
      items,
      minTimeMs: times.minMs,
      maxTimeMs: times.maxMs,
    };
    return body.length <= CHUNK_BYTES ? [record] : splitJson(shape, body, record);
  });
}

/** JSON.parse that keeps integers beyond 2^53 as written: nanosecond times may stand there as bare numbers. */
export function parseExact(text: string): unknown {
  const raw = (JSON as unknown as { rawJSON(source: string): unknown }).rawJSON;
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? raw(context?.source ?? '') : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}
function splitJson(shape: Shape, body: Uint8Array, whole: FileRecord): FileRecord[] {
  const request = parseExact(new TextDecoder().decode(body)) as Json;
  const perPart = Math.max(1, Math.floor((whole.items * CHUNK_BYTES) / body.length));
  const records: FileRecord[] = [];
  for (const resource of list(request[shape.resources])) {
    for (const scope of list(resource[shape.scopes])) {
      const items = list(scope[shape.items]);
      for (let from = 0; from < items.length; from += perPart) {
        const part = { ...scope, [shape.items]: items.slice(from, from + perPart) };
        const text = JSON.stringify({ [shape.resources]: [{ ...resource, [shape.scopes]: [part] }] });
        const times = new TimeSpan();
        const count = countItems(shape.signal, items.slice(from, from + perPart), times);
        records.push({ ...whole, body: new TextEncoder().encode(text), items: count, minTimeMs: times.minMs, maxTimeMs: times.maxMs });
      }
    }
  }
  return records;
}
