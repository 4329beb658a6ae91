const trim = (value: number, digits: number): string => String(Number(value.toPrecision(digits)));

/** A ratio (0-1) as percent: "0.2 %", "31 %". */
export const percentText = (ratio: number): string => `${trim(Math.max(0, ratio) * 100, 2)} %`;

/** Milliseconds as a person reads them: "38 ms", "1.2 s". */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  return Math.abs(ms) >= 1000 ? `${trim(ms / 1000, 2)} s` : `${trim(ms, 2)} ms`;
}

/** Requests per second: "12 /s". */
export const rateText = (perSecond: number): string => `${trim(perSecond, 2)} /s`;

/** A plain number with three digits; bytes become KiB, MiB, GiB. */
export function amountText(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (/^(by|bytes?)$/i.test(unit)) {
    const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(Math.abs(value), 1)) / 10)));
    return `${trim(value / 1024 ** power, 3)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
  }
  const isCount = unit === '' || unit === '1' || unit.startsWith('{');
  return isCount ? trim(value, 3) : `${trim(value, 3)} ${unit}`;
}

/** RFC 3339 in UTC of a Unix time in milliseconds. */
export const timeText = (atMs: number): string => new Date(atMs).toISOString();
