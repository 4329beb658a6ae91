import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compressionOf } from '#store/bills/read-header.ts';
import { describeJson, parseExact, SHAPES, wrapBare } from './describe-json.ts';
import { describeProtobuf } from './describe-protobuf.ts';
import type { RefusedRecord, SplitFile, TelemetryRecord } from './telemetry-record.ts';

/** Most bytes a compressed file may become: a bomb must not take the engine with it. */
const MAX_DECOMPRESSED_BYTES = 2 ** 31 - 1;
const NEWLINE = 0x0a;

/** The requests in a file, recognised by content alone: the name says nothing reliable. Never throws. */
export function splitFile(bytes: Uint8Array): SplitFile {
  const refuse = (format: string, reason: string, message: string): SplitFile => ({ format, records: [{ line: null, reason, message }] });
  if (bytes.length === 0) return refuse('unknown', 'malformed', 'the file is empty');
  const compression = compressionOf(bytes);
  if (compression !== 'none') {
    try {
      const options = { maxOutputLength: MAX_DECOMPRESSED_BYTES };
      const plain = compression === 'gzip' ? gunzipSync(bytes, options) : zstdDecompressSync(bytes, options);
      const inner =
        compressionOf(plain) !== 'none' ? refuse('unknown', 'bad_compression', 'the file is compressed twice') : splitFile(plain);
      return { ...inner, format: `${inner.format}+${compression}` };
    } catch (error) {
      const large = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      return refuse(`unknown+${compression}`, large ? 'decompressed_too_large' : 'bad_compression', (error as Error).message);
    }
  }
  const first = firstVisible(bytes);
  if (first === '{' || first === '[') return splitJsonFile(bytes);
  return (
    splitProtobufFile(bytes) ??
    refuse('unknown', 'unsupported_content_type', 'this is neither OTLP JSON, JSON lines nor protobuf; nothing of it was taken')
  );
}
function firstVisible(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 1024));
  return text.replace(/^\uFEFF/, '').trimStart()[0] ?? '';
}

function splitJsonFile(bytes: Uint8Array): SplitFile {
  const whole = wholeDocument(bytes);
  if (whole) return whole;
  return { format: 'otlp-jsonl', records: jsonLines(bytes) };
}
/** A file that is one JSON value (a request, or an array of them), however it is laid out; null: it is lines. */
function wholeDocument(bytes: Uint8Array): SplitFile | null {
  const lineEnd = bytes.indexOf(NEWLINE);
  const firstLine = lineEnd < 0 ? bytes : bytes.subarray(0, lineEnd);
  if (lineEnd >= 0 && isBlank(bytes.subarray(lineEnd))) return wholeDocument(firstLine);
  // Lines: the first stands for itself, or is cut off and the second begins a new value.
  if (lineEnd >= 0 && (isJson(firstLine) || beginsRequest(bytes.subarray(lineEnd)))) return null;
  const parsed = parseRecord(bytes, null);
  return { format: 'otlp-json', records: Array.isArray(parsed) ? parsed : [parsed] };
}
const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(decode(bytes));
    return true;
  } catch {
    return false;
  }
}
const beginsRequest = (bytes: Uint8Array): boolean =>
  /^\s*\{\s*"resource(?:Spans|Logs|Metrics)"/.test(new TextDecoder().decode(bytes.subarray(0, 256)));
const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

function* jsonLines(bytes: Uint8Array): Generator<TelemetryRecord | RefusedRecord> {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const at = bytes.indexOf(NEWLINE, from);
    const end = at < 0 ? bytes.length : at;
    const own = bytes.subarray(from, end);
    from = end + 1;
    if (isBlank(own)) continue;
    const parsed = parseRecord(own, line);
    if (Array.isArray(parsed)) yield* parsed;
    else yield parsed;
  }
}
const KNOWN = SHAPES.map((shape) => shape.resources).join(', ');
function parseRecord(bytes: Uint8Array, line: number | null): TelemetryRecord[] | RefusedRecord {
  let value: unknown;
  try {
    value = JSON.parse(decode(bytes));
  } catch (error) {
    const utf8 = error instanceof TypeError;
    return { line, reason: utf8 ? 'invalid_utf8' : 'malformed', message: utf8 ? 'not valid UTF-8' : (error as Error).message };
  }
  if (Array.isArray(value)) return parseArray(bytes, line);
  const bare = wrapBare(value);
  if (bare) return parseRecord(new TextEncoder().encode(`{"${bare.key}":[${decode(bytes)}]}`), line);
  const records = describeJson(value, bytes, line);
  if (records.length > 0) return records;
  return { line, reason: 'malformed', message: `JSON, but no OTLP request: none of ${KNOWN} is in it` };
}
function parseArray(bytes: Uint8Array, line: number | null): TelemetryRecord[] | RefusedRecord {
  const records: TelemetryRecord[] = [];
  for (const [index, value] of (parseExact(decode(bytes)) as unknown[]).entries()) {
    const own = new TextEncoder().encode(JSON.stringify(value));
    const parsed = Array.isArray(value) ? { line, reason: 'malformed', message: 'an array in an array' } : parseRecord(own, line);
    if (!Array.isArray(parsed)) return { ...parsed, message: `element ${index}: ${parsed.message}` };
    records.push(...parsed);
  }
  return records;
}

function splitProtobufFile(bytes: Uint8Array): SplitFile | null {
  const single = describeProtobuf(bytes, null);
  if (single) return { format: 'otlp-protobuf', records: single };
  for (const readLength of [varintLength, bigEndianLength]) {
    const records = delimited(bytes, readLength);
    if (records) return { format: 'otlp-protobuf-delimited', records };
  }
  return null;
}
type ReadLength = (bytes: Uint8Array, at: number) => { readonly length: number; readonly start: number } | null;
/** protobuf's own writeDelimitedTo. */
const varintLength: ReadLength = (bytes, at) => {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { length, start: at + i + 1 };
  }
  return null;
};
/** The Collector's file exporter with `format: proto`: four bytes, big-endian. */
const bigEndianLength: ReadLength = (bytes, at) =>
  at + 4 <= bytes.length ? { length: new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0), start: at + 4 } : null;

/** null when not even the first message is one. What follows a cut-off or foreign message is still taken. */
function delimited(bytes: Uint8Array, readLength: ReadLength): (TelemetryRecord | RefusedRecord)[] | null {
  const records: (TelemetryRecord | RefusedRecord)[] = [];
  let number = 1;
  for (let at = 0; at < bytes.length; number++) {
    const head = readLength(bytes, at);
    if (!head || head.start + head.length > bytes.length) {
      if (number === 1) return null;
      records.push({ line: number, reason: 'malformed', message: `message ${number} is cut off at the end of the file` });
      return records;
    }
    at = head.start + head.length;
    const own = describeProtobuf(bytes.subarray(head.start, at), number);
    if (own) records.push(...own);
    else if (number === 1) return null;
    else if (head.length > 0) records.push({ line: number, reason: 'malformed', message: `message ${number} is not an export request` });
  }
  return records;
}
