/** Times as people and tools write them, as Unix nanoseconds. Without a zone: UTC. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;
const NUMBER = /^-?\d{1,19}(?:\.\d+)?$/;
const DAY_NS = 86_400_000_000_000n;

/** @returns null when it is no time */
export function parseTime(text: string): bigint | null {
  const iso = ISO.exec(text);
  if (iso) return isoTime(iso);
  return NUMBER.test(text) ? numberTime(text) : null;
}
export const parseIsoTime = (text: string): bigint | null => {
  const iso = ISO.exec(text);
  return iso ? isoTime(iso) : null;
};
function isoTime([, year, month, day, hour, minute, second = '0', fraction = '', zone = 'Z']: RegExpExecArray): bigint | null {
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const date = new Date(ms);
  // The 31st of February rolls over silently.
  if (date.getUTCMonth() !== Number(month) - 1 || Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return null;
  const offset = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  const shift = offset ? (offset[1] === '-' ? 1 : -1) * (Number(offset[2]) * 60 + Number(offset[3] ?? 0)) * 60_000 : 0;
  const nanos = BigInt(ms + shift) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  return nanos > 0n ? nanos : null;
}
/** Seconds, milliseconds, microseconds or nanoseconds, by how large they are: all mean a time between 1971 and 2286. */
function numberTime(text: string): bigint | null {
  const [whole = '', fraction = ''] = text.split('.');
  const value = BigInt(whole);
  if (value <= 0n) return null;
  const unit = value < 10_000_000_000n ? 9 : value < 10_000_000_000_000n ? 6 : value < 10_000_000_000_000_000n ? 3 : 0;
  if (value < 31_536_000n) return null;
  return value * 10n ** BigInt(unit) + BigInt(fraction.slice(0, unit).padEnd(unit, '0') || '0');
}
export const nanosOfMs = (ms: number): bigint => BigInt(Math.round(ms * 1_000)) * 1_000n;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const SYSLOG = /^([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/;
/** "Nov 21 19:33:55" has no year: the latest one that is not after the arrival, give or take a day. */
export function parseSyslogTime(text: string, arrivalUnixNano: bigint): bigint | null {
  const match = SYSLOG.exec(text);
  const month = MONTHS.indexOf((match?.[1] ?? '').toLowerCase());
  if (!match || month < 0) return null;
  const [, , day, hour, minute, second, fraction = ''] = match;
  const year = new Date(Number(arrivalUnixNano / 1_000_000n)).getUTCFullYear();
  for (const each of [year + 1, year, year - 1]) {
    const ms = Date.UTC(each, month, Number(day), Number(hour), Number(minute), Number(second));
    const nanos = BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
    if (nanos <= arrivalUnixNano + DAY_NS) return nanos;
  }
  return null;
}
/** "21/Nov/2026:19:33:55 +0000" of web servers. */
const CLF = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d\d)(\d\d)$/;
export function parseClfTime(text: string): bigint | null {
  const match = CLF.exec(text);
  const month = MONTHS.indexOf((match?.[2] ?? '').toLowerCase());
  if (!match || month < 0) return null;
  const [, day, , year, hour, minute, second, zone, zoneMinutes] = match;
  const two = String(month + 1).padStart(2, '0');
  return parseIsoTime(`${year}-${two}-${day}T${hour}:${minute}:${second}${zone}:${zoneMinutes}`);
}
