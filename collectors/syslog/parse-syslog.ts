import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { readBsdTime, readRfc3339, type SyslogClock } from './syslog-time.ts';

/** One message, by RFC 5424 or RFC 3164 (which describes what was seen, so nearly anything is one). */
export interface SyslogMessage {
  /** facility * 8 + severity; -1 = not said. */
  readonly priority: number;
  /** 1 for RFC 5424, 0 else. */
  readonly version: 0 | 1;
  /** Unix time; 0n = not said. */
  readonly timeNs: bigint;
  /** '' = not said, these too. */
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  /** Structured data: id of the element, name, value. */
  readonly data: readonly (readonly [string, string, string])[];
  readonly text: string;
  /** Why the header could not be read: then `text` is everything after the priority. '' = it could. */
  readonly problem: string;
}
const PRIORITY = /^<(\d{1,3})>/;
/** RFC 5424, 6: VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID, then structured data. */
const HEADER = /^1 (\S+) (\S+) (\S+) (\S+) (\S+) /;
/** RFC 3164, 4.1.3: a name, perhaps with a process in brackets, up to a colon. */
const TAG = /^([^\s:[\]<>]{1,128})(?:\[([^\]\s]{0,128})\])?:(?: |$)/;
const SD_NAME = /[^\s=\]"]{1,255}/y;
const BYTE_ORDER_MARK = '\uFEFF';
/** Bytes no text has: another protocol talks to this port. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY = /[\x00-\x08\x0e-\x1a\x1c-\x1f]/;

const said = (text: string | undefined): string => (text === undefined || text === '-' ? '' : text);
const NOTHING = { version: 0, timeNs: 0n, host: '', app: '', procid: '', msgid: '', data: [], problem: '' } as const;

/**
 * @param bytes one message without its frame
 * @throws OtlpError malformed: nothing, or no text at all. A header that cannot be read loses no message: see `problem`.
 */
export function parseSyslog(bytes: Buffer, clock: SyslogClock): SyslogMessage {
  // RFC 5424 allows any bytes in a message that has no byte order mark; what is not UTF-8 becomes U+FFFD.
  const text = bytes.toString('utf8');
  const [head, digits] = PRIORITY.exec(text) ?? [];
  const priority = Number(digits ?? Number.NaN);
  if (head === undefined || priority > 191) {
    if (text.trim() === '') throw new OtlpError('malformed', 'the message is empty');
    if (BINARY.test(text)) throw new OtlpError('malformed', `no priority such as <13> and no text: ${JSON.stringify(text.slice(0, 40))}`);
    // RFC 3164, 4.3.3: it is one all the same, and all of it is content.
    const problem = head === undefined ? 'no priority such as <13>' : `the priority is ${priority}, the largest is 191`;
    return { ...NOTHING, priority: -1, text, problem };
  }
  const rest = text.slice(head.length);
  if (rest.trim() === '') throw new OtlpError('malformed', 'there is nothing after the priority');
  if (rest.startsWith('1 ')) return { priority, ...readHeader(rest) };
  return { priority, ...readBsd(rest, clock) };
}

type Rest = Omit<SyslogMessage, 'priority'>;
function readHeader(rest: string): Rest {
  const unread = (problem: string): Rest => ({ ...NOTHING, text: rest, problem: `RFC 5424: ${problem}` });
  const [head, time, host, app, procid, msgid] = HEADER.exec(rest) ?? [];
  if (head === undefined) return unread('the header does not have its six parts');
  const timeNs = time === '-' ? 0n : readRfc3339(time as string);
  if (timeNs === null) return unread(`the time is ${JSON.stringify(time?.slice(0, 40))}`);
  const data: [string, string, string][] = [];
  const end = rest[head.length] === '-' ? head.length + 1 : readData(rest, head.length, data);
  if (end < 0 || (end < rest.length && rest[end] !== ' ')) return unread('the structured data is broken');
  const body = rest.slice(end + 1);
  return {
    version: 1,
    timeNs,
    host: said(host),
    app: said(app),
    procid: said(procid),
    msgid: said(msgid),
    data,
    text: body.startsWith(BYTE_ORDER_MARK) ? body.slice(1) : body,
    problem: '',
  };
}
/** `[id name="value" ...]...` at `at`. @returns where it ends, -1 when it is broken */
function readData(text: string, at: number, data: [string, string, string][]): number {
  const name = (): string => {
    SD_NAME.lastIndex = at;
    const found = SD_NAME.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };
  while (text[at] === '[') {
    at++;
    const id = name();
    if (id === '') return -1;
    while (text[at] === ' ') {
      at++;
      const key = name();
      if (key === '' || text[at] !== '=' || text[at + 1] !== '"') return -1;
      const start = at + 2;
      for (at = start; text[at] !== '"'; at++) {
        if (text[at] === '\\') at++;
        if (at >= text.length) return -1;
      }
      data.push([id, key, text.slice(start, at).replace(/\\(["\\\]])/g, '$1')]);
      at++;
    }
    if (text[at] !== ']') return -1;
    at++;
  }
  return data.length === 0 && text[at - 1] !== ']' ? -1 : at;
}

/** `Nov 21 19:34:12 host tag[pid]: text`, or with an RFC 3339 time as rsyslog forwards it; whatever is missing is skipped. */
function readBsd(rest: string, clock: SyslogClock): Rest {
  const bsd = readBsdTime(rest, clock);
  const space = rest.indexOf(' ');
  const precise = bsd || space < 0 ? null : readRfc3339(rest.slice(0, space));
  const timeNs = bsd?.timeNs ?? precise ?? 0n;
  let text = bsd ? rest.slice(bsd.length) : precise === null ? rest : rest.slice(space + 1);
  let tag = TAG.exec(text);
  let host = '';
  // Without a time there is no host either: what local programs write.
  if (!tag && timeNs > 0n) {
    const end = text.indexOf(' ');
    host = end < 0 ? text : text.slice(0, end);
    text = end < 0 ? '' : text.slice(end + 1);
    tag = TAG.exec(text);
  }
  if (tag) text = text.slice(tag[0].length);
  return { ...NOTHING, timeNs, host, app: tag?.[1] ?? '', procid: tag?.[2] ?? '', text };
}
