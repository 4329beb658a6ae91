import type { Looked, Recogniser, Score } from './recognise.ts';
import { parseCsvLine, parseCsvRecord, sniffDelimiter } from './table/csv-line.ts';

/** Formats that are lines of text. */
const part = (lines: readonly string[], pattern: RegExp): number =>
  lines.length === 0 ? 0 : lines.filter((line) => pattern.test(line)).length / lines.length;
const mostly = ({ lines, text }: Looked, pattern: RegExp, score: Score): Score =>
  text !== null && lines.length > 0 && part(lines, pattern) >= 0.6 ? score : 0;

const SAMPLE = /^[a-zA-Z_:][\w:]*(?:\{.*\})?[ \t]+[-+]?(?:\d[\d.eE+-]*|\.\d+|Inf|NaN)(?:[ \t]+-?[\d.]+)?(?: # \{.*)?$|^\{"[^"]+"\s*[,}]/;
const META = /^# (?:TYPE|HELP|UNIT) \S/;
/** Seconds, as OpenMetrics writes times, are below what milliseconds are since 1973. */
const SECONDS = /[ \t](?:\d{9,10}(?:\.\d+)?|\d+\.\d+)(?: # \{.*)?$/;
function exposition({ lines, text }: Looked): { readonly is: boolean; readonly open: boolean } {
  if (text === null) return { is: false, open: false };
  const meta = lines.filter((line) => META.test(line)).length;
  const data = lines.filter((line) => !line.startsWith('#'));
  const samples = data.filter((line) => SAMPLE.test(line.trim()));
  const is = (meta > 0 && samples.length >= data.length * 0.5) || (samples.length > 0 && samples.length >= data.length * 0.8);
  const timed = samples.filter((line) => /[ \t]\S+[ \t]-?[\d.]+(?: # \{.*)?$/.test(line.replace(/\{.*\}/, '')));
  const open =
    lines.includes('# EOF') ||
    lines.some((line) => line.startsWith('# UNIT ')) ||
    (timed.length > 0 && timed.every((line) => SECONDS.test(line)));
  return { is, open };
}

const KUBECTL = /^(?:\[pod\/[^\]]+\] )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)(?: |$)|^\[pod\/[^\]]+\/[^\]]+\] /;
const CLOUDWATCH = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
const PROCESS = String.raw` \S+ [^\s:[\]]+(?:\[\d+\])?: `;
const SHORT = new RegExp(String.raw`^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?${PROCESS}`);
const SHORT_ISO = new RegExp(String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)${PROCESS}`);
const LOGFMT = /^(?:\s*[\w.@/-]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)){2,}\s*$/;

const COLUMN_NAME = /^[\p{L}_@$][\p{L}\p{N}_ .:/()%#@$-]{0,63}$/u;
/** How many of the records have as many fields as the header; a quoted field may go over lines. */
function evenPart(rows: readonly string[], delimiter: string, fields: number): number {
  let records = 0;
  let even = 0;
  let open = '';
  for (const row of rows) {
    const joined = open === '' ? row : `${open}\n${row}`;
    const record = parseCsvRecord(joined, delimiter);
    open = record === 'open' && joined.length < 4_096 ? joined : '';
    if (open !== '') continue;
    records++;
    if (typeof record !== 'string' && record.length === fields) even++;
  }
  return records === 0 ? 0 : even / records;
}
/** A header of names, and rows as long as it. */
function csv({ lines, text, json }: Looked): Score {
  const [header, ...rows] = lines;
  if (text === null || json !== undefined || header === undefined || rows.length === 0) return 0;
  const delimiter = sniffDelimiter(header);
  if (delimiter === null) return 0;
  const names = parseCsvLine(header, delimiter);
  if (names === null || names.length < 2) return 0;
  const even = evenPart(rows, delimiter, names.length);
  if (even < 0.6) return 0;
  const named =
    names.every((name) => COLUMN_NAME.test(name.trim())) && new Set(names.map((name) => name.trim().toLowerCase())).size === names.length;
  return named ? (names.every((name) => !/ .* .* /.test(name.trim())) ? 2 : 1) : even >= 0.95 && names.length > 2 ? 1 : 0;
}
const FOCUS = ['billedcost', 'effectivecost', 'chargeperiodstart', 'billingperiodstart', 'billingcurrency', 'chargecategory'];
function focus({ lines }: Looked): Score {
  const delimiter = sniffDelimiter(lines[0] ?? '');
  const names = new Set((delimiter ? parseCsvLine(lines[0] ?? '', delimiter) : null)?.map((name) => name.trim().toLowerCase()));
  return FOCUS.filter((name) => names.has(name)).length >= 2 ? 3 : 0;
}

export const TEXT_RECOGNISERS: readonly Recogniser[] = [
  ['focus-csv', focus],
  ['openmetrics-text', (looked) => (exposition(looked).is && exposition(looked).open ? 3 : 0)],
  ['prometheus-text', (looked) => (exposition(looked).is && !exposition(looked).open ? 3 : 0)],
  ['kubectl-logs', (looked) => mostly(looked, KUBECTL, 3)],
  ['journal-short', (looked) => mostly(looked, SHORT, 3)],
  ['journal-short-iso', (looked) => mostly(looked, SHORT_ISO, 3)],
  ['cloudwatch-export', (looked) => mostly(looked, CLOUDWATCH, 2)],
  ['logfmt', (looked) => mostly(looked, LOGFMT, 2)],
  ['csv', csv],
  ['log-text', ({ text, json }) => (text !== null && json === undefined ? 1 : 0)],
];
