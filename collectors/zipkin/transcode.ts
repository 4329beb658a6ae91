import { MAX_ROWS } from '#collectors/otlp/check.ts';
import { parseJsonText } from '#collectors/otlp/json-text.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { Transcoded } from '#collectors/otlp/receiver.ts';
import { readLength, readTag, skipField, wireInput } from '#collectors/otlp/wire.ts';
import { readJsonSpan } from './read-json.ts';
import { readProtobufSpan } from './read-protobuf.ts';
import { writeZipkinSpans } from './write-otlp.ts';
import type { ZipkinSpan } from './zipkin-span.ts';

const ADVICE = 'Zipkin v2 takes an array of spans: [{"traceId": "...", "id": "...", ...}].';
const FIRST_KEY = 0x0a;
const tooMany = (): OtlpError => new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} spans in one request`);

/** Reads each span by itself: one that cannot be read is counted and takes no other with it. */
class Reading {
  readonly spans: ZipkinSpan[] = [];
  unreadable = 0;
  problem = '';
  add(read: () => ZipkinSpan): void {
    const at = this.spans.length + this.unreadable;
    if (at >= MAX_ROWS) throw tooMany();
    try {
      this.spans.push(read());
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      this.unreadable++;
      if (this.problem === '') this.problem = `span ${at}: ${error.message}`;
    }
  }
}
function readJson(body: Uint8Array): Reading {
  const list = parseJsonText(body);
  if (!Array.isArray(list)) throw new OtlpError('malformed', `the body is not an array. ${ADVICE}`);
  if (list.length > MAX_ROWS) throw tooMany();
  const reading = new Reading();
  for (const value of list) reading.add(() => readJsonSpan(value));
  return reading;
}
/** zipkin.proto3.ListOfSpans: spans = 1. */
function readProtobuf(body: Uint8Array): Reading {
  const input = wireInput(body);
  const reading = new Reading();
  while (input.pos < body.length) {
    const tag = readTag(input, body.length);
    if (tag !== FIRST_KEY) {
      skipField(input, tag, body.length);
      continue;
    }
    const length = readLength(input, body.length);
    const start = input.pos;
    reading.add(() => readProtobufSpan(input, start, start + length));
    input.pos = start + length;
  }
  return reading;
}

/**
 * @param body decompressed
 * @returns the spans as OTLP; those with an unusable id are among them, for the check to count
 * @throws OtlpError when nothing can be read: malformed, invalid_utf8, decompressed_too_large
 */
export function transcodeZipkin(body: Uint8Array, format: 'json' | 'protobuf'): Transcoded {
  try {
    const { spans, unreadable, problem } = format === 'json' ? readJson(body) : readProtobuf(body);
    if (spans.length === 0 && unreadable > 0) throw new OtlpError('malformed', `none of ${unreadable} spans can be read; ${problem}`);
    if (spans.length > 0 && spans.every(({ traceId, id }) => traceId === '' || id === ''))
      throw new OtlpError('malformed', 'no span has a usable id: traceId is 16 or 32 hexadecimal digits, id 16');
    return { body: writeZipkinSpans(spans, body.length), unreadable, problem };
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error;
    throw new OtlpError(error.reason, `cannot read Zipkin spans from ${body.length} bytes: ${error.message}`);
  }
}
