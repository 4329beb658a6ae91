import { severityOfName } from '#collectors/otlp/log-levels.ts';
import { isSpanId, isTraceId } from '#collectors/otlp/log-writer.ts';
import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';
import type { Pairs } from './log-batch.ts';
import { parseTime } from './times.ts';

/** What a line of an application says beside its text, where it is JSON or logfmt, or carries a level as loggers write it. */
export interface Structured {
  readonly body: string;
  readonly severity: string;
  readonly severityNumber: number;
  readonly timeNs: bigint;
  readonly traceId: string;
  readonly spanId: string;
  readonly service: string;
  readonly attributes: Pairs;
}
const BODY = ['message', 'msg', 'body', 'log', 'event', '@m', '@message', 'MESSAGE'];
const SEVERITY = ['level', 'severity', 'lvl', 'loglevel', 'log.level', 'severity_text', '@l', 'levelname'];
const TIME = ['timestamp', 'time', 'ts', '@timestamp', '@t', 'datetime', 'date', 't'];
const TRACE = ['trace_id', 'traceId', 'traceID', 'trace.id', 'TraceId', 'dd.trace_id'];
const SPAN = ['span_id', 'spanId', 'spanID', 'span.id', 'SpanId', 'dd.span_id'];
const SERVICE = ['service.name', 'service_name', 'service'];
/** bunyan and pino write levels as numbers. */
const PINO: Readonly<Record<string, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const MAX_FIELDS = 200;

function flat(value: unknown): AttributeValue | null {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
}
/** @param whole text for a line without a message of its own */
export function structure(fields: Readonly<Record<string, unknown>>, whole: string): Structured {
  const used = new Set<string>();
  const take = (names: readonly string[], fits: (text: string) => boolean = (text) => text !== ''): string => {
    for (const name of names) {
      const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (typeof value !== 'string' && typeof value !== 'number') continue;
      if (!fits(String(value))) continue;
      used.add(name);
      return String(value);
    }
    return '';
  };
  const time = take(TIME, (text) => parseTime(text) !== null);
  const said = take(SEVERITY);
  const severity = PINO[said] ?? said;
  const traceId = take(TRACE, isTraceId);
  const spanId = take(SPAN, isSpanId);
  const service = take(SERVICE);
  const body = take(BODY) || whole;
  const attributes: [string, AttributeValue][] = [];
  for (const [key, value] of Object.entries(fields)) {
    const given = used.has(key) ? null : flat(value);
    if (given !== null && attributes.length < MAX_FIELDS) attributes.push([key, given]);
  }
  return {
    body,
    severity,
    severityNumber: severityOfName(severity),
    timeNs: time === '' ? 0n : (parseTime(time) ?? 0n),
    traceId,
    spanId,
    service,
    attributes,
  };
}

const PAIR = /([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?:\s+|$)/y;
/** key=value key="value" ...; null: something on the line is no pair. */
export function parseLogfmt(line: string): Record<string, string> | null {
  const fields: Record<string, string> = {};
  PAIR.lastIndex = line.length - line.trimStart().length;
  let count = 0;
  while (PAIR.lastIndex < line.length) {
    const match = PAIR.exec(line);
    if (!match) return null;
    const [, key = '', quoted, bare = ''] = match;
    Object.defineProperty(fields, key, {
      value: quoted === undefined ? bare : quoted.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c === 't' ? '\t' : c)),
      enumerable: true,
      configurable: true,
    });
    if (++count > MAX_FIELDS) return null;
  }
  return count > 0 ? fields : null;
}

const LEVEL =
  /(?:^|[\s[(|<:"])(TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|FATAL|PANIC|EMERG|ALERT|SEVERE)(?=$|[\s\]):|>,"])/;
const LOWER_LEVEL =
  /(?:\[|\blevel=|\blvl=|")(trace|debug|info|notice|warn|warning|error|err|critical|crit|fatal|panic|emerg|alert)(?=$|[\]\s"])/;
/** klog and glog: "E1121 19:33:55.123456  1 file.go:12] ..." */
const KLOG = /^([IWEF])\d{4} \d\d:\d\d:\d\d/;
const KLOG_LEVELS: Readonly<Record<string, string>> = { I: 'info', W: 'warning', E: 'error', F: 'fatal' };
/** The level a text line carries near its beginning; '' = none. */
export function levelOf(line: string): string {
  const begin = line.slice(0, 120);
  const klog = KLOG.exec(begin)?.[1];
  if (klog) return KLOG_LEVELS[klog] as string;
  const level = LEVEL.exec(begin)?.[1] ?? LOWER_LEVEL.exec(begin)?.[1] ?? '';
  return level === 'SEVERE' ? 'ERROR' : level;
}

/** A line of an application, whatever its logger writes: JSON and logfmt by their fields, anything else as it stands. */
export function readMessage(line: string): Structured {
  if (line.startsWith('{') && line.endsWith('}')) {
    try {
      const fields: unknown = JSON.parse(line);
      if (typeof fields === 'object' && fields !== null) return structure(fields as Record<string, unknown>, line);
    } catch {
      // A line that only looks like it.
    }
  }
  if (/^[\w.@-]+=/.test(line)) {
    const fields = parseLogfmt(line);
    if (fields && Object.keys(fields).length >= 2) return structure(fields, line);
  }
  const severity = levelOf(line);
  return {
    body: line,
    severity,
    severityNumber: severityOfName(severity),
    timeNs: 0n,
    traceId: '',
    spanId: '',
    service: '',
    attributes: [],
  };
}
