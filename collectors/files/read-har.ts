import { createHash } from 'node:crypto';
import { type JsonObject, objectOf, textOf, wrong } from '#collectors/otlp/json-values.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';
import { timeOfIso } from '#collectors/tail/line-time.ts';
import { Batch, type FileSpan, SPANS } from './batch.ts';
import type { Bytes, FileReading, FileRecord } from './file-record.ts';
import { readElements } from './read-elements.ts';

/**
 * HAR 1.2 (www.softwareishard.com/blog/har-12-spec): each request of a browser is a client span, those of one page are one trace.
 * Ids are made of the content, so that the same file makes the same spans.
 */
const KIND_CLIENT = 3;
const PHASES = ['blocked', 'dns', 'connect', 'ssl', 'send', 'wait', 'receive'];
const hashOf = (text: string, bytes: number): string =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, bytes * 2);
/** The traceparent a page sent joins the span with what the server recorded. */
const TRACEPARENT = /^[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-[0-9a-f]{2}$/;

function headerOf(message: JsonObject, name: string): string {
  const headers = message['headers'];
  if (!Array.isArray(headers)) return '';
  const found = headers.find((each: unknown) => String((each as JsonObject | null)?.['name']).toLowerCase() === name) as
    | JsonObject
    | undefined;
  return typeof found?.['value'] === 'string' ? found['value'] : '';
}
function urlParts(url: string): [string, AttributeValue][] {
  if (!URL.canParse(url)) return [];
  const { hostname, port, protocol, pathname } = new URL(url);
  const scheme = protocol.replace(':', '');
  return [
    ['server.address', hostname],
    ['server.port', Number(port) || (scheme === 'https' ? 443 : 80)],
    ['url.scheme', scheme],
    ['url.path', pathname],
  ];
}
function spanOf(index: number, value: unknown): FileSpan {
  const entry = objectOf('it', value);
  const request = objectOf('request', entry['request']);
  const response = entry['response'] === undefined ? {} : objectOf('response', entry['response']);
  const started = textOf('startedDateTime', entry['startedDateTime']);
  const startNs = timeOfIso(started);
  if (startNs === null) throw wrong('startedDateTime', 'a time', entry['startedDateTime']);
  const time = entry['time'];
  if (typeof time !== 'number' || !(time < 1e12)) throw wrong('time', 'a number of milliseconds', time);
  const method = textOf('request.method', request['method']);
  const url = textOf('request.url', request['url']);
  const status = Number(response['status'] ?? 0);
  const page = textOf('pageref', entry['pageref']);
  const parent = TRACEPARENT.exec(headerOf(request, 'traceparent'));
  const attributes: [string, AttributeValue][] = [['http.request.method', method], ['url.full', url], ...urlParts(url)];
  if (status > 0) attributes.push(['http.response.status_code', status]);
  const mime = textOf('mimeType', (response['content'] as JsonObject | undefined)?.['mimeType']);
  const size = Number((response['content'] as JsonObject | undefined)?.['size'] ?? -1);
  if (mime !== '') attributes.push(['http.response.header.content-type', mime]);
  if (size >= 0) attributes.push(['http.response.body.size', size]);
  const timings = (entry['timings'] ?? {}) as JsonObject;
  for (const phase of PHASES)
    if (typeof timings[phase] === 'number' && (timings[phase] as number) >= 0)
      attributes.push([`har.${phase}_ms`, timings[phase] as number]);
  const traceId = parent?.[1] ?? hashOf(page === '' ? `request ${started} ${url}` : `page ${page} ${started.slice(0, 10)}`, 16);
  const failed = status >= 400 || status === 0;
  return {
    line: index + 1,
    traceId,
    spanId: parent?.[2] ?? hashOf(`${index} ${started} ${method} ${url}`, 8),
    parentId: '',
    name: URL.canParse(url) ? `${method} ${new URL(url).pathname}` : method,
    kind: KIND_CLIENT,
    startNs,
    endNs: startNs + BigInt(Math.round(Math.max(0, time) * 1e6)),
    resource: [['service.name', 'browser']],
    attributes: page === '' ? attributes : [...attributes, ['har.page', page]],
    events: [],
    links: [],
    statusCode: failed ? 2 : 0,
    statusText: status === 0 ? textOf('_error', response['_error']) || 'no answer' : '',
    scopeName: '',
    scopeVersion: '',
  };
}
export async function* readHar(content: Bytes): FileReading {
  const batch = new Batch(SPANS);
  for await (const element of readElements(content, ['log.entries'])) {
    if ('reason' in element) {
      yield element;
      continue;
    }
    let record: FileRecord | null = null;
    try {
      record = batch.add(spanOf(element.index, element.value));
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      yield { line: null, offset: element.offset, reason: error.reason, message: `entry ${element.index}: ${error.message}` };
    }
    if (record) yield record;
  }
  const last = batch.flush();
  if (last) yield last;
}
