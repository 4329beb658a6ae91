/** What a number measures; figures of different dimensions are never equal. */
export type Dimension = 'time' | 'ratio' | 'rate' | 'bytes' | 'bytes_rate' | 'factor' | 'count';
export interface Quantity {
  /** In the base unit: seconds, percent, per second, bytes, bytes per second, times, plain. */
  readonly amount: number;
  readonly dimension: Dimension;
}
const UNITS: Readonly<Record<string, readonly [Dimension, number]>> = {
  '': ['count', 1],
  us: ['time', 1e-6],
  ms: ['time', 1e-3],
  s: ['time', 1],
  min: ['time', 60],
  h: ['time', 3600],
  '%': ['ratio', 1],
  x: ['factor', 1],
  '/s': ['rate', 1],
  '/min': ['rate', 1 / 60],
  '/h': ['rate', 1 / 3600],
  B: ['bytes', 1],
  kB: ['bytes', 1e3],
  MB: ['bytes', 1e6],
  GB: ['bytes', 1e9],
  TB: ['bytes', 1e12],
  KiB: ['bytes', 1024],
  MiB: ['bytes', 1024 ** 2],
  GiB: ['bytes', 1024 ** 3],
  TiB: ['bytes', 1024 ** 4],
  'B/s': ['bytes_rate', 1],
  'kB/s': ['bytes_rate', 1e3],
  'MB/s': ['bytes_rate', 1e6],
  'GB/s': ['bytes_rate', 1e9],
  'TB/s': ['bytes_rate', 1e12],
  'KiB/s': ['bytes_rate', 1024],
  'MiB/s': ['bytes_rate', 1024 ** 2],
  'GiB/s': ['bytes_rate', 1024 ** 3],
  'TiB/s': ['bytes_rate', 1024 ** 4],
};
const SPELLED: readonly (readonly [RegExp, string])[] = [
  [/\bper ?cent\b/gi, '%'],
  [/\b(?:milliseconds?|msecs?)\b/gi, 'ms'],
  [/\b(?:per|an?) (?:second|sec)\b/gi, '/s'],
  [/\b(?:per|a) minute\b/gi, '/min'],
  [/\b(?:per|an) hour\b/gi, '/h'],
  [/\b(?:seconds?|secs?)\b/gi, 's'],
  [/\b(?:minutes?|mins?)\b/gi, 'min'],
  [/\bhours?\b/gi, 'h'],
  [/(\d) ?(?:times|fold)\b/gi, '$1 x'],
];
/** Units written out, as their signs: "12 per second" is "12 /s". */
export const spellUnits = (text: string): string => SPELLED.reduce((said, [words, sign]) => said.replace(words, sign), text);
/** "1.2 s per request", "31 % of its requests", "requests to S1 take": of what the figure is counts as no claim about their number. */
export const plainCounts = (text: string): string =>
  text.replace(/\b(?:per request|of (?:the |its )?requests|requests (?=(?:to|of) S\d+ (?:now |itself )*(?:takes?|needs?|fail)\b))/gi, '');

const NUMBER = String.raw`[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?`;
const UNIT = String.raw`(?:[kKMGT]?i?B(?:\/s)?|ms|us|min|%|\/s|\/min|\/h|[shx])(?![A-Za-z0-9])`;
/** A number with the unit that follows it, as one token. */
export const FIGURE = `${NUMBER}(?: ?${UNIT})?`;
const WHOLE = new RegExp(`^(${NUMBER})(?: ?(${UNIT}))?$`);

/** "1.2 s" -> 1.2 seconds; null: not a figure, or a unit nobody knows. */
export function readFigure(text: string): Quantity | null {
  const match = WHOLE.exec(text.trim());
  const unit = UNITS[match?.[2] ?? ''];
  if (!match || !unit) return null;
  return { amount: Number(match[1]!.replaceAll(',', '')) * unit[1], dimension: unit[0] };
}
/** A value of an evidence row in its own unit; null when the unit is none we know. */
export function quantityOf(value: number, unit: string): Quantity | null {
  if (unit === '1') return { amount: 100 * value, dimension: 'ratio' };
  if (unit === '1/s' || /^\{.*\}\/s$/.test(unit)) return { amount: value, dimension: 'rate' };
  if (unit.startsWith('{')) return { amount: value, dimension: 'count' };
  const known = UNITS[/^by(?:tes?)?$/i.test(unit) ? 'B' : unit];
  return known ? { amount: value * known[1], dimension: known[0] } : null;
}
/** How far two figures may be apart and still be the same. */
export const TOLERANCE = 0.02;
export const sameAmount = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b)) + 1e-12;
export const sameQuantity = (a: Quantity, b: Quantity): boolean => a.dimension === b.dimension && sameAmount(a.amount, b.amount);
