import { LEVEL_FIELDS, severityOfName } from '#collectors/otlp/log-levels.ts';
import { isSpanId, isTraceId, type LogItem } from '#collectors/otlp/log-writer.ts';
import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';
import type { TailFormat } from '#contracts/tailing.ts';
import { type LineClock, timeOfField, timeOfLine } from './line-time.ts';
import { parseLogfmt } from './logfmt.ts';

/** A line as a log record. */
export interface LogLine extends LogItem {
  readonly body: string;
  /** It is not of the format it should have; kept as text. */
  readonly unparsed: boolean;
}
const NOTHING = {
  timeNs: 0n,
  observedNs: 0n,
  severityNumber: 0,
  severityText: '',
  attributes: [],
  traceId: '',
  spanId: '',
  unparsed: false,
};
const TIME_KEYS = ['time', 'timestamp', '@timestamp', 'ts', 't', '@t', 'datetime', 'date', 'eventTime', 'asctime', 'Timestamp'];
/** "log" is Docker's json-file, "event" structlog's, "@m" Serilog's. */
const BODY_KEYS = [
  'msg',
  'message',
  'log',
  'event',
  '@m',
  '@message',
  'short_message',
  'textPayload',
  'body',
  'Body',
  'Message',
  'MESSAGE',
];
const LEVELS = [...LEVEL_FIELDS, 'log.level', '@l', 'levelname', 'loglevel', 'severityText', 'SeverityText', 'Level'];
/** Datadog's `dd.span_id` is decimal and is none of these; its `dd.trace_id` may be hexadecimal. */
const TRACE_KEYS = ['trace_id', 'traceId', 'traceID', 'traceid', 'trace.id', 'TraceId', 'dd.trace_id'];
const SPAN_KEYS = ['span_id', 'spanId', 'spanID', 'spanid', 'span.id', 'SpanId'];
/** Pino's and Bunyan's numbers. */
const NUMBERED: Readonly<Record<string, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
/** Deeper values stay JSON text: the engine's own limit on nesting must not meet them. */
const MAX_DEPTH = 8;

const WORDS = 'TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|ALERT|EMERG|EMERGENCY|FATAL|PANIC|SEVERE';
/** In capitals wherever the head of a line has it; in other letters only where it is marked: [error], error: */
const LOUD = new RegExp(`(?:^|[\\s[|(<:])(${WORDS})(?=[\\s\\]|)>:,]|$)`);
const MARKED = new RegExp(`(?:^|\\s)(?:[[<(](${WORDS})[\\]>)]|(${WORDS}):|(?:level|lvl)="?(${WORDS})"?(?=\\s|$))`, 'i');
const SEVERITY_CHARS = 160;
const KLOG_LEVELS: Readonly<Record<string, string>> = { I: 'INFO', W: 'WARN', E: 'ERROR', F: 'FATAL' };

/** The word by which a line of plain text says how severe it is; '' = none. */
export function severityWordOf(line: string): string {
  const klog = /^([IWEF])\d{4} \d\d:\d\d:\d\d\./.exec(line);
  if (klog) return KLOG_LEVELS[klog[1] as string] as string;
  const head = line.length > SEVERITY_CHARS ? line.slice(0, SEVERITY_CHARS) : line;
  const loud = LOUD.exec(head);
  if (loud) return loud[1] as string;
  const marked = MARKED.exec(head);
  return marked ? (marked[1] ?? marked[2] ?? marked[3] ?? '') : '';
}
function plainLine(line: string, clock: LineClock, unparsed: boolean): LogLine {
  const severityText = severityWordOf(line);
  return { ...NOTHING, timeNs: timeOfLine(line, clock), severityNumber: severityOfName(severityText), severityText, body: line, unparsed };
}

type Fields = Map<string, AttributeValue>;
function flatten(value: object, prefix: string, depth: number, into: Fields): void {
  for (const [key, each] of Object.entries(value)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (each === null || name === '') continue;
    if (typeof each === 'object' && !Array.isArray(each) && depth < MAX_DEPTH) flatten(each, name, depth + 1, into);
    else into.set(name, typeof each === 'object' ? JSON.stringify(each) : (each as AttributeValue));
  }
}
/** Whole numbers beyond 2^53 stay what they are: as text. */
const exactNumber = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value;
function parseJson(line: string): Fields | null {
  try {
    const value = (/\d{16}/.test(line) ? JSON.parse(line, exactNumber) : JSON.parse(line)) as unknown;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    const fields: Fields = new Map();
    flatten(value, '', 1, fields);
    return fields;
  } catch {
    // Not JSON, or nested deeper than the stack: a line of text.
    return null;
  }
}

/** Takes out the first of `keys` whose value `read` makes something of. */
function take<T>(fields: Fields, keys: readonly string[], read: (value: AttributeValue) => T | null): T | null {
  for (const key of keys) {
    const value = fields.get(key);
    const read_ = value === undefined ? null : read(value);
    if (read_ === null) continue;
    fields.delete(key);
    return read_;
  }
  return null;
}
const idOf = (isId: (text: string) => boolean) => (value: AttributeValue) => (typeof value === 'string' && isId(value) ? value : null);
const levelOf = (value: AttributeValue): string | null => {
  const text = NUMBERED[String(value)] ?? (typeof value === 'string' ? value : null);
  return text === '' ? null : text;
};

function structuredLine(line: string, fields: Fields, clock: LineClock): LogLine {
  const timeNs = take(fields, TIME_KEYS, (value) => timeOfField(value, clock) || null) ?? 0n;
  const level = take(fields, LEVELS, levelOf);
  const traceId = take(fields, TRACE_KEYS, idOf(isTraceId)) ?? '';
  const spanId = take(fields, SPAN_KEYS, idOf(isSpanId)) ?? '';
  const message = take(fields, BODY_KEYS, (value) => (typeof value === 'string' ? value : null));
  const body = message === null ? line : message.replace(/\r?\n$/, '');
  const severityText = level ?? severityWordOf(body);
  const severityNumber = severityOfName(severityText);
  return { ...NOTHING, timeNs, severityNumber, severityText, body, attributes: [...fields], traceId, spanId };
}
/** Text that merely has an "=" in it is no logfmt: one of its fields must be a time, a level or a message. */
const isLogfmt = (fields: Fields): boolean =>
  fields.size >= 2 && [TIME_KEYS, LEVELS, BODY_KEYS].some((keys) => keys.some((key) => fields.has(key)));

/** What a line of a log says. Never throws. @param line without its line feed; several of them in a multi-line record */
export function readLogLine(line: string, format: TailFormat, clock: LineClock): LogLine {
  if (format === 'json' || (format === 'auto' && line.startsWith('{') && line.trimEnd().endsWith('}'))) {
    const fields = parseJson(line);
    return fields ? structuredLine(line, fields, clock) : plainLine(line, clock, format === 'json');
  }
  if (format === 'logfmt' || (format === 'auto' && /^[A-Za-z_@][\w.@/-]*=/.test(line))) {
    const fields = parseLogfmt(line);
    const fits = format === 'logfmt' ? fields.size > 0 : isLogfmt(fields);
    return fits ? structuredLine(line, fields, clock) : plainLine(line, clock, format === 'logfmt');
  }
  return plainLine(line, clock, false);
}

/** What rotation and packing put behind a name. */
const ENDINGS = /(?:\.(?:\d{1,4}|gz|zst|log|txt|out|err|json|jsonl|ndjson|csv|tsv|parquet|har|zip))+$/i;
/** How a service is called by the file it writes: app.log, app.log.1 and app-2026-11-21.log.gz are "app". */
export function serviceOfFile(file: string): string {
  const name = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1).replace(/^\.+/, '');
  return name.replace(/[._-]?\d{4}-?\d\d-?\d\d.*$/, '').replace(ENDINGS, '') || name || 'import';
}
