/** How figures read, the same in evidence, in the editor and in every export. Pure. */
export const NO_VALUE = '–';
const format = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en-US', { useGrouping: false, maximumSignificantDigits: digits });
/** Made once: toLocaleString makes one at every call, 49 µs instead of 0.8, and judgement writes thousands of figures. */
const FORMATS = { 2: format(2), 3: format(3), 4: format(4) } as const;
/** So many significant digits, and never an exponent. */
export const trimDigits = (value: number, digits: keyof typeof FORMATS): string =>
  FORMATS[digits].format(Number(value.toPrecision(digits)));

function durationText(ms: number): string {
  const size = Math.abs(ms);
  if (size >= 7_200_000) return `${trimDigits(ms / 3_600_000, 3)} h`;
  if (size >= 120_000) return `${trimDigits(ms / 60_000, 3)} min`;
  if (size >= 1_000) return `${trimDigits(ms / 1_000, 3)} s`;
  return size >= 1 || size === 0 ? `${trimDigits(ms, 3)} ms` : `${trimDigits(ms * 1_000, 3)} µs`;
}
/**
 * Bytes in powers of ten, as --max-size and the other sizes a person writes: "512 B", "1.54 kB", "20 GB". The same on every screen,
 * in evidence, in postmortems and on the command line: 20 GB that come back as 18.6 GiB look like another figure.
 */
export function bytesText(value: number): string {
  if (!Number.isFinite(value)) return NO_VALUE;
  // Rounded first: 999,999 B are 1 MB, not 1000 kB.
  const size = Number(Math.abs(value).toPrecision(3));
  const power = Math.min(5, Math.max(0, Math.floor(Math.log10(Math.max(1, size)) / 3)));
  return `${trimDigits(value / 1000 ** power, 3)} ${['B', 'kB', 'MB', 'GB', 'TB', 'PB'][power]}`;
}
/** Whole numbers keep all their digits: a count of requests is exact, and reads as such. */
function countText(value: number): string {
  if (Number.isSafeInteger(value)) return value.toLocaleString('en-US').replaceAll(',', '\u202f');
  return Math.abs(value) >= 1000 ? Number(value.toFixed(1)).toString() : trimDigits(value, 4);
}

/** @param unit UCUM; '1' is a ratio 0-1 */
export function figureText(value: number | string | null, unit: string): string {
  if (value === null) return NO_VALUE;
  // A moment as the store gives it, to the second; the statement has the rest.
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? `${value.slice(0, 10)} ${value.slice(11, 19)}` : value;
  if (!Number.isFinite(value)) return NO_VALUE;
  if (unit === '1' || unit === '%') {
    const percent = unit === '1' ? value * 100 : value;
    return `${trimDigits(percent, Math.abs(percent) >= 10 ? 3 : 2)} %`;
  }
  if (unit === 'ms') return durationText(value);
  if (unit === 's') return durationText(value * 1_000);
  if (unit === 'ns') return durationText(value / 1e6);
  if (/^(by|bytes?)(\/s)?$/i.test(unit)) return `${bytesText(value)}${unit.endsWith('/s') ? '/s' : ''}`;
  if (unit === '1/s' || /^\{.*\}\/s$/.test(unit)) return `${trimDigits(value, 3)}/s`;
  const isCount = unit === '' || unit.startsWith('{');
  return isCount ? countText(value) : `${countText(value)} ${unit}`;
}
