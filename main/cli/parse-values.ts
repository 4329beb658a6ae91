import { type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import {
  type Address,
  type Durability,
  GRPC_SERVERS,
  type GrpcServerName,
  OTLP_TRANSLATIONS,
  type OtlpNaming,
} from '#contracts/settings.ts';

/** A value as the user wrote it, in flag, variable or file, does not say what it should. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}
const refuse = (text: string, should: string): never => {
  throw new ValueError(`"${text}" is not ${should}`);
};

/** A value with the place it was written in, for the message. @throws FaultlineError with this code */
export function valueAt<T>(place: string, text: string, parse: (text: string) => T, code: ErrorCode = 'config_invalid'): T {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof ValueError) throw new FaultlineError(code, `${place}: ${error.message}`);
    throw error;
  }
}

const DURATION_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
/** "36h", "7d" in seconds; "off" is 0. */
export function parseRetention(text: string): number {
  if (text === 'off') return 0;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(s|m|h|d|w)$/.exec(text) ?? [];
  const seconds = Math.round(Number(amount) * (DURATION_SECONDS[unit ?? ''] ?? Number.NaN));
  return seconds > 0 ? seconds : refuse(text, 'a time to keep telemetry, such as 36h, 7d or off');
}

const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};
/** "500MB" (powers of ten), "20GiB" (powers of two) in bytes. */
export function parseSize(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)?$/.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(amount) * (SIZE_BYTES[(unit ?? 'B').toUpperCase()] ?? Number.NaN));
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : refuse(text, 'a size, such as 500MB or 20GiB');
}

/** "5s", "1m": how often something is measured, in milliseconds. */
export function parseSampling(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m)$/.exec(text) ?? [];
  const ms = Number(amount) * (unit === 'm' ? 60_000 : 1000);
  return ms >= 1_000 && ms <= 600_000 ? ms : refuse(text, 'an interval from 1s to 10m');
}

/** "20" as a whole number of at least one. */
export function parseCount(text: string): number {
  const count = Number(text);
  return /^\d+$/.test(text) && count > 0 && Number.isSafeInteger(count) ? count : refuse(text, 'a whole number above 0');
}

/** "sync", "none", or how often the journal is synced: "100ms", "1s". */
export function parseDurability(text: string): Durability {
  if (text === 'sync' || text === 'none') return text;
  const [, amount, unit] = /^(\d+)(ms|s)$/.exec(text) ?? [];
  const intervalMs = Number(amount) * (unit === 's' ? 1000 : 1);
  return intervalMs > 0 && intervalMs <= 60_000 ? { intervalMs } : refuse(text, 'sync, none or an interval from 1ms to 60s');
}

/** "10s", "1m" in milliseconds. */
export function parseFlush(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (unit === 'm' ? 60_000 : unit === 's' ? 1_000 : 1));
  return ms >= 1_000 && ms <= 600_000 ? ms : refuse(text, 'a time from 1s to 10m');
}

/** "http2" or "grpc-js". */
export function parseGrpcServer(text: string): GrpcServerName {
  return GRPC_SERVERS.find((name) => name === text) ?? refuse(text, GRPC_SERVERS.join(' or '));
}

export function parseTranslation(text: string): OtlpNaming['translation'] {
  return OTLP_TRANSLATIONS.find((name) => name === text) ?? refuse(text, OTLP_TRANSLATIONS.join(', '));
}
/** Keys of resource attributes; all, none. */
export function parsePromoted(text: string): OtlpNaming['promote'] {
  if (text === 'all') return 'all';
  return text === 'none' ? [] : text.split(',').map((key) => key.trim() || refuse(text, 'keys separated by commas, all or none'));
}

/** A period that has windows to alert by. */
export function parseSloPeriod(text: string): number {
  return { '30d': 30, '28d': 28, '7d': 7 }[text] === undefined ? refuse(text, '30d, 28d or 7d') : Number.parseInt(text, 10) * 86_400_000;
}

/** on, off */
export function parseSwitch(text: string): boolean {
  return text === 'on' || (text !== 'off' && refuse(text, 'on or off'));
}

/** "local" as '', or the name of a time zone. */
export function parseTimeZone(text: string): string {
  if (text === 'local') return '';
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return refuse(text, 'local or a time zone such as UTC or Europe/Berlin');
  }
}

/** "HOST:PORT", "[::1]:4318", ":4318" (loopback), "4318" (loopback); port 0 picks a free one. */
export function parseAddress(text: string): Address {
  const [, v6, name, portText] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  if (portText === undefined || port > 65_535) return refuse(text, 'HOST:PORT with a port from 0 to 65535');
  return { host: v6 ?? (name || '127.0.0.1'), port };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };
/** RFC 3339, Unix seconds, "now" or "now-15m", in Unix milliseconds. */
export function parseTime(text: string, nowMs: number): number {
  const [relative, sign, amount, unit] = /^now(?:([+-])(\d+(?:\.\d+)?)(ms|s|m|h|d|w))?$/.exec(text) ?? [];
  if (relative) return Math.round(nowMs + (sign === '-' ? -1 : 1) * Number(amount ?? 0) * (UNIT_MS[unit ?? 's'] ?? 0));
  if (/^\d{1,11}(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  const ms = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i.test(text)
    ? Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) && text.length > 10 ? text : text.length > 10 ? `${text.replace(' ', 'T')}Z` : text)
    : Number.NaN;
  return Number.isFinite(ms) ? ms : refuse(text, 'a time: RFC 3339, Unix seconds, now or now-15m');
}
/** A time given to a flag. @throws FaultlineError bad_request */
export const timeFlag = (flag: string, text: string, nowMs: number): number =>
  valueAt(flag, text, (time) => parseTime(time, nowMs), 'bad_request');

/** "http://a:9093,https://b/alertmanager": addresses without a slash at their end. */
export function parseUrls(text: string): readonly string[] {
  const urls = text.split(',').map((part) => part.trim());
  for (const url of urls) if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) refuse(url, 'an http:// or https:// address');
  return urls.map((url) => url.replace(/\/+$/, ''));
}
