/**
 * The series part of an exposition line: `name{label="value",...}` or, with UTF-8 names, `{"name","label"="value"}`.
 * Two passes on purpose: `scanSeries` finds the end and validates (every new line), `parseSeries` builds strings
 * (only for a series not seen in the previous scrape).
 */
export interface ParsedSeries {
  readonly name: string;
  /** Label pairs without __name__, in the order written. */
  readonly labels: readonly (readonly [string, string])[];
}
export class SeriesSyntaxError extends Error {}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
const COMMA = 44;
const EQUALS = 61;

// 1 = may start a name, 2 = may continue a label name, 4 = colon (metric names only)
const CLASS = new Uint8Array(256);
for (let c = 0; c < 26; c++) CLASS[65 + c] = CLASS[97 + c] = 3;
for (let c = 48; c < 58; c++) CLASS[c] = 2;
CLASS[95] = 3;
CLASS[58] = 4;

const isBlank = (byte: number | undefined): boolean => byte === 32 || byte === 9;

function scanName(bytes: Uint8Array, at: number, end: number, colon: boolean): number {
  const first = CLASS[bytes[at] ?? 0] ?? 0;
  if (at >= end || !(first & 1 || (colon && first & 4))) throw new SeriesSyntaxError('expected a name');
  let pos = at + 1;
  while (pos < end) {
    const kind = CLASS[bytes[pos] as number] as number;
    if (!(kind & 2 || (colon && kind & 4))) break;
    pos++;
  }
  return pos;
}

/** @returns the position after the closing quote. */
export function scanQuoted(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== QUOTE) throw new SeriesSyntaxError('expected a quoted value');
  for (let pos = at + 1; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte === QUOTE) return pos + 1;
    if (byte === BACKSLASH) pos++;
  }
  throw new SeriesSyntaxError('a quoted value has no closing quote');
}

function skipBlank(bytes: Uint8Array, at: number, end: number, strict: boolean): number {
  let pos = at;
  while (pos < end && isBlank(bytes[pos])) pos++;
  if (strict && pos !== at) throw new SeriesSyntaxError('no blanks are allowed between labels');
  return pos;
}

type OnLabel = (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => void;

/** Walks `{...}` from the brace at `at`; a quoted item without "=" is a metric name (valueStart = -1). */
function walkLabels(bytes: Uint8Array, at: number, end: number, strict: boolean, onLabel: OnLabel | null): number {
  let pos = skipBlank(bytes, at + 1, end, strict);
  let first = true;
  while (pos < end && bytes[pos] !== CLOSE) {
    if (!first) {
      if (bytes[pos] !== COMMA) throw new SeriesSyntaxError('expected "," or "}" after a label');
      pos = skipBlank(bytes, pos + 1, end, strict);
      if (bytes[pos] === CLOSE) {
        if (strict) throw new SeriesSyntaxError('no comma is allowed before "}"');
        break;
      }
    }
    first = false;
    const nameStart = pos;
    pos = bytes[pos] === QUOTE ? scanQuoted(bytes, pos, end) : scanName(bytes, pos, end, false);
    const nameEnd = pos;
    pos = skipBlank(bytes, pos, end, strict);
    if (bytes[pos] === EQUALS) {
      pos = skipBlank(bytes, pos + 1, end, strict);
      const valueStart = pos;
      pos = scanQuoted(bytes, pos, end);
      onLabel?.(nameStart, nameEnd, valueStart, pos);
      pos = skipBlank(bytes, pos, end, strict);
    } else if (bytes[nameStart] === QUOTE) {
      onLabel?.(nameStart, nameEnd, -1, -1);
    } else {
      throw new SeriesSyntaxError('a label has no value');
    }
  }
  if (bytes[pos] !== CLOSE) throw new SeriesSyntaxError('labels have no closing "}"');
  return pos + 1;
}

/**
 * @param strict OpenMetrics rules: no blanks or trailing comma among labels.
 * @returns position after the series text (trailing blanks before "{" belong to it in the lenient format).
 */
export function scanSeries(bytes: Uint8Array, start: number, end: number, strict: boolean): number {
  let pos = start;
  if (bytes[pos] !== OPEN) {
    pos = scanName(bytes, pos, end, true);
    let brace = pos;
    if (!strict) while (brace < end && isBlank(bytes[brace])) brace++;
    if (bytes[brace] !== OPEN) return pos;
    pos = brace;
  }
  return walkLabels(bytes, pos, end, strict, null);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const latin = (bytes: Uint8Array, start: number, end: number): string => {
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch {
    throw new SeriesSyntaxError('a label is not valid UTF-8');
  }
};

/** Label value escapes: \\ \" \n; any other escaped character stays with its backslash, as Prometheus reads it. */
export function unquote(bytes: Uint8Array, start: number, end: number): string {
  const text = latin(bytes, start + 1, end - 1);
  if (!text.includes('\\')) return text;
  return text.replace(/\\([\s\S])/g, (all, c: string) => (c === 'n' ? '\n' : c === '\\' || c === '"' ? c : all));
}

/** Builds the label list of a braces-only text, e.g. an exemplar's. */
export function parseLabels(bytes: Uint8Array, start: number, end: number, strict: boolean): readonly (readonly [string, string])[] {
  const labels: (readonly [string, string])[] = [];
  const stop = walkLabels(bytes, start, end, strict, (ns, ne, vs, ve) => {
    if (vs < 0) throw new SeriesSyntaxError('a label has no value');
    labels.push([bytes[ns] === QUOTE ? unquote(bytes, ns, ne) : latin(bytes, ns, ne), unquote(bytes, vs, ve)]);
  });
  if (stop !== end) throw new SeriesSyntaxError('text follows the labels');
  return labels;
}

/** @param end as returned by scanSeries. Throws SeriesSyntaxError for a repeated label or a missing name. */
export function parseSeries(bytes: Uint8Array, start: number, end: number): ParsedSeries {
  let name = '';
  let pos = start;
  if (bytes[pos] !== OPEN) {
    pos = scanName(bytes, pos, end, true);
    name = latin(bytes, start, pos);
    while (pos < end && isBlank(bytes[pos])) pos++;
  }
  const labels: (readonly [string, string])[] = [];
  const keys = new Set<string>();
  if (pos < end) {
    walkLabels(bytes, pos, end, false, (ns, ne, vs, ve) => {
      const key = bytes[ns] === QUOTE ? unquote(bytes, ns, ne) : latin(bytes, ns, ne);
      if (vs >= 0) {
        if (keys.has(key)) throw new SeriesSyntaxError(`label ${key} comes twice`);
        keys.add(key);
        labels.push([key, unquote(bytes, vs, ve)]);
      } else if (name === '') name = key;
      else throw new SeriesSyntaxError('a series has two names');
    });
  }
  if (name === '') throw new SeriesSyntaxError('a series has no name');
  return { name, labels };
}
