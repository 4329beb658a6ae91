import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { readJsonSpan } from '#collectors/zipkin/read-json.ts';
import { resourceOf, spanItemOf } from '#collectors/zipkin/write-otlp.ts';
import { Batch, ResourceCache, SPANS } from './batch.ts';
import type { Bytes, FileReading, FileRecord } from './file-record.ts';
import { readElements } from './read-elements.ts';

/** Zipkin v2: an array of spans, or of traces, as its API answers /trace and /traces. */
export async function* readZipkin(content: Bytes): FileReading {
  const batch = new Batch(SPANS);
  const resources = new ResourceCache();
  let line = 0;
  for await (const element of readElements(content, [''])) {
    if ('reason' in element) {
      yield element;
      continue;
    }
    const spans = Array.isArray(element.value) ? (element.value as unknown[]) : [element.value];
    for (const [at, value] of spans.entries()) {
      let record: FileRecord | null = null;
      try {
        const span = readJsonSpan(value);
        if (span.traceId === '' || span.id === '') throw new OtlpError('malformed', 'traceId or id is missing or not hexadecimal');
        record = batch.add({ ...spanItemOf(span), line: ++line, resource: resources.of(resourceOf(span)) });
      } catch (error) {
        if (!(error instanceof OtlpError)) throw error;
        const where = Array.isArray(element.value) ? `trace ${element.index}, span ${at}` : `span ${element.index}`;
        yield { line: null, offset: element.offset, reason: error.reason, message: `${where}: ${error.message}` };
      }
      if (record) yield record;
    }
  }
  const last = batch.flush();
  if (last) yield last;
}
