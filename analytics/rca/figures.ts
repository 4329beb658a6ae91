import { bytesText, NO_VALUE, trimDigits } from '#contracts/figure-text.ts';

/** Digits without an exponent; what would be read as nothing is "0". */
const trim = (value: number, digits: 2 | 3): string =>
  !Number.isFinite(value) || Math.abs(value) < 1e-6 ? '0' : trimDigits(value, digits);

/** A ratio (0-1) as percent: "0.2 %", "31 %". */
export const percentText = (ratio: number): string => `${ratio < 5e-6 ? '0' : trim(ratio * 100, 2)} %`;

/** Milliseconds as a person reads them: "38 ms", "1.2 s", "4 min". */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return NO_VALUE;
  const size = Math.abs(ms);
  if (size >= 120_000) return `${trim(ms / 60_000, 2)} min`;
  return size >= 1000 ? `${trim(ms / 1000, 2)} s` : `${size < 0.001 ? '0' : trim(ms, 2)} ms`;
}

/** Events per second: "12 /s"; rare ones by the minute or the hour: "4 /min", "2 /h". */
export function rateText(perSecond: number): string {
  if (perSecond >= 0.1) return `${trim(perSecond, 2)} /s`;
  if (perSecond >= 1 / 60) return `${trim(perSecond * 60, 2)} /min`;
  return perSecond >= 0.1 / 3600 ? `${trim(perSecond * 3600, 2)} /h` : '0 /s';
}

/** A plain number with three digits; bytes become kB, MB, GB, times read as durations. */
export function amountText(value: number, unit: string): string {
  if (!Number.isFinite(value)) return NO_VALUE;
  if (/^(by|bytes?)$/i.test(unit)) return bytesText(value);
  if (unit === 's' || unit === 'ms') return durationText(unit === 's' ? 1000 * value : value);
  const isCount = unit === '' || unit === '1' || unit.startsWith('{');
  return isCount ? trim(value, 3) : `${trim(value, 3)} ${unit}`;
}

/** A value of a metric series; rates say per what, and seconds a second are plain numbers (cores in use). */
export function seriesText(value: number, unit: string, isRate: boolean): string {
  if (!isRate) return amountText(value, unit);
  if (!Number.isFinite(value)) return NO_VALUE;
  if (unit === 's') return trim(value, 3);
  return unit === '' || unit === '1' || unit.startsWith('{') ? rateText(value) : `${amountText(value, unit)}/s`;
}

/** What was before a change; one that a log record tells has no such word. */
export const beforeText = (from: string): string => from || NO_VALUE;

/** RFC 3339 in UTC of a Unix time in milliseconds. */
export const timeText = (atMs: number): string => new Date(atMs).toISOString();
