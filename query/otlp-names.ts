/**
 * Names OTLP metrics and attributes have in PromQL: "Prometheus and OpenMetrics Compatibility" of the OpenTelemetry specification
 * (OTLP metric points to Prometheus), in the way of Prometheus' own translation strategies: with or without suffixes for unit and type,
 * names as they are (UTF-8) or with "_" for what classic Prometheus names cannot hold.
 */
export interface NameOptions {
  /** Names keep any character. Else [a-zA-Z0-9:_] only. */
  readonly utf8: boolean;
  /** Unit and type are added to metric names. */
  readonly suffixes: boolean;
  /** Put before every metric name; '' for none. */
  readonly namespace: string;
}
/** What Prometheus 3 does by default (UnderscoreEscapingWithSuffixes). */
export const CLASSIC_NAMES: NameOptions = { utf8: false, suffixes: true, namespace: '' };

export interface NamedMetric {
  readonly name: string;
  /** UCUM, as sent. */
  readonly unit: string;
  /** A sum that only grows. */
  readonly isCounter: boolean;
  readonly isGauge: boolean;
}

/** UCUM codes of the semantic conventions, and the word Prometheus has for each. */
const UNITS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  kBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
};
const PER_UNITS: Readonly<Record<string, string>> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' };

/** Letters, digits and colons in a row. */
const words = (text: string): string[] => text.match(/[a-zA-Z0-9:]+/g) ?? [];
/** One half of a unit; annotations in braces say nothing a name could hold. */
const unitWord = (code: string, table: Readonly<Record<string, string>>): string =>
  code.includes('{') || code.includes('}') ? '' : words(Object.hasOwn(table, code) ? (table[code] as string) : code).join('_');

interface UnitWords {
  readonly main: string;
  /** Without "per". */
  readonly per: string;
}
function unitWords(unit: string): UnitWords {
  const slash = unit.indexOf('/');
  const [main, per] = slash < 0 ? [unit, ''] : [unit.slice(0, slash), unit.slice(slash + 1)];
  return { main: unitWord(main.trim(), UNITS), per: unitWord(per.trim(), PER_UNITS) };
}
/** Unit as metadata shows it: "bytes_per_second"; '' where there is none. */
export function prometheusUnit(unit: string): string {
  const { main, per } = unitWords(unit);
  return [main, per && `per_${per}`].filter(Boolean).join('_');
}

/**
 * The word a name's type adds; a name that has it keeps it, behind the unit. A count of objects has unit 1 as well: only of a gauge it is
 * known to be a ratio.
 */
const typeWord = ({ unit, isCounter, isGauge }: NamedMetric): string => (isCounter ? 'total' : unit === '1' && isGauge ? 'ratio' : '');
/** Words a name ends in for its unit and type, but for those it has already. */
function suffixWords(metric: NamedMetric, has: (word: string) => boolean): string[] {
  const { main, per } = unitWords(metric.unit);
  const found: string[] = [];
  if (main !== '' && !has(main)) found.push(main);
  if (per !== '' && !has(per)) found.push('per', per);
  return [...found, typeWord(metric)].filter(Boolean);
}

/** @returns null: nothing is left that could be a name */
export function prometheusMetricName(metric: NamedMetric, { utf8, suffixes, namespace }: NameOptions): string | null {
  const name = utf8 ? utf8Name(metric, suffixes, namespace) : classicName(metric, suffixes, namespace);
  const isEmpty = name === '' || (name !== metric.name && /^_+$/.test(name));
  return isEmpty ? null : name;
}
function utf8Name(metric: NamedMetric, suffixes: boolean, namespace: string): string {
  const full = namespace === '' ? metric.name : `${namespace}_${metric.name}`;
  if (!suffixes) return full;
  const type = typeWord(metric);
  const bare = type !== '' && full.endsWith(`_${type}`) ? full.slice(0, -type.length - 1) : full;
  return [bare, ...suffixWords(metric, (word) => bare === word || bare.endsWith(`_${word}`))].join('_');
}
function classicName(metric: NamedMetric, suffixes: boolean, namespace: string): string {
  const before = namespace === '' ? [] : [(namespace.match(/[a-zA-Z0-9:_]+/g) ?? []).join('_')];
  // Without suffixes a name is changed as little as possible: its runs of "_" stay.
  if (!suffixes) return noDigitFirst([...before, (metric.name.match(/[a-zA-Z0-9:_]+/g) ?? []).join('_')].join('_'));
  const type = typeWord(metric);
  const own = words(metric.name).filter((word) => word !== type);
  return noDigitFirst([...before, ...own, ...suffixWords(metric, (word) => own.includes(word))].join('_'));
}
const noDigitFirst = (name: string): string => (/^[0-9]/.test(name) ? `_${name}` : name);

/** Attribute key as a label name. @returns '' for a key nothing is left of */
export function prometheusLabelName(key: string, { utf8 }: Pick<NameOptions, 'utf8'>): string {
  if (utf8) return key;
  // Names like __name__ belong to Prometheus and are no attribute's: they lose an underscore with any other run of them.
  const name = key.replace(/[^a-zA-Z0-9_]/g, '_').replace(/_+/g, '_');
  if (name === '_' || name === '') return '';
  return /^[0-9]/.test(name) ? `key_${name}` : name;
}
