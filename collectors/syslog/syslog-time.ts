/**
 * Times of syslog messages. RFC 5424 has the zone and fractions; RFC 3164 has neither year nor zone: the zone is the
 * operator's setting, the year the latest that does not lie more than a day ahead of the arrival.
 */
const DAY_MS = 86_400_000;
export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/i;
const BSD = /^[*.]?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: |$)/;

export interface SyslogClock {
  readonly nowMs: number;
  /** IANA name; '' = the zone of this machine. */
  readonly timeZone: string;
}
const nanos = (fraction: string | undefined): bigint => BigInt((fraction ?? '').padEnd(9, '0'));

/** @returns null when it is no such time */
export function readRfc3339(text: string): bigint | null {
  const [, seconds, fraction, zone] = RFC3339.exec(text) ?? [];
  const ms = seconds === undefined ? Number.NaN : Date.parse(`${seconds}${zone?.toUpperCase()}`);
  return ms >= 0 ? BigInt(ms) * 1_000_000n + nanos(fraction) : null;
}

/** "Nov 21 19:34:12 " at the start, with a year or fractions as some senders add. @returns null when it is not there */
export function readBsdTime(text: string, clock: SyslogClock): { readonly timeNs: bigint; readonly length: number } | null {
  const found = BSD.exec(text);
  const month = MONTHS.indexOf(found?.[1] ?? '');
  if (!found || month < 0) return null;
  const [day, hour, minute, second] = [found[2], found[4], found[5], found[6]].map(Number) as [number, number, number, number];
  // 60: a leap second.
  if (hour > 23 || minute > 59 || second > 60) return null;
  const inYear = (year: number): number | null => {
    const local = new Date(Date.UTC(year, month, day, hour, minute, second));
    return day < 1 || local.getUTCMonth() !== (second === 60 ? local.getUTCMonth() : month) ? null : unixMs(local, clock.timeZone);
  };
  const ms = found[3] === undefined ? latest(inYear, clock.nowMs) : inYear(Number(found[3]));
  return ms === null || ms < 0 ? null : { timeNs: BigInt(ms) * 1_000_000n + nanos(found[7]), length: found[0].length };
}
/** The year before the last leap year is eight years away at most (1896 to 1904), four in any time that syslog has seen. */
const YEARS_BACK = 4;
function latest(inYear: (year: number) => number | null, nowMs: number): number | null {
  const thisYear = new Date(nowMs).getUTCFullYear();
  for (let year = thisYear + 1; year >= thisYear - YEARS_BACK; year--) {
    const ms = inYear(year);
    if (ms !== null && ms <= nowMs + DAY_MS) return ms;
  }
  return null;
}

/** @param local the time on the wall, as if it were UTC */
function unixMs(local: Date, timeZone: string): number {
  if (timeZone === '') {
    const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
    return new Date(year, month, day, local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()).getTime();
  }
  const wall = local.getTime();
  // The offset of a time near by, then that of the time it gives: right but in the hour that a change of the clock skips.
  return wall - offsetMs(wall - offsetMs(wall, timeZone), timeZone);
}
const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    const number = 'numeric';
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: number,
      month: number,
      day: number,
      hour: number,
      minute: number,
      second: number,
    });
    formats.set(timeZone, format);
  }
  return format;
}
/** Asking Intl costs microseconds: clocks are set at full quarters of an hour, so one answer holds for each. */
const QUARTER_MS = 900_000;
let lastOffset = { quarter: Number.NaN, timeZone: '', ms: 0 };
function offsetMs(ms: number, timeZone: string): number {
  const quarter = Math.floor(ms / QUARTER_MS);
  if (lastOffset.quarter !== quarter || lastOffset.timeZone !== timeZone) {
    const parts = Object.fromEntries(
      formatOf(timeZone)
        .formatToParts(quarter * QUARTER_MS)
        .map(({ type, value }) => [type, Number(value)]),
    ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number>;
    const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
    lastOffset = { quarter, timeZone, ms: wall - quarter * QUARTER_MS };
  }
  return lastOffset.ms;
}
