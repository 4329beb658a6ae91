import { isUtf8 } from 'node:buffer';
import { basename } from 'node:path';
import type { FileFormat } from '#contracts/file-formats.ts';
import type { Bytes, FileReading, FileRecord, ReadContext, RefusedRecord } from './file-record.ts';
import { LogBatch, type LogItem, type Pairs } from './log-batch.ts';
import { type Line, readLines, tooLongLine } from './read-lines.ts';
import { readMessage } from './structured-line.ts';
import { parseClfTime, parseIsoTime, parseSyslogTime } from './times.ts';

/** A record before it is written: lines that belong to it may still come. */
type Draft = { -readonly [K in keyof LogItem]: LogItem[K] } & { lines: number };
export type LineFormat = Extract<
  FileFormat,
  'kubectl-logs' | 'cloudwatch-export' | 'journal-short' | 'journal-short-iso' | 'logfmt' | 'log-text'
>;
interface Reading {
  readonly arrivalUnixNano: bigint;
  readonly service: string;
  readonly resources: ResourceCache;
  lastNs: bigint;
}
/** @returns null: the line goes on with the record before it; 'skip': it says nothing */
type LineParser = (text: string, reading: Reading) => Omit<LogItem, 'line'> | null | 'skip';

/** Lines joined to one record. */
const MAX_LINES = 1_000;
const MAX_CHARS = 256 * 1024;

/** One list for the same resource: items are grouped by it. */
class ResourceCache {
  private readonly known = new Map<string, Pairs>();
  of(pairs: readonly (readonly [string, string])[]): Pairs {
    const present = pairs.filter(([, value]) => value !== '');
    const key = JSON.stringify(present);
    const known = this.known.get(key);
    if (known) return known;
    if (this.known.size > 10_000) this.known.clear();
    this.known.set(key, present);
    return present;
  }
}
function message(text: string, timeNs: bigint, reading: Reading, resource: readonly (readonly [string, string])[]): Omit<LogItem, 'line'> {
  const said = readMessage(text);
  const service = said.service || resource.find(([key]) => key === 'service.name')?.[1] || reading.service;
  const others = resource.filter(([key]) => key !== 'service.name');
  const { body, severity, severityNumber, traceId, spanId, attributes } = said;
  const own = timeNs === 0n ? said.timeNs : timeNs;
  return {
    timeNs: own,
    body,
    severity,
    severityNumber,
    traceId,
    spanId,
    attributes,
    resource: reading.resources.of([['service.name', service], ...others]),
  };
}

const POD = /^\[pod\/([^\]/]+)\/([^\]/]+)\] ?/;
const LEADING_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))(?: |$)/;
const kubectl: LineParser = (line, reading) => {
  const pod = POD.exec(line);
  const text = pod ? line.slice(pod[0].length) : line;
  const time = LEADING_TIME.exec(text);
  const timeNs = time ? (parseIsoTime(time[1] as string) ?? 0n) : 0n;
  const own = pod
    ? ([
        ['service.name', pod[2] as string],
        ['k8s.pod.name', pod[1] as string],
        ['k8s.container.name', pod[2] as string],
      ] as const)
    : [];
  return message(time ? text.slice(time[0].length) : text, timeNs, reading, own);
};
const cloudwatch: LineParser = (line, reading) => {
  const time = LEADING_TIME.exec(line);
  return time ? message(line.slice(time[0].length), parseIsoTime(time[1] as string) ?? 0n, reading, []) : null;
};
const JOURNAL = /^(.+?) (\S+) ([^\s:[\]]+)(?:\[(\d+)\])?: ?([\s\S]*)$/;
/** -- Journal begins ..., -- Boot ..., -- No entries -- */
const JOURNAL_NOTE = /^-- .* --$|^-- (?:Boot|Journal|Logs|Reboot)/;
function journal(line: string, reading: Reading, timeText: RegExp, parse: (text: string) => bigint | null): ReturnType<LineParser> {
  if (JOURNAL_NOTE.test(line)) return 'skip';
  const time = timeText.exec(line)?.[0];
  const timeNs = time === undefined ? null : parse(time);
  const rest = time === undefined ? null : JOURNAL.exec(`x${line.slice(time.length)}`);
  if (timeNs === null || !rest) return /^\s/.test(line) ? null : message(line, reading.lastNs, reading, []);
  const [, , host = '', identifier = '', pid = '', text = ''] = rest;
  const item = message(text, timeNs, reading, [
    ['service.name', identifier],
    ['host.name', host],
  ]);
  return pid === '' ? item : { ...item, attributes: [...item.attributes, ['process.pid', Number(pid)]] };
}
const SHORT_TIME = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?/;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/;

const TEXT_TIME =
  /^\s*[[("']?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?|\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)/;
const TEXT_SYSLOG = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?/;
const TEXT_CLF = /\[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]/;
function textTime(line: string, reading: Reading): bigint | null {
  const iso = TEXT_TIME.exec(line)?.[1];
  if (iso) return parseIsoTime(iso.replaceAll('/', '-'));
  const clf = TEXT_CLF.exec(line.slice(0, 400))?.[1];
  if (clf) return parseClfTime(clf);
  const syslog = TEXT_SYSLOG.exec(line)?.[0];
  return syslog ? parseSyslogTime(syslog, reading.arrivalUnixNano) : null;
}
/** Stack traces, indented texts, closing brackets. */
const GOES_ON = /^(?:\s+\S|\s*at |Caused by:|Traceback |\.\.\. \d+ more|\s*[}\])])/;
const text: LineParser = (line, reading) => {
  const timeNs = textTime(line, reading);
  if (timeNs === null && GOES_ON.test(line)) return null;
  return message(line, timeNs ?? 0n, reading, []);
};

const PARSERS: Readonly<Record<LineFormat, LineParser>> = {
  'kubectl-logs': kubectl,
  'cloudwatch-export': cloudwatch,
  'journal-short': (line, reading) => journal(line, reading, SHORT_TIME, (time) => parseSyslogTime(time, reading.arrivalUnixNano)),
  'journal-short-iso': (line, reading) =>
    journal(line, reading, ISO_TIME, (time) => parseIsoTime(time.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))),
  logfmt: (line, reading) => message(line, 0n, reading, []),
  'log-text': text,
};

/** The part of a file's name that says whose log it is: "shop.2026-11-21.log.gz" -> "shop". */
export function serviceOfName(name: string): string {
  const bare = basename(name.replaceAll('\\', '/')).replace(
    /(?:\.(?:gz|zst|log|txt|out|json|jsonl|ndjson|csv|tsv|parquet|har|zip))+$/i,
    '',
  );
  return bare.replace(/[._-]?\d{4}-?\d\d-?\d\d.*$/, '') || bare || 'import';
}

/** Logs as lines: a record a line, with the lines that go on with it. */
export async function* readLogLines(content: Bytes, { arrivalUnixNano, name }: ReadContext, format: LineFormat): FileReading {
  const reading: Reading = { arrivalUnixNano, service: serviceOfName(name), resources: new ResourceCache(), lastNs: 0n };
  const parse = PARSERS[format];
  const batch = new LogBatch();
  let draft: Draft | null = null;
  let broken = 0;
  let firstBroken: Line | null = null;
  const finish = (): FileRecord | null => {
    const done = draft;
    draft = null;
    return done ? batch.add(done) : null;
  };
  for await (const lines of readLines(content)) {
    for (const line of lines) {
      if (line.bytes === null) {
        yield tooLongLine(line);
        continue;
      }
      if (!isUtf8(line.bytes)) {
        broken++;
        firstBroken ??= { ...line, bytes: null };
      }
      const said = line.bytes.toString('utf8');
      if (said.trim() === '') continue;
      const item = parse(said, reading);
      if (item === 'skip') continue;
      const open = draft as Draft | null;
      if (item === null && open && open.lines < MAX_LINES && open.body.length + said.length < MAX_CHARS) {
        open.body = `${open.body}\n${said}`;
        open.lines++;
        continue;
      }
      const record = finish();
      if (record) yield record;
      const own = item ?? message(said, reading.lastNs, reading, []);
      // A line without a time stands between its neighbours.
      if (own.timeNs > 0n) reading.lastNs = own.timeNs;
      draft = { ...own, timeNs: own.timeNs || reading.lastNs, line: line.number, lines: 1 };
    }
  }
  const record = finish();
  if (record) yield record;
  const last = batch.flush();
  if (last) yield last;
  if (firstBroken) yield notUtf8(firstBroken, broken);
}
const notUtf8 = ({ number, offset }: Line, count: number): RefusedRecord => ({
  line: number,
  offset,
  reason: 'invalid_utf8',
  message: `${count} lines hold bytes that are not UTF-8: they were taken with U+FFFD in their place`,
});
