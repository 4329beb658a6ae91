import { isUtf8 } from 'node:buffer';
import { type LineClock, timeOfLine } from '#collectors/tail/line-time.ts';
import { serviceOfFile } from '#collectors/tail/log-line.ts';
import type { FileFormat } from '#contracts/file-formats.ts';
import type { TailFormat } from '#contracts/tailing.ts';
import { Batch, type FileLog, LOGS, type Pairs, ResourceCache } from './batch.ts';
import type { Bytes, FileReading, FileRecord, ReadContext, RefusedRecord } from './file-record.ts';
import { type Line, readLines, tooLongLine } from './read-lines.ts';
import { clockOf, readMessage } from './read-message.ts';

/** What a line says. */
type LineItem = Omit<FileLog, 'line' | 'body'> & { readonly body: string };
/** A record before it is written: lines that belong to it may still come. */
type Draft = Omit<LineItem, 'body'> & { readonly line: number; body: string; lines: number };
export type LineFormat = Extract<
  FileFormat,
  'kubectl-logs' | 'cloudwatch-export' | 'journal-short' | 'journal-short-iso' | 'logfmt' | 'log-text'
>;
interface Reading {
  readonly clock: LineClock;
  readonly service: string;
  readonly resources: ResourceCache;
  lastNs: bigint;
}
/** @returns null: the line goes on with the record before it; 'skip': it says nothing */
type LineParser = (text: string, reading: Reading) => LineItem | null | 'skip';

/** Lines joined to one record. */
const MAX_LINES = 1_000;
const MAX_CHARS = 256 * 1024;

function message(text: string, timeNs: bigint, reading: Reading, resource: Pairs, format: TailFormat = 'auto'): LineItem {
  const { item, service } = readMessage(text, format, reading.clock);
  const named = service || resource.find(([key]) => key === 'service.name')?.[1] || reading.service;
  const others = resource.filter(([key]) => key !== 'service.name');
  return { ...item, timeNs: timeNs || item.timeNs, resource: reading.resources.of([['service.name', named], ...others]) };
}

const POD = /^\[pod\/([^\]/]+)\/([^\]/]+)\] ?/;
const LEADING_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))(?: |$)/;
const kubectl: LineParser = (line, reading) => {
  const pod = POD.exec(line);
  const text = pod ? line.slice(pod[0].length) : line;
  const time = LEADING_TIME.exec(text);
  const timeNs = time ? timeOfLine(time[1] as string, reading.clock) : 0n;
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
  return time ? message(line.slice(time[0].length), timeOfLine(time[1] as string, reading.clock), reading, []) : null;
};
const JOURNAL = /^(.+?) (\S+) ([^\s:[\]]+)(?:\[(\d+)\])?: ?([\s\S]*)$/;
/** -- Journal begins ..., -- Boot ..., -- No entries -- */
const JOURNAL_NOTE = /^-- .* --$|^-- (?:Boot|Journal|Logs|Reboot)/;
function journal(line: string, reading: Reading, timeText: RegExp): ReturnType<LineParser> {
  if (JOURNAL_NOTE.test(line)) return 'skip';
  const time = timeText.exec(line)?.[0] ?? '';
  const timeNs = timeOfLine(time, reading.clock);
  const rest = timeNs === 0n ? null : JOURNAL.exec(`x${line.slice(time.length)}`);
  if (!rest) return /^\s/.test(line) ? null : message(line, reading.lastNs, reading, []);
  const [, , host = '', identifier = '', pid = '', text = ''] = rest;
  const item = message(text, timeNs, reading, [
    ['service.name', identifier],
    ['host.name', host],
  ]);
  return pid === '' ? item : { ...item, attributes: [...item.attributes, ['process.pid', Number(pid)]] };
}
const SHORT_TIME = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?/;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/;

/** Stack traces, indented texts, closing brackets. */
const GOES_ON = /^(?:\s+\S|\s*at |Caused by:|Traceback |\.\.\. \d+ more|\s*[}\])])/;
/** Some loggers indent every line. */
const BEGINS = /^\s*[[("']?\d{4}[-/]\d\d/;
const text: LineParser = (line, reading) => (GOES_ON.test(line) && !BEGINS.test(line) ? null : message(line, 0n, reading, []));

const PARSERS: Readonly<Record<LineFormat, LineParser>> = {
  'kubectl-logs': kubectl,
  'cloudwatch-export': cloudwatch,
  'journal-short': (line, reading) => journal(line, reading, SHORT_TIME),
  'journal-short-iso': (line, reading) => journal(line, reading, ISO_TIME),
  logfmt: (line, reading) => message(line, 0n, reading, [], 'logfmt'),
  'log-text': text,
};

/** Logs as lines: a record a line, with the lines that go on with it. */
export async function* readLogLines(content: Bytes, context: ReadContext, format: LineFormat): FileReading {
  const reading: Reading = { clock: clockOf(context), service: serviceOfFile(context.name), resources: new ResourceCache(), lastNs: 0n };
  const parse = PARSERS[format];
  const batch = new Batch(LOGS);
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
