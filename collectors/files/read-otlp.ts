import { isUtf8 } from 'node:buffer';
import { parseJsonText } from '#collectors/otlp/json-text.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { FILE_LIMITS } from '#contracts/file-formats.ts';
import { ByteWindow } from './byte-window.ts';
import { describeJson, SHAPES, wrapBare } from './describe-json.ts';
import { describeProtobuf } from './describe-protobuf.ts';
import type { Bytes, FileReading, FileRecord, RefusedRecord } from './file-record.ts';
import { peekJson } from './peek-json.ts';
import { BrokenJson, DOCUMENTS, JsonCutter, readJsonElements } from './read-json-elements.ts';
import { readLines, tooLongLine } from './read-lines.ts';
import { withHead } from './with-head.ts';

const KNOWN = SHAPES.map((shape) => shape.resources).join(', ');
const encoder = new TextEncoder();
const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** One JSON text: a request, a bare ResourceSpans (or logs, metrics), or an array of either. */
function recordsOf(bytes: Uint8Array, line: number | null, offset: number): FileRecord[] | RefusedRecord {
  let value: unknown;
  try {
    value = parseJsonText(bytes);
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error;
    return { line, offset, reason: error.reason, message: error.message };
  }
  if (Array.isArray(value)) {
    const records: FileRecord[] = [];
    for (const [index, each] of value.entries()) {
      const parsed = Array.isArray(each)
        ? { line, offset, reason: 'malformed', message: 'an array in an array' }
        : recordsOf(encoder.encode(JSON.stringify(each)), line, offset);
      if (!Array.isArray(parsed)) return { ...parsed, message: `element ${index}: ${parsed.message}` };
      records.push(...parsed);
    }
    return records;
  }
  const bare = wrapBare(value);
  if (bare) return recordsOf(encoder.encode(`{"${bare.key}":[${decode(bytes)}]}`), line, offset);
  const records = describeJson(value, Uint8Array.from(bytes), line);
  if (records.length > 0) return records;
  return { line, offset, reason: 'malformed', message: `JSON, but no OTLP request: none of ${KNOWN} is in it` };
}

/** A request a line, as the Collector's file exporter writes them; a bad line takes no other with it. */
export async function* readOtlpLines(content: Bytes): FileReading {
  for await (const lines of readLines(content)) {
    for (const line of lines) {
      if (line.bytes === null) yield tooLongLine(line);
      else if (line.bytes.toString('latin1', 0, Math.min(line.bytes.length, 64)).trim() !== '' || line.bytes.length > 64) {
        const parsed = recordsOf(line.bytes, line.number, line.offset);
        if (Array.isArray(parsed)) yield* parsed;
        else yield parsed;
      }
    }
  }
}

/** One document, or several in a row: taken resource by resource, so that its size does not matter. */
export async function* readOtlpJson(all: Bytes): FileReading {
  const { head, content } = await withHead(all);
  // A bare ResourceSpans holds its resource beside its scopes: nothing of it can be taken apart here.
  const isBare = wrapBare(peekJson(new TextDecoder().decode(head))) !== null;
  const arrays = [...SHAPES.map(({ resources }) => resources), '', ...SHAPES.map(({ resources }) => `data.${resources}`)];
  const cutter = new JsonCutter(isBare ? [DOCUMENTS] : arrays);
  let taken = false;
  try {
    for await (const block of readJsonElements(content, cutter)) {
      for (const { array, index, offset, bytes } of block) {
        const where = array === '' ? `element ${index}` : `${array}[${index}]`;
        if (bytes === null) {
          yield { line: null, offset, reason: 'body_too_large', message: `${where} is larger than ${FILE_LIMITS.recordBytes} bytes` };
          continue;
        }
        if (!isUtf8(bytes)) {
          yield { line: null, offset, reason: 'invalid_utf8', message: `${where}: not valid UTF-8` };
          continue;
        }
        const key = array.split('.').at(-1);
        const text = array === '' || array === DOCUMENTS ? bytes : encoder.encode(`{"${key}":[${bytes.toString('utf8')}]}`);
        const parsed = recordsOf(text, null, offset);
        taken = true;
        if (Array.isArray(parsed)) yield* parsed;
        else yield { ...parsed, message: `${where}: ${parsed.message}` };
      }
    }
  } catch (error) {
    if (!(error instanceof BrokenJson)) throw error;
    yield { line: null, offset: error.offset, reason: 'malformed', message: error.message };
    return;
  }
  if (!taken && cutter.met.size === 0)
    yield { line: null, offset: 0, reason: 'malformed', message: `JSON, but no OTLP request: none of ${KNOWN} is in it` };
}

/** Length of the message at `at`, and where it begins; null: more bytes are needed. */
type ReadLength = (bytes: Uint8Array, at: number) => { readonly length: number; readonly start: number } | null;
const varintLength: ReadLength = (bytes, at) => {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { length, start: at + i + 1 };
  }
  return { length: Number.MAX_SAFE_INTEGER, start: at + 5 };
};
/** The Collector's file exporter with `format: proto`: four bytes, big-endian. */
const bigEndianLength: ReadLength = (bytes, at) =>
  at + 4 <= bytes.length ? { length: new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0), start: at + 4 } : null;
/** A request by itself is a row of fields 1: each is a resource with what it sent, and a request too. */
const FIELD_1 = 0x0a;

export type ProtobufFraming = 'fields' | 'varint' | 'big-endian';
/** Field 1 of length L whose content begins with a resource (1) or scopes (2), all length-delimited. */
function isField(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== FIELD_1) return false;
  const outer = varintLength(bytes, at + 1);
  if (!outer || outer.length > FILE_LIMITS.recordBytes * 4) return false;
  if (outer.length === 0) return true;
  const tag = bytes[outer.start];
  if (tag !== 0x0a && tag !== 0x12) return false;
  const inner = varintLength(bytes, outer.start + 1);
  return inner !== null && inner.start + inner.length <= outer.start + outer.length;
}
/** How a file of OTLP protobuf is framed, by its first bytes; null: it is none. */
export function protobufFraming(head: Uint8Array): ProtobufFraming | null {
  if (isField(head, 0)) return 'fields';
  for (const [framing, lengthOf] of [
    ['varint', varintLength],
    ['big-endian', bigEndianLength],
  ] as const) {
    const first = lengthOf(head, 0);
    if (first && first.length > 2 && first.length <= FILE_LIMITS.recordBytes * 4 && isField(head, first.start)) return framing;
  }
  return null;
}

/** Requests in protobuf: one, or each behind its length. What follows a foreign message is still taken. */
export async function* readOtlpProtobuf(content: Bytes): FileReading {
  const window = new ByteWindow();
  let framing: ProtobufFraming | null = null;
  let number = 0;
  let decided = false;
  for await (const chunk of content) {
    window.append(chunk);
    if (!decided && window.length < 64) continue;
    framing ??= protobufFraming(window.view());
    decided = true;
    if (!framing) break;
    for (;;) {
      const message = nextMessage(window, framing);
      if (message === null) break;
      number++;
      if (message === 'too-large') {
        yield {
          line: number,
          offset: window.offset,
          reason: 'body_too_large',
          message: `message ${number} is larger than ${FILE_LIMITS.recordBytes * 4} bytes, or no message`,
        };
        return;
      }
      yield* recordsOfMessage(message.body, number, message.offset, framing);
    }
  }
  if (!decided) framing = protobufFraming(window.view());
  if (!framing) {
    yield { line: null, offset: 0, reason: 'malformed', message: 'it does not begin with an export request in protobuf' };
    return;
  }
  for (let message = nextMessage(window, framing); message !== null; message = nextMessage(window, framing)) {
    number++;
    if (message === 'too-large') break;
    yield* recordsOfMessage(message.body, number, message.offset, framing);
  }
  if (window.length > 0)
    yield {
      line: number + 1,
      offset: window.offset,
      reason: 'malformed',
      message: `message ${number + 1} is cut off at the end of the file`,
    };
}
/** Takes the next whole message out of the window. */
function nextMessage(
  window: ByteWindow,
  framing: ProtobufFraming,
): { readonly body: Uint8Array; readonly offset: number } | 'too-large' | null {
  const view = window.view();
  if (view.length === 0) return null;
  const head = framing === 'fields' ? varintLength(view, 1) : (framing === 'varint' ? varintLength : bigEndianLength)(view, 0);
  if (!head) return null;
  if ((framing === 'fields' && view[0] !== FIELD_1) || head.length > FILE_LIMITS.recordBytes * 4) return 'too-large';
  const end = head.start + head.length;
  if (end > view.length) return null;
  const body = Uint8Array.from(view.subarray(framing === 'fields' ? 0 : head.start, end));
  const { offset } = window;
  window.drop(end);
  return { body, offset };
}
function* recordsOfMessage(
  body: Uint8Array,
  number: number,
  offset: number,
  framing: ProtobufFraming,
): Generator<FileRecord | RefusedRecord> {
  if (body.length === 0) return;
  const records = describeProtobuf(body, number);
  const what = framing === 'fields' ? `resource ${number}` : `message ${number}`;
  if (records) yield* records;
  else yield { line: number, offset, reason: 'malformed', message: `${what} is not an export request` };
}
