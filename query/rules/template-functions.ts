import { RE2JS } from 're2js';
import { formatFloat } from './go-float.ts';
import { goQuote } from './go-format.ts';
import {
  beneath,
  isList,
  type TemplateFunction,
  type TemplateSample,
  type TemplateTime,
  type TemplateValue,
  typeName,
} from './go-value.ts';
import { parseGoDuration } from './model-duration.ts';
import { BUILTINS, CallError, queryEscape } from './template-builtins.ts';

/** Functions of Prometheus' templates (template/template.go names them). */
export interface TemplateContext {
  /** Answer of a PromQL query at the time of the evaluation. */
  query(text: string): readonly TemplateSample[];
  readonly nowMs: number;
  /** "http://host:4400/prefix" */
  readonly externalUrl: string;
}
const MAX_PATTERN = 10_000;

function floatOf(of: TemplateValue): number {
  const value = beneath(of);
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') {
    const text = value.trim() === value ? value : 'x';
    const special = /^([+-]?)(?:inf|infinity)$/i.exec(text);
    if (special) return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) || /^0x[\da-f]+$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isNaN(number) || /^nan$/i.test(text)) return number;
    throw new CallError(`strconv.ParseFloat: parsing ${goQuote(value)}: invalid syntax`);
  }
  if (value && typeof value === 'object' && 'kind' in value && value.kind === 'duration') return Number(value.nanos) / 1e9;
  throw new CallError(`can't convert ${value === null || value === undefined ? '<nil>' : typeName(value)} to float`);
}
const four = (value: number): string => formatFloat(value, 'g', 4);
const isOdd = (value: number): boolean => value === 0 || !Number.isFinite(value);

function scaledUp(value: number, step: number, prefixes: readonly string[]): string {
  let prefix = '';
  let left = value;
  for (const each of prefixes) {
    if (Math.abs(left) < step) break;
    prefix = each;
    left /= step;
  }
  return four(left) + prefix;
}
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];
function scaledDown(value: number): string {
  let prefix = '';
  let left = value;
  for (const each of SMALL) {
    if (Math.abs(left) >= 1) break;
    prefix = each;
    left *= 1000;
  }
  return four(left) + prefix;
}
function humanize(value: number): string {
  if (isOdd(value)) return four(value);
  return Math.abs(value) >= 1 ? scaledUp(value, 1000, ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']) : scaledDown(value);
}
const humanize1024 = (value: number): string =>
  Math.abs(value) <= 1 || isOdd(value) ? four(value) : scaledUp(value, 1024, ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi']);
function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return four(value);
  if (value === 0) return `${four(value)}s`;
  if (Math.abs(value) < 1) return `${scaledDown(value)}s`;
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  const whole = Math.floor(size);
  const [days, hours, minutes, seconds] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m ${seconds}s` : `${sign}${four(size)}s`;
}
const MAX_NANOS = 2 ** 63;
function timeOf(value: number): TemplateTime {
  const nanos = value * 1e9;
  if (!(Math.abs(nanos) < MAX_NANOS))
    throw new CallError(`${formatFloat(nanos, 'f', 6)} cannot be represented as a nanoseconds timestamp since it overflows int64`);
  // Prometheus' times have milliseconds.
  return { kind: 'time', nanos: BigInt(Math.trunc(nanos / 1e6)) * 1_000_000n };
}

/** net.SplitHostPort; null: it is none. */
function splitHostPort(text: string): readonly [host: string, port: string] | null {
  const found = /^\[([^[\]]*)\]:([^:[\]]*)$/.exec(text) ?? /^([^:[\]]*):([^:[\]]*)$/.exec(text);
  return found ? [found[1] as string, found[2] as string] : null;
}
const stripPort = (text: string): string => splitHostPort(text)?.[0] ?? text;
function stripDomain(text: string): string {
  const [host, port] = splitHostPort(text) ?? [text, ''];
  if (/^(?:\d{1,3}\.){3}\d{1,3}$/.test(host) || /^[\da-fA-F.]*:[\da-fA-F:.]*$/.test(host)) return text;
  const first = host.split('.', 1)[0] as string;
  return port === '' ? first : `${first.includes(':') ? `[${first}]` : first}:${port}`;
}
function regexOf(pattern: string): RE2JS {
  if (pattern.length > MAX_PATTERN) throw new CallError(`the pattern is longer than ${MAX_PATTERN} characters`);
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new CallError((error as Error).message);
  }
}
/** regexp.ReplaceAllString: $1, ${1}, $name; a name takes all letters, digits and _ there are. */
function replaceAll(pattern: string, replacement: string, text: string): string {
  const matcher = regexOf(pattern).matcher(text);
  const names = regexOf(pattern).namedGroups();
  const expand = (): string =>
    replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
      const name = plain ?? braced;
      if (name === undefined) return whole === '$$' ? '$' : '';
      const group = /^\d+$/.test(name) ? Number(name) : Number((names as Record<string, number>)[name] ?? -1);
      return group >= 0 && group <= matcher.groupCount() ? (matcher.group(group) ?? '') : '';
    });
  let out = '';
  let at = 0;
  while (matcher.find()) {
    out += text.slice(at, matcher.start()) + expand();
    at = matcher.end();
  }
  return out + text.slice(at);
}
/** strings.Title: a capital at each beginning of a word. */
const title = (text: string): string =>
  text.replace(/(^|[^\p{L}\p{Nd}_])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());

function samplesOf(value: TemplateValue): readonly TemplateSample[] {
  return isList(value) ? (value as readonly TemplateSample[]) : [];
}
const number = (call: (value: number) => TemplateValue): TemplateFunction => ({ takes: ['any'], call: ([value]) => call(floatOf(value)) });
const text = (call: (...values: string[]) => TemplateValue, count = 1): TemplateFunction => ({
  takes: Array.from({ length: count }, () => 'string'),
  call: (args) => call(...(args as string[])),
});
const RESULT = 'template.queryResult';
const SAMPLE = '*template.sample';
const field = (value: TemplateValue): TemplateSample => value as TemplateSample;

/** The functions, for one evaluation. */
export function templateFunctions(context: TemplateContext): ReadonlyMap<string, TemplateFunction> {
  const { externalUrl } = context;
  const link = (expr: string, tab: number): string => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=${tab}`;
  return new Map<string, TemplateFunction>([
    ['query', text((query) => [...context.query(query)])],
    [
      'first',
      {
        takes: [RESULT],
        call: ([list]) => {
          const [first] = samplesOf(list);
          if (!first) throw new CallError('first() called on vector with no elements');
          return first;
        },
      },
    ],
    ['label', { takes: ['string', SAMPLE], call: ([name, sample]) => field(sample).labels.get(name as string) ?? '' }],
    ['value', { takes: [SAMPLE], call: ([sample]) => field(sample).value }],
    ['strvalue', { takes: [SAMPLE], call: ([sample]) => field(sample).labels.get('__value__') ?? '' }],
    ['args', { takes: [], rest: 'any', call: (args) => ({ kind: 'args', values: new Map(args.map((arg, i) => [`arg${i}`, arg])) }) }],
    ['reReplaceAll', text((pattern, replacement, value) => replaceAll(pattern as string, replacement as string, value as string), 3)],
    ['safeHtml', text((value) => value)],
    [
      'match',
      text(
        (pattern, value) =>
          regexOf(pattern as string)
            .matcher(value as string)
            .find(),
        2,
      ),
    ],
    ['title', text((value) => title(value as string))],
    ['toUpper', text((value) => (value as string).toUpperCase())],
    ['toLower', text((value) => (value as string).toLowerCase())],
    ['graphLink', text((expr) => link(expr as string, 0))],
    ['tableLink', text((expr) => link(expr as string, 1))],
    [
      'sortByLabel',
      {
        takes: ['string', RESULT],
        call: ([name, list]) => {
          const by = (sample: TemplateSample): string => sample.labels.get(name as string) ?? '';
          return [...samplesOf(list)].sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
        },
      },
    ],
    ['stripPort', text((value) => stripPort(value as string))],
    ['stripDomain', text((value) => stripDomain(value as string))],
    ['humanize', number(humanize)],
    ['humanize1024', number(humanize1024)],
    ['humanizeDuration', number(humanizeDuration)],
    ['humanizePercentage', number((value) => `${four(value * 100)}%`)],
    ['humanizeTimestamp', number((value) => (Number.isFinite(value) ? timeOf(value) : four(value)))],
    ['toTime', number(timeOf)],
    ['toDuration', number((value) => ({ kind: 'duration', nanos: BigInt(Math.trunc(value * 1e9)) }))],
    ['now', { takes: [], call: () => context.nowMs / 1000 }],
    ['pathPrefix', { takes: [], call: () => externalUrl.replace(/^\w+:\/\/[^/]*/, '') }],
    ['externalURL', { takes: [], call: () => externalUrl }],
    [
      'parseDuration',
      text((value) => {
        const ms = parseGoDuration(value as string);
        if (typeof ms === 'string') throw new CallError(ms);
        return ms / 1000;
      }),
    ],
    ['urlQueryEscape', text((value) => queryEscape(value as string))],
  ]);
}
/** Names a template may call. */
export const TEMPLATE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...BUILTINS.keys(),
  ...templateFunctions({ query: () => [], nowMs: 0, externalUrl: '' }).keys(),
]);
