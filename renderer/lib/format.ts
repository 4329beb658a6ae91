import { bytesText } from '#contracts/figure-text.ts';

export { bytesText };

/** Text of a figure for people. Pure; tabular: a figure keeps its width when it changes a little. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const NOTHING = '–';

const trim = (value: number, digits: number): string => String(Number(value.toPrecision(digits)));

/** Milliseconds: "420 µs", "38 ms", "1.24 s", "3 min 20 s". */
export function durationText(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return NOTHING;
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  if (size < 0.001) return `${trim(ms * 1e6, 3)} ns`;
  if (size < 1) return `${trim(ms * 1e3, 3)} µs`;
  if (size < SECOND) return `${trim(ms, 3)} ms`;
  if (size < MINUTE) return `${trim(ms / SECOND, 3)} s`;
  return `${Math.sign(ms) < 0 ? '-' : ''}${longText(size)}`;
}
function longText(ms: number): string {
  const two = (a: number, unit: string, b: number, small: string): string => (b > 0 ? `${a} ${unit} ${b} ${small}` : `${a} ${unit}`);
  if (ms < HOUR) return two(Math.floor(ms / MINUTE), 'min', Math.floor((ms % MINUTE) / SECOND), 's');
  if (ms < DAY) return two(Math.floor(ms / HOUR), 'h', Math.floor((ms % HOUR) / MINUTE), 'min');
  return two(Math.floor(ms / DAY), 'd', Math.floor((ms % DAY) / HOUR), 'h');
}

/** Age in one unit: "12 s", "4 min", "3 h", "2 d". */
export function ageText(ms: number): string {
  const size = Math.max(0, ms);
  if (size < MINUTE) return `${Math.floor(size / SECOND)} s`;
  if (size < HOUR) return `${Math.floor(size / MINUTE)} min`;
  if (size < 2 * DAY) return `${Math.floor(size / HOUR)} h`;
  return `${Math.floor(size / DAY)} d`;
}

/** A count: "0", "950", "12.4 k", "3.1 M". */
export function countText(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  const size = Math.abs(value);
  if (size < 1_000) return trim(value, 3);
  const power = Math.min(3, Math.floor(Math.log10(size) / 3));
  return `${trim(value / 1_000 ** power, 3)} ${['', 'k', 'M', 'G'][power]}`;
}

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
/** A whole number with all its digits: 143,201. */
export const wholeText = (value: number): string => WHOLE.format(value);

/** A ratio 0-1: "0 %", "0.21 %", "31 %". */
export function percentText(ratio: number): string {
  if (!Number.isFinite(ratio)) return NOTHING;
  return `${trim(ratio * 100, Math.abs(ratio) >= 0.1 ? 3 : 2)} %`;
}

/** Per second: "12.4/s". */
export const rateText = (perSecond: number): string => (Number.isFinite(perSecond) ? `${countText(perSecond)}/s` : NOTHING);

/** A value in a UCUM unit as OTLP and evidence rows name it. */
export function valueText(value: number | string | null, unit: string): string {
  if (value === null) return NOTHING;
  if (typeof value === 'string') return value;
  if (!Number.isFinite(value)) return NOTHING;
  if (unit === 'ms') return durationText(value);
  if (unit === 's' || unit === 'seconds') return durationText(value * SECOND);
  if (unit === 'us') return durationText(value / 1e3);
  if (unit === 'ns') return durationText(value / 1e6);
  if (unit === '%') return `${trim(value, 3)} %`;
  if (/^(by|bytes?)$/i.test(unit)) return bytesText(value);
  if (/^(by|bytes?)\/s$/i.test(unit)) return `${bytesText(value)}/s`;
  if (unit === '1/s' || /^\{.*\}\/s$/.test(unit)) return rateText(value);
  if (unit === 's/s') return `${trim(value, 3)} s/s`;
  const isCount = unit === '' || unit === '1' || unit.startsWith('{');
  return isCount ? countText(value) : `${countText(value)} ${unit}`;
}
/** As valueText; a ratio reads as percent. Evidence rows with unit "1" are ratios. */
export const evidenceText = (value: number | string | null, unit: string): string =>
  unit === '1' && typeof value === 'number' ? percentText(value) : valueText(value, unit);

export type Zone = 'utc' | 'local';
const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
function partsOf(ms: number, zone: Zone): { day: string; clock: string; milli: string } {
  const d = new Date(ms);
  const utc = zone === 'utc';
  const [y, mo, da] = utc ? [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate()] : [d.getFullYear(), d.getMonth(), d.getDate()];
  const [h, mi, s] = utc ? [d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()] : [d.getHours(), d.getMinutes(), d.getSeconds()];
  return {
    day: `${y}-${pad(mo + 1)}-${pad(da)}`,
    clock: `${pad(h)}:${pad(mi)}:${pad(s)}`,
    milli: pad(Math.floor(((ms % SECOND) + SECOND) % SECOND), 3),
  };
}
/** "09:14". */
export const minuteText = (ms: number, zone: Zone): string => partsOf(ms, zone).clock.slice(0, 5);
/** "09:14:07". */
export const clockText = (ms: number, zone: Zone): string => partsOf(ms, zone).clock;
/** "09:14:07.123". */
export const preciseText = (ms: number, zone: Zone): string => `${partsOf(ms, zone).clock}.${partsOf(ms, zone).milli}`;
/** "2026-11-21 09:14:07". */
export const stampText = (ms: number, zone: Zone): string => `${partsOf(ms, zone).day} ${partsOf(ms, zone).clock}`;
/** "2026-11-21". */
export const dayText = (ms: number, zone: Zone): string => partsOf(ms, zone).day;
