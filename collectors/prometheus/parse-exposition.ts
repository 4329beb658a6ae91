import { isUtf8 } from 'node:buffer';
import { parseNumber } from './parse-number.ts';
import { SeriesSyntaxError, scanSeries } from './series-text.ts';

/**
 * Prometheus text format 0.0.4 and OpenMetrics 1.0 in one pass over the bytes: no string is made per sample.
 * Spec: prometheus.io/docs/instrumenting/exposition_formats, prometheus.io/docs/specs/om/open_metrics_spec.
 */
export type ExpositionFormat = 'prometheus' | 'openmetrics';
export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'gaugehistogram' | 'summary' | 'info' | 'stateset' | 'unknown' | 'untyped';
export interface ExpositionVisitor {
  /** `# TYPE`, `# HELP`, `# UNIT` of a family. */
  metadata(family: string, kind: 'type' | 'help' | 'unit', text: string): void;
  /**
   * Offers the line's bytes before scanning: returns the end of the series text when it equals a known series
   * (the previous scrape's next one), -1 otherwise. Skipping the scan is what makes a repeated scrape cheap.
   */
  predict(body: Uint8Array, start: number, lineEnd: number): number;
  /**
   * @param timestampMs NaN when the line has none
   * @param exemplarStart offset of the exemplar's "{", -1 when there is none; it ends at the line end
   */
  sample(body: Uint8Array, start: number, end: number, value: number, timestampMs: number, exemplarStart: number, lineEnd: number): void;
}
/** Says which line (1-based) and what is wrong with it. */
export class ExpositionError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

const TYPES = new Set<string>(['counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset', 'unknown', 'untyped']);
const NEWLINE = 10;
const HASH = 35;
const text = (body: Uint8Array, start: number, end: number): string =>
  Buffer.from(body.buffer, body.byteOffset + start, end - start).toString('utf8');

function withoutBlanks(line: string): string {
  const isBlank = (at: number): boolean => line[at] === ' ' || line[at] === '\t';
  let from = 0;
  let to = line.length;
  while (from < to && isBlank(from)) from++;
  while (to > from && isBlank(to - 1)) to--;
  return line.slice(from, to);
}
/** `# TYPE name type` and friends; @returns 'eof' for OpenMetrics' end marker. */
function comment(line: string, format: ExpositionFormat, visitor: ExpositionVisitor): 'eof' | undefined {
  const strict = format === 'openmetrics';
  if (strict && line === '# EOF') return 'eof';
  // No pattern here may backtrack over a run of blanks: the text comes from the network and may be megabytes long.
  const match = (
    strict
      ? /^# (TYPE|HELP|UNIT) ("(?:[^"\\]|\\.)*"|[^ ]+)(?: (.*))?$/
      : /^#[ \t]+(TYPE|HELP|UNIT)[ \t]+("(?:[^"\\]|\\.)*"|[^ \t]+)(?=[ \t]|$)([\s\S]*)$/
  ).exec(line);
  if (!match) {
    if (strict) throw new SeriesSyntaxError('a comment must be # TYPE, # HELP, # UNIT or # EOF');
    return undefined;
  }
  const [, keyword, quotedName = '', tail] = match;
  const rest = strict || tail === undefined ? tail : withoutBlanks(tail);
  const name = quotedName.startsWith('"') ? quotedName.slice(1, -1) : quotedName;
  if (!quotedName.startsWith('"') && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
    throw new SeriesSyntaxError(`"${name}" is not a metric name`);
  if (keyword === 'TYPE') {
    if (rest === undefined || !TYPES.has(rest) || (strict && rest === 'untyped'))
      throw new SeriesSyntaxError(`"${rest ?? ''}" is not a metric type`);
    visitor.metadata(name, 'type', rest);
  } else if (strict && rest === undefined) {
    throw new SeriesSyntaxError(`# ${keyword} ${name} says nothing`);
  } else if (keyword === 'HELP') {
    visitor.metadata(
      name,
      'help',
      (rest ?? '').replace(/\\(n|\\|")/g, (_, c: string) => (c === 'n' ? '\n' : c)),
    );
  } else {
    const unit = rest ?? '';
    if (strict && unit !== '' && !name.endsWith(`_${unit}`))
      throw new SeriesSyntaxError(`family ${name} does not end with its unit ${unit}`);
    visitor.metadata(name, 'unit', unit);
  }
  return undefined;
}

function timestamp(body: Uint8Array, start: number, end: number, format: ExpositionFormat): number {
  const value = parseNumber(body, start, end);
  if (value === undefined || !Number.isFinite(value)) throw new SeriesSyntaxError(`"${text(body, start, end)}" is not a timestamp`);
  if (format === 'openmetrics') return value * 1000;
  if (!Number.isInteger(value)) throw new SeriesSyntaxError('a timestamp must be whole milliseconds');
  return value;
}

function sampleLine(body: Uint8Array, start: number, lineEnd: number, format: ExpositionFormat, visitor: ExpositionVisitor): void {
  const strict = format === 'openmetrics';
  const blank = (at: number): boolean => body[at] === 32 || (!strict && body[at] === 9);
  let end = visitor.predict(body, start, lineEnd);
  if (end < 0) end = scanSeries(body, start, lineEnd, strict);
  let pos = end;
  const skip = (): void => {
    if (strict) pos++;
    else while (pos < lineEnd && blank(pos)) pos++;
  };
  const word = (): number => {
    const from = pos;
    while (pos < lineEnd && !blank(pos)) pos++;
    return from;
  };
  if (strict ? body[pos] !== 32 : !blank(pos) && body[end - 1] !== 125) throw new SeriesSyntaxError('expected a blank before the value');
  skip();
  const valueFrom = word();
  const value = parseNumber(body, valueFrom, pos);
  if (value === undefined) throw new SeriesSyntaxError(`"${text(body, valueFrom, Math.min(pos, valueFrom + 40))}" is not a number`);
  let timestampMs = NaN;
  if (pos < lineEnd) skip();
  if (pos < lineEnd && body[pos] !== HASH) {
    const from = word();
    timestampMs = timestamp(body, from, pos, format);
    if (pos < lineEnd) skip();
  } else if (strict && pos >= lineEnd && body[lineEnd - 1] === 32) throw new SeriesSyntaxError('a blank ends the line');
  let exemplarStart = -1;
  if (pos < lineEnd) {
    if (!strict || body[pos] !== HASH || body[pos + 1] !== 32 || body[pos + 2] !== 123)
      throw new SeriesSyntaxError('text follows the timestamp');
    exemplarStart = pos + 2;
  }
  visitor.sample(body, start, end, value, timestampMs, exemplarStart, lineEnd);
}

/** Throws ExpositionError at the first bad line: a scrape counts as a whole, as Prometheus does. */
export function parseExposition(body: Uint8Array, format: ExpositionFormat, visitor: ExpositionVisitor): void {
  if (!isUtf8(body)) throw new ExpositionError(0, 'the exposition is not valid UTF-8');
  const strict = format === 'openmetrics';
  let line = 0;
  let eof = false;
  for (let start = 0; start < body.length; ) {
    line++;
    let lineEnd = body.indexOf(NEWLINE, start);
    const terminated = lineEnd >= 0;
    if (!terminated) lineEnd = body.length;
    try {
      if (eof) throw new SeriesSyntaxError('text follows # EOF');
      let from = start;
      if (!strict) while (from < lineEnd && (body[from] === 32 || body[from] === 9)) from++;
      let to = lineEnd;
      if (!strict && body[to - 1] === 13) to--;
      if (from >= to) {
        if (strict) throw new SeriesSyntaxError('empty lines are not allowed');
      } else if (body[from] === HASH) eof = comment(text(body, from, to), format, visitor) === 'eof';
      else sampleLine(body, from, to, format, visitor);
      if (strict && !terminated && !eof) throw new SeriesSyntaxError('the last line is cut');
    } catch (error) {
      if (error instanceof SeriesSyntaxError) throw new ExpositionError(line, error.message);
      throw error;
    }
    start = lineEnd + 1;
  }
  if (strict && !eof) throw new ExpositionError(line, '# EOF is missing: the exposition is cut');
}

/**
 * One line by itself, for files: a bad line there takes no other with it.
 * @returns 'eof' for OpenMetrics' end marker @throws SeriesSyntaxError
 */
export function parseExpositionLine(body: Uint8Array, format: ExpositionFormat, visitor: ExpositionVisitor): 'eof' | undefined {
  if (body[0] === HASH) return comment(text(body, 0, body.length), format, visitor);
  sampleLine(body, 0, body.length, format, visitor);
  return undefined;
}
