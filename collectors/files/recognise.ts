import { type FileFormat, FORMATS } from '#contracts/file-formats.ts';
import type { Recognition } from '#contracts/import-files.ts';
import type { Compression } from './open-file.ts';
import { peekJson } from './peek-json.ts';
import { protobufFraming } from './read-otlp.ts';
import { TEXT_RECOGNISERS } from './recognise-text.ts';

/** What recognisers look at: first bytes of the content, and what they are as text and JSON. */
export interface Looked {
  readonly bytes: Uint8Array;
  /** The content is not longer. */
  readonly whole: boolean;
  /** null: no text. */
  readonly text: string | null;
  /** Whole lines, without the empty ones; the first 200. */
  readonly lines: readonly string[];
  /** Beginning of the first JSON value; undefined: it does not begin with one. */
  readonly json: unknown;
  /** Each line is a JSON value of its own. */
  readonly jsonLines: boolean;
}
/** 3: nothing else looks like this; 2: likely; 1: possible, when nothing better is there; 0: no. */
export type Score = 0 | 1 | 2 | 3;
export type Recogniser = readonly [format: FileFormat, score: (looked: Looked) => Score];

type Json = Readonly<Record<string, unknown>>;
const object = (value: unknown): Json | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined);
const has = (value: unknown, ...keys: readonly string[]): boolean => {
  const given = object(value);
  return given !== null && keys.every((key) => key in given);
};
const OTLP = ['resourceSpans', 'resourceLogs', 'resourceMetrics', 'scopeSpans', 'scopeLogs', 'scopeMetrics'];
const isOtlp = (value: unknown): boolean => OTLP.some((key) => has(value, key));
function otlp({ json }: Looked): boolean {
  return isOtlp(json) || isOtlp(first(json)) || isOtlp(object(json)?.['data']);
}
/** The second line of a broken first one. */
const beginsRequest = ({ lines }: Looked): boolean => /^\s*\{\s*"resource(?:Spans|Logs|Metrics)"/.test(lines[1] ?? '');
const begins = ({ bytes }: Looked, ...magic: readonly number[]): boolean => magic.every((byte, at) => bytes[at] === byte);
const sure = (yes: boolean): Score => (yes ? 3 : 0);
/** Its address fields; bytes of any kind may follow. */
const isJournalExport = (bytes: Uint8Array): boolean =>
  /^\n*__(?:CURSOR|REALTIME_TIMESTAMP|MONOTONIC_TIMESTAMP|SEQNUM)=[^\n]*\n/.test(Buffer.from(bytes.subarray(0, 1024)).toString('latin1'));

export const RECOGNISERS: readonly Recogniser[] = [
  ['zip', (looked) => sure(begins(looked, 0x50, 0x4b, 3, 4) || begins(looked, 0x50, 0x4b, 5, 6))],
  ['parquet', (looked) => sure(begins(looked, 0x50, 0x41, 0x52, 0x31))],
  ['otlp-protobuf', ({ bytes, text }) => (protobufFraming(bytes) === null ? 0 : text === null ? 3 : 2)],
  ['otlp-jsonl', (looked) => sure((looked.jsonLines && otlp(looked)) || beginsRequest(looked))],
  ['otlp-json', (looked) => sure(!looked.jsonLines && !beginsRequest(looked) && otlp(looked))],
  [
    'jaeger-json',
    ({ json }) =>
      sure(
        has(first(object(json)?.['data']), 'spans') ||
          has(first(object(json)?.['data']), 'traceID') ||
          has(first(json), 'spans', 'processes'),
      ),
  ],
  ['zipkin-json', ({ json }) => sure(has(first(json), 'traceId', 'id') || has(first(first(json)), 'traceId', 'id'))],
  ['har', ({ json }) => sure(has(object(json)?.['log'], 'entries') || has(object(json)?.['log'], 'version', 'creator'))],
  ['loki-json', ({ json }) => sure(object(object(json)?.['data'])?.['resultType'] === 'streams')],
  ['loki-jsonl', ({ json }) => sure(has(json, 'labels', 'line', 'timestamp'))],
  [
    'cloudwatch-json',
    ({ json }) => sure(has(first(object(json)?.['events']), 'timestamp', 'message') || has(json, 'events', 'searchedLogStreams')),
  ],
  ['journal-json', ({ json }) => sure(has(json, '__REALTIME_TIMESTAMP') || has(first(json), '__REALTIME_TIMESTAMP'))],
  ['journal-export', ({ bytes }) => sure(isJournalExport(bytes))],
  ['ndjson', ({ json, jsonLines }) => ((jsonLines && object(json)) || object(first(json)) ? 1 : 0)],
  ...TEXT_RECOGNISERS,
];

/** Bytes that no text has; the escape of coloured output is none of them. */
const isControl = (byte: number): boolean =>
  byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x0c && byte !== 0x1b;
function textOf(bytes: Uint8Array, whole: boolean): string | null {
  if (bytes.some(isControl)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole });
  } catch {
    // Logs in an older encoding are text all the same, where few bytes are beyond ASCII.
    const high = bytes.reduce((sum, byte) => sum + (byte >= 0x80 ? 1 : 0), 0);
    return high <= bytes.length * 0.3 ? new TextDecoder().decode(bytes) : null;
  }
}
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
/** "[INFO] ..." and "[2026-11-21 ..." are logs. */
const JSON_BEGIN = /^\s*(?:\{\s*(?:["}]|$)|\[\s*(?:[[{"\]]|$))/;
export function lookAt(bytes: Uint8Array, whole: boolean): Looked {
  const text = textOf(bytes, whole);
  const all = (text ?? '').split('\n');
  if (!whole && all.length > 1) all.pop();
  const lines = all
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '')
    .slice(0, 200);
  const begin = text?.trimStart()[0];
  const json = text !== null && JSON_BEGIN.test(text) ? (peekJson(text) ?? null) : undefined;
  const jsonLines = lines.length > 1 && begin === '{' && lines.slice(0, 3).some((line) => line.length < 1_000_000 && isJson(line));
  return { bytes, whole, text, lines, json, jsonLines };
}
/** TSDB files by their magic numbers: only the folder around them can be read. */
const TSDB_PART = [
  [0xba, 0xaa, 0xd7, 0x00],
  [0x85, 0xbd, 0x40, 0xdd],
];

/**
 * Tells what a file is by its first bytes alone, never by its name. Several that fit equally well: none is taken, all are named.
 * @param whole the content is not longer than `bytes`
 */
export function recognise(bytes: Uint8Array, whole: boolean, compression: Compression = 'none'): Recognition {
  const none = (why: Recognition['why'], says: string): Recognition => ({ format: null, candidates: [], compression, says, why });
  if (bytes.length === 0) return none('empty', 'The file is empty.');
  const looked = lookAt(bytes, whole);
  if (looked.text !== null && looked.text.trim() === '') return none('empty', 'The file is empty.');
  if (TSDB_PART.some((magic) => begins(looked, ...magic)))
    return none('block_part', 'This is a part of a Prometheus TSDB block: import the folder of the block, or a zip of it.');
  const scored = RECOGNISERS.map(([format, score]) => ({ format, score: score(looked) })).filter(({ score }) => score > 0);
  scored.sort((a, b) => b.score - a.score);
  const candidates = scored.map(({ format }) => format);
  const best = scored.filter(({ score }) => score === scored[0]?.score);
  if (best.length === 1) return { format: (best[0] as (typeof best)[number]).format, candidates, compression, says: '', why: '' };
  if (best.length > 1) {
    const names = best.map(({ format }) => `${format} (${FORMATS[format]})`).join(', ');
    return { format: null, candidates, compression, says: `It could be ${names}: say which.`, why: 'ambiguous' };
  }
  if (looked.json !== undefined)
    return none(
      'other_json',
      'JSON, but nothing known: no OTLP, Jaeger, Zipkin, HAR, Loki, CloudWatch or journal, and no table of objects.',
    );
  return none('none_known', 'The content is none of the formats known here, and no text.');
}
