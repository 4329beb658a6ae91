import { PromqlError, type Token } from './token.ts';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];
const MAX_MS = 2 ** 63 / 1e6;

/** Milliseconds of 1h30m: each unit at most once, the larger first. */
export function durationMs(token: Token): number {
  const { text } = token;
  let ms = 0;
  let last = -1;
  for (const [, digits, unit] of text.matchAll(/(\d+)([a-z]+)/g)) {
    const at = UNITS.findIndex(([name]) => name === unit);
    if (at < 0) throw new PromqlError(`unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`, token);
    if (at <= last) throw new PromqlError(`not a valid duration string: ${JSON.stringify(text)}`, token);
    last = at;
    ms += Number(digits) * (UNITS[at] as readonly [string, number])[1];
  }
  if (!(ms < MAX_MS)) throw new PromqlError('duration out of range', token);
  return ms;
}

/** A number as Go reads it (0x1f, 0755 octal, 1_000, 5.), or seconds of a duration. */
export function numberOf(token: Token): number {
  if (token.type === 'duration') return durationMs(token) / 1000;
  const text = token.text.replaceAll('_', '');
  if (/^inf$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const octal = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  if (Number.isFinite(octal)) return octal;
  const why = Number.isNaN(octal) ? 'invalid syntax' : 'value out of range';
  throw new PromqlError(`error parsing number: strconv.ParseFloat: parsing ${JSON.stringify(token.text)}: ${why}`, token);
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
/** Characters a quoted text stands for. \xff and \377 are bytes: several of them may be one character. */
export function stringOf(token: Token): string {
  const inner = token.text.slice(1, -1);
  if (token.text.startsWith('`') || !inner.includes('\\')) return inner;
  const bytes: number[] = [];
  for (const [whole, hex, unicode, octal, simple] of inner.matchAll(
    /\\x([0-9a-fA-F]{2})|\\(?:u([0-9a-fA-F]{4})|U[0-9a-fA-F]{8})|\\([0-7]{3})|\\(.)|[^\\]+/gs,
  )) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (unicode !== undefined || whole.startsWith('\\U'))
      pushUtf8(bytes, String.fromCodePoint(Number.parseInt(unicode ?? whole.slice(2), 16)));
    else pushUtf8(bytes, simple === undefined ? whole : (SIMPLE[simple] as string));
  }
  return textOf(bytes);
}
function pushUtf8(bytes: number[], text: string): void {
  for (const [, escaped, plain] of encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd')).matchAll(/%(..)|(.)/g))
    bytes.push(escaped === undefined ? (plain as string).charCodeAt(0) : Number.parseInt(escaped, 16));
}
/** Bytes that are no UTF-8 become lone surrogates U+DC80 to U+DCFF: they can be told, and shown, as what they are. */
function textOf(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] as number;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    try {
      text += decodeURIComponent(
        bytes
          .slice(at, at + length)
          .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
          .join(''),
      );
      at += length;
    } catch {
      text += String.fromCharCode(0xdc00 + first);
      at++;
    }
  }
  return text;
}
