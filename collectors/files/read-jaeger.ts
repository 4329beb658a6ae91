import { type JsonObject, objectOf, textOf, wrong } from '#collectors/otlp/json-values.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';
import { spanIdOf, traceIdOf } from '#collectors/zipkin/zipkin-span.ts';
import { Batch, type FileSpan, type Pairs, SPANS } from './batch.ts';
import type { Bytes, FileReading, FileRecord, RefusedRecord } from './file-record.ts';
import { readElements } from './read-elements.ts';

/**
 * What Jaeger's UI downloads and its query API answers: {"data": [{traceID, spans, processes}]}; microseconds.
 * Format: jaeger-ui, types/trace.ts; its mapping to OpenTelemetry: opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger.
 */
const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
/** Tags that say what a field of OTLP says. */
const TAKEN = new Set([
  'span.kind',
  'otel.status_code',
  'otel.status_description',
  'otel.scope.name',
  'otel.scope.version',
  'otel.library.name',
  'otel.library.version',
]);
const MAX_MICROS = 9_000_000_000_000_000;

function micros(name: string, value: unknown): bigint {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 0 && number <= MAX_MICROS)) throw wrong(name, 'a number of microseconds', value);
  return BigInt(Math.trunc(number)) * 1_000n;
}
function list(name: string, value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(name, 'an array', value);
  return value;
}
/** [{key, type, value}]; whole numbers beyond 2^53 come as their digits. */
function tagsOf(name: string, value: unknown): Pairs {
  return list(name, value).map((given, at): [string, AttributeValue] => {
    const tag = objectOf(`${name}[${at}]`, given);
    const key = textOf(`${name}[${at}].key`, tag['key']);
    const said = tag['value'];
    if (typeof said === 'string' || typeof said === 'number' || typeof said === 'boolean') return [key, said];
    if (said === null || said === undefined) return [key, ''];
    return [key, JSON.stringify(said)];
  });
}
const tagOf = (tags: Pairs, ...keys: readonly string[]): string => String(tags.find(([key]) => keys.includes(key))?.[1] ?? '');

function statusOf(tags: Pairs): { readonly statusCode: number; readonly statusText: string } {
  const code = tagOf(tags, 'otel.status_code').toUpperCase();
  const statusText = tagOf(tags, 'otel.status_description');
  if (code === 'ERROR' || (code !== 'OK' && tagOf(tags, 'error').toLowerCase() === 'true')) return { statusCode: 2, statusText };
  return { statusCode: code === 'OK' ? 1 : 0, statusText: '' };
}
function eventsOf(value: unknown): FileSpan['events'] {
  return list('logs', value).map((given, at) => {
    const log = objectOf(`logs[${at}]`, given);
    const fields = tagsOf(`logs[${at}].fields`, log['fields']);
    return {
      timeNs: micros(`logs[${at}].timestamp`, log['timestamp']),
      name: tagOf(fields, 'event') || tagOf(fields, 'message') || 'log',
      attributes: fields.filter(([key]) => key !== 'event'),
    };
  });
}
function referencesOf(span: JsonObject, traceId: string): { readonly parentId: string; readonly links: FileSpan['links'] } {
  let parentId = spanIdOf(textOf('parentSpanID', span['parentSpanID']));
  const links: { traceId: string; spanId: string }[] = [];
  for (const [at, given] of list('references', span['references']).entries()) {
    const reference = objectOf(`references[${at}]`, given);
    const other = {
      traceId: traceIdOf(textOf(`references[${at}].traceID`, reference['traceID'])),
      spanId: spanIdOf(textOf(`references[${at}].spanID`, reference['spanID'])),
    };
    const isChild = reference['refType'] === 'CHILD_OF' && other.traceId === traceId;
    if (isChild && (parentId === '' || parentId === other.spanId)) parentId = other.spanId;
    else if (other.traceId !== '' && other.spanId !== '') links.push(other);
  }
  return { parentId: /^0*$/.test(parentId) ? '' : parentId, links };
}
function resourceOf(value: unknown): Pairs {
  if (value === undefined) return [];
  const process = objectOf('its process', value);
  const service = textOf('serviceName', process['serviceName']);
  const tags = tagsOf('process.tags', process['tags']).filter(([key]) => key !== 'service.name');
  return [...(service === '' ? [] : ([['service.name', service]] as const)), ...tags];
}
function spanOf(line: number, value: unknown, resources: Readonly<Record<string, Pairs>>): FileSpan {
  const span = objectOf('it', value);
  const traceId = traceIdOf(textOf('traceID', span['traceID']));
  const spanId = spanIdOf(textOf('spanID', span['spanID']));
  if (traceId === '' || spanId === '') throw new OtlpError('malformed', 'traceID or spanID is missing or not hexadecimal');
  const tags = tagsOf('tags', span['tags']);
  const startNs = micros('startTime', span['startTime']);
  const processId = textOf('processID', span['processID']);
  const own = span['process'] === undefined || span['process'] === null ? resources[processId] : resourceOf(span['process']);
  if (own === undefined && processId !== '')
    throw new OtlpError('malformed', `its process ${JSON.stringify(processId.slice(0, 40))} is not among "processes"`);
  return {
    line,
    traceId,
    spanId,
    ...referencesOf(span, traceId),
    name: textOf('operationName', span['operationName']),
    kind: KINDS[tagOf(tags, 'span.kind').toLowerCase()] ?? 0,
    startNs,
    endNs: startNs + micros('duration', span['duration'] ?? 0),
    resource: own ?? [],
    attributes: tags.filter(([key]) => !TAKEN.has(key)),
    events: eventsOf(span['logs']),
    ...statusOf(tags),
    scopeName: tagOf(tags, 'otel.scope.name', 'otel.library.name'),
    scopeVersion: tagOf(tags, 'otel.scope.version', 'otel.library.version'),
  };
}

/** Trace by trace: a bad span takes no other with it. */
export async function* readJaeger(content: Bytes): FileReading {
  const batch = new Batch(SPANS);
  let line = 0;
  // A single trace without "data" around it is what its API's clients often keep.
  for await (const element of readElements(content, ['data', ''])) {
    if ('reason' in element) {
      yield element;
      continue;
    }
    yield* readTrace(element.value, element, () => ++line, batch);
  }
  const last = batch.flush();
  if (last) yield last;
}
function* readTrace(
  value: unknown,
  { index, offset }: { readonly index: number; readonly offset: number },
  next: () => number,
  batch: Batch<FileSpan>,
): Generator<FileRecord | RefusedRecord> {
  const refused = (error: unknown, where: string): RefusedRecord => {
    if (!(error instanceof OtlpError)) throw error;
    return { line: null, offset, reason: error.reason, message: `trace ${index}${where}: ${error.message}` };
  };
  let spans: readonly unknown[];
  let resources: Record<string, Pairs>;
  try {
    const trace = objectOf('it', value);
    if (!Array.isArray(trace['spans'])) throw wrong('spans', 'an array', trace['spans']);
    spans = trace['spans'];
    const processes = trace['processes'] === undefined || trace['processes'] === null ? {} : objectOf('processes', trace['processes']);
    resources = Object.fromEntries(Object.entries(processes).map(([id, process]) => [id, resourceOf(process)]));
  } catch (error) {
    yield refused(error, '');
    return;
  }
  for (const [at, span] of spans.entries()) {
    let record: FileRecord | null = null;
    try {
      record = batch.add(spanOf(next(), span, resources));
    } catch (error) {
      yield refused(error, `, span ${at}`);
    }
    if (record) yield record;
  }
}
