import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { readJsonSpan } from '#collectors/zipkin/read-json.ts';
import { writeZipkinSpans } from '#collectors/zipkin/write-otlp.ts';
import type { ZipkinSpan } from '#collectors/zipkin/zipkin-span.ts';
import { BATCH_BYTES, BATCH_ITEMS, type Bytes, type FileReading, type FileRecord, TimeSpan } from './file-record.ts';
import { readElements } from './read-elements.ts';

/** Zipkin v2: an array of spans, or of traces, as its API answers /trace and /traces. */
export async function* readZipkin(content: Bytes): FileReading {
  const batch = new ZipkinBatch();
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
        record = batch.add(span, element.bytes.length / spans.length);
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
class ZipkinBatch {
  private spans: ZipkinSpan[] = [];
  private bytes = 0;
  private line = 1;
  add(span: ZipkinSpan, bytes: number): FileRecord | null {
    this.spans.push(span);
    this.bytes += bytes;
    return this.spans.length >= BATCH_ITEMS || this.bytes >= BATCH_BYTES ? this.flush() : null;
  }
  flush(): FileRecord | null {
    const { spans, line } = this;
    if (spans.length === 0) return null;
    const times = new TimeSpan();
    for (const { startNs, durationNs } of spans) {
      times.add(Number(startNs));
      if (startNs > 0n && durationNs !== null) times.add(Number(startNs + durationNs));
    }
    const body = writeZipkinSpans(spans, Math.ceil(this.bytes));
    this.line += spans.length;
    this.spans = [];
    this.bytes = 0;
    return {
      line,
      signal: 'traces',
      contentType: 'application/x-protobuf',
      body,
      items: spans.length,
      minTimeMs: times.minMs,
      maxTimeMs: times.maxMs,
    };
  }
}
