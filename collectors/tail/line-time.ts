import { MONTHS, readBsdTime, type SyslogClock } from '#collectors/syslog/syslog-time.ts';

/**
 * Times as log lines begin with them. Text without a zone is in the zone of the machine or UTC, as the operator says; text without a
 * year (RFC 3164 §4.1.2, klog) is in the year that puts it nearest before now.
 */
export interface LineClock {
  readonly nowMs: number;
  readonly zone: 'local' | 'utc';
}
/** Only here a time is looked for: further in it is what the line talks about. */
const HEAD_CHARS = 80;
const DATE = String.raw`(\d{4})([-/])(\d\d)\2(\d\d)[Tt ](\d\d):(\d\d)`;
const SECOND = String.raw`:(\d\d)(?:[.,](\d{1,9})\d*)?`;
const ZONE = String.raw`(?: ?(Z|z|UTC|GMT|[+-]\d\d:?\d\d|(?<! )[+-]\d\d)(?![\w:]))?`;
const ISO = new RegExp(`(?<![\\d.-])${DATE}${SECOND}${ZONE}`);
/** A value that is a time and nothing else may leave out the seconds. */
const ISO_VALUE = new RegExp(`^${DATE}(?:${SECOND})?${ZONE}$`);
const NUMBER = /^\d{1,19}(?:\.\d+)?$/;
/** Apache's and nginx's access logs. */
const COMMON = /\[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]/;
const SYSLOG = /^(?:<\d{1,3}>)?(?=[A-Z][a-z]{2} )/;
/** asctime, and Apache's error log with a fraction. */
const ASCTIME = /^\[?[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})(?!\d)/;
/** klog and glog: Lmmdd hh:mm:ss.uuuuuu. */
const KLOG = /^[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9}) /;
const EPOCH = /^\[?(\d{10})(?:(\d{3})|\.(\d{1,9}))?(?=[\s\],:|])/;
const DAY_MS = 86_400_000;
const MAX_NS = 2n ** 63n - 1n;
/** 1971: smaller numbers count something else. */
const FIRST_SECOND = 31_536_000n;

const nanosOf = (fraction: string | undefined): bigint => (fraction === undefined ? 0n : BigInt(fraction.padEnd(9, '0')));
/** @returns minutes east of UTC; null: no zone said */
function zoneMinutes(zone: string | undefined): number | null {
  if (zone === undefined) return null;
  if (!/^[+-]/.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + (zone.length > 3 ? Number(zone.slice(-2)) : 0);
  return zone.startsWith('-') ? -minutes : minutes;
}
interface Parts {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}
/** @returns null for a date that is none */
function msOf({ year, month, day, hour, minute, second }: Parts, offset: number | null, zone: LineClock['zone']): number | null {
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (month < 1 || month > 12 || day < 1 || day > days || hour > 23 || minute > 59 || second > 60) return null;
  if (offset === null && zone === 'local') return new Date(year, month - 1, day, hour, minute, second).getTime();
  return Date.UTC(year, month - 1, day, hour, minute, second) - (offset ?? 0) * 60_000;
}
const unixNano = (ms: number | null, nanos: bigint): bigint => {
  if (ms === null || !Number.isFinite(ms) || ms < 0) return 0n;
  const ns = BigInt(ms) * 1_000_000n + nanos;
  return ns > MAX_NS ? 0n : ns;
};
/** Without a year: this year's, or last year's if that would be more than a day ahead. */
function yearless(parts: Omit<Parts, 'year'>, nanos: bigint, clock: LineClock): bigint {
  const year = new Date(clock.nowMs).getUTCFullYear();
  const at = (of: number): number | null => msOf({ ...parts, year: of }, null, clock.zone);
  const next = at(year + 1);
  if (next !== null && next <= clock.nowMs + DAY_MS) return unixNano(next, nanos);
  const now = at(year);
  return unixNano(now !== null && now > clock.nowMs + DAY_MS ? at(year - 1) : now, nanos);
}
const fields = (match: RegExpExecArray, from: number): Pick<Parts, 'hour' | 'minute' | 'second'> => ({
  hour: Number(match[from]),
  minute: Number(match[from + 1]),
  second: Number(match[from + 2] ?? 0),
});

const syslogClock = ({ nowMs, zone }: LineClock): SyslogClock => ({ nowMs, timeZone: zone === 'utc' ? 'UTC' : '' });

/** The last second that was read: neighbouring lines mostly share it, and a date costs more than everything else here. */
let lastText = '';
let lastMs: number | null = null;
function isoTime(match: RegExpExecArray, zone: LineClock['zone']): bigint {
  const text = `${match[1]}${match[3]}${match[4]}${match[5]}${match[6]}${match[7] ?? ''}${match[9] ?? zone}`;
  if (text !== lastText) {
    lastMs = msOf(
      { year: Number(match[1]), month: Number(match[3]), day: Number(match[4]), ...fields(match, 5) },
      zoneMinutes(match[9]),
      zone,
    );
    lastText = text;
  }
  return unixNano(lastMs, nanosOf(match[8]));
}

/** @returns Unix nanoseconds; 0n: no time that is known */
export function timeOfLine(line: string, clock: LineClock): bigint {
  const head = line.length > HEAD_CHARS ? line.slice(0, HEAD_CHARS) : line;
  const iso = ISO.exec(head);
  if (iso) return isoTime(iso, clock.zone);
  const first = head.charCodeAt(0);
  const digit = first === 0x5b ? head.charCodeAt(1) : first;
  const epoch = digit >= 0x30 && digit <= 0x39 ? EPOCH.exec(head) : null;
  if (epoch) return epochTime(epoch);
  const klog = KLOG.exec(head);
  if (klog) return yearless({ month: Number(klog[1]), day: Number(klog[2]), ...fields(klog, 3) }, nanosOf(klog[6]), clock);
  const priority = SYSLOG.exec(head)?.[0];
  const syslog = priority === undefined ? null : readBsdTime(head.slice(priority.length), syslogClock(clock));
  if (syslog) return syslog.timeNs;
  const asc = ASCTIME.exec(head);
  if (asc) {
    const date = { year: Number(asc[7]), month: MONTHS.indexOf(asc[1] as string) + 1, day: Number(asc[2]) };
    return unixNano(msOf({ ...date, ...fields(asc, 3) }, null, clock.zone), nanosOf(asc[6]));
  }
  const common = line.includes('/') ? COMMON.exec(line.slice(0, 2 * HEAD_CHARS)) : null;
  if (!common) return 0n;
  const date = { year: Number(common[3]), month: MONTHS.indexOf(common[2] as string) + 1, day: Number(common[1]) };
  return unixNano(msOf({ ...date, ...fields(common, 4) }, zoneMinutes(common[7]), clock.zone), 0n);
}
/** Ten digits are seconds from 2001 to 2286; what begins like a customer's number is none. */
function epochTime(match: RegExpExecArray): bigint {
  const seconds = Number(match[1]);
  if (seconds < 1e9 || seconds > 4e9) return 0n;
  return unixNano(seconds * 1000, match[2] === undefined ? nanosOf(match[3]) : BigInt(match[2]) * 1_000_000n);
}

/** A time as a field of a structured line. @param value text, or a number of seconds, milli-, micro- or nanoseconds by its size */
export function timeOfField(value: unknown, clock: LineClock): bigint {
  if (typeof value === 'string') return NUMBER.test(value) ? timeOfNumber(value) : timeOfLine(value, clock);
  return typeof value === 'number' ? timeOfNumber(value < 1e12 ? value.toFixed(6) : String(value)) : 0n;
}
/** A value that is a time and nothing else, of a table or a field; UTC where it says no zone. @returns null when it is none */
export const timeOfValue = (text: string): bigint | null => timeOfIso(text) ?? (timeOfNumber(text) || null);
/** The same, but no number. */
export function timeOfIso(text: string): bigint | null {
  const iso = ISO_VALUE.exec(text);
  return iso ? isoTime(iso, 'utc') || null : null;
}
/** Seconds, milliseconds, microseconds or nanoseconds, by how large they are: all mean a time between 1971 and 2262. */
function timeOfNumber(text: string): bigint {
  if (!NUMBER.test(text)) return 0n;
  const [whole = '', fraction = ''] = text.split('.');
  const value = BigInt(whole);
  const digits = String(value).length;
  const unit = digits <= 10 ? 9 : digits <= 13 ? 6 : digits <= 16 ? 3 : 0;
  const ns = value * 10n ** BigInt(unit) + BigInt(fraction.slice(0, unit).padEnd(unit, '0') || '0');
  return value < FIRST_SECOND || ns > MAX_NS ? 0n : ns;
}
