import { formatFloat } from './go-float.ts';
import { goTimeText } from './go-time.ts';
import { beneath, isList, isMap, isObject, type TemplateTime, type TemplateValue, typeName } from './go-value.ts';

/** Go's fmt as templates use it: print, println, printf and what {{ }} shows. */
const MAX_WIDTH = 10_000;

export function goQuote(text: string): string {
  let out = '"';
  for (const c of text) {
    const code = c.codePointAt(0) as number;
    if (c === '"' || c === '\\') out += `\\${c}`;
    else if (c === '\n') out += '\\n';
    else if (c === '\t') out += '\\t';
    else if (c === '\r') out += '\\r';
    else if (code === 7) out += '\\a';
    else if (code === 8) out += '\\b';
    else if (code === 11) out += '\\v';
    else if (code === 12) out += '\\f';
    else if (code < 32 || code === 127) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += c;
  }
  return `${out}"`;
}
const pad = (value: bigint, length: number): string => value.toString().padStart(length, '0');
/** time.Time as Go prints it: 2022-01-25 12:36:43.5 +0000 UTC. */
const formatTime = (time: TemplateTime): string => goTimeText(time, '2006-01-02 15:04:05.999999999 -0700 MST');
/** time.Duration as Go prints it: 2h10m15.5s, 1.5ms. */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  const decimal = (value: bigint, unit: bigint): string => {
    const rest = pad(value % unit, unit.toString().length - 1).replace(/0+$/, '');
    return `${value / unit}${rest === '' ? '' : `.${rest}`}`;
  };
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** %v. */
export function goText(of: TemplateValue): string {
  const own = isObject(of) ? of.methods.get('String') : undefined;
  const value = beneath(own ? own.call([]) : of);
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return formatFloat(value, 'g', -1);
    case 'bigint':
    case 'boolean':
      return String(value);
  }
  if (value === null || value === undefined) return '<nil>';
  if (isMap(value)) return mapText(value);
  if (isList(value)) return `[${value.map(goText).join(' ')}]`;
  switch (value.kind) {
    case 'sample':
      return `{${mapText(value.labels)} ${goText(value.value)}}`;
    case 'args':
      return mapText(value.values);
    case 'time':
      return formatTime(value);
    case 'duration':
      return formatDuration(value.nanos);
    case 'struct':
      return `{${[...value.fields.values()].map(goText).join(' ')}}`;
  }
}
function mapText(map: ReadonlyMap<string, TemplateValue>): string {
  const sorted = [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `map[${sorted.map(([key, value]) => `${key}:${goText(value)}`).join(' ')}]`;
}
/** What {{ }} shows. */
export const shownText = (value: TemplateValue): string => (value === null || value === undefined ? '<no value>' : goText(value));

/** fmt.Sprint: a space between two that are both no text. */
export function goPrint(args: readonly TemplateValue[]): string {
  return args
    .map((arg, i) => (i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string' ? ` ${goText(arg)}` : goText(arg)))
    .join('');
}
export const goPrintln = (args: readonly TemplateValue[]): string => `${args.map(goText).join(' ')}\n`;

interface Spec {
  readonly flags: string;
  readonly width: number | null;
  readonly precision: number | null;
}
function padded(text: string, { flags, width }: Spec, isNumber: boolean): string {
  const length = [...text].length;
  if (width === null || length >= width) return text;
  if (flags.includes('-')) return text + ' '.repeat(width - length);
  if (!flags.includes('0')) return ' '.repeat(width - length) + text;
  const sign = isNumber && /^[+-]/.test(text) ? text.charAt(0) : '';
  return sign + '0'.repeat(width - length) + text.slice(sign.length);
}
const signed = (text: string, { flags }: Spec): string =>
  text.startsWith('-') || text.startsWith('+')
    ? flags.includes('+')
      ? text
      : text.replace(/^\+/, flags.includes(' ') ? '' : '+')
    : flags.includes('+')
      ? `+${text}`
      : flags.includes(' ')
        ? ` ${text}`
        : text;
const hexOf = (text: string, isUpper: boolean): string => {
  let out = '';
  for (const [, escaped, plain] of encodeURIComponent(text).matchAll(/%(..)|(.)/g))
    out += escaped?.toLowerCase() ?? (plain as string).charCodeAt(0).toString(16).padStart(2, '0');
  return isUpper ? out.toUpperCase() : out;
};
function formatInt(value: bigint, verb: string, spec: Spec): string | null {
  const digits = (radix: number): string => signed(value.toString(radix), spec);
  const { flags } = spec;
  switch (verb) {
    case 'd':
    case 'v':
      return digits(10);
    case 'b':
      return digits(2);
    case 'o':
      return flags.includes('#') ? `0${digits(8)}` : digits(8);
    case 'x':
      return flags.includes('#') ? digits(16).replace(/^([-+ ]?)/, '$10x') : digits(16);
    case 'X':
      return flags.includes('#')
        ? digits(16)
            .toUpperCase()
            .replace(/^([-+ ]?)/, '$10X')
        : digits(16).toUpperCase();
    case 'c':
      return String.fromCodePoint(Number(value));
    case 'q':
      return `'${String.fromCodePoint(Number(value))}'`;
    case 'U':
      return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
    default:
      return null;
  }
}
function formatString(value: string, verb: string, { precision, flags }: Spec): string | null {
  const cut = precision === null ? value : [...value].slice(0, precision).join('');
  if (verb === 's' || verb === 'v') return verb === 'v' && flags.includes('#') ? goQuote(cut) : cut;
  if (verb === 'q') return goQuote(cut);
  return verb === 'x' || verb === 'X' ? hexOf(cut, verb === 'X') : null;
}
/** null: this verb is not for such a value. */
function formatOne(of: TemplateValue, verb: string, spec: Spec): string | null {
  if (verb === 'T') return padded(of === null || of === undefined ? '<nil>' : typeName(of), spec, false);
  const value = beneath(of);
  if (typeof value === 'string') {
    const text = formatString(value, verb, spec);
    return text === null ? null : padded(text, spec, false);
  }
  if (typeof value === 'number') {
    if (verb === 'v') return padded(signed(formatFloat(value, 'g', spec.precision ?? -1), spec), spec, true);
    if (!/[eEfFgG]/.test(verb)) return null;
    const isShortest = /[gG]/.test(verb);
    const text = signed(formatFloat(value, verb, spec.precision ?? (isShortest ? -1 : 6)), spec);
    return padded(text, Number.isFinite(value) ? spec : { ...spec, flags: spec.flags.replace('0', '') }, true);
  }
  if (typeof value === 'bigint') {
    const text = formatInt(value, verb, spec);
    return text === null ? null : padded(text, spec, true);
  }
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? padded(String(value), spec, false) : null;
  if (verb === 'v') return padded(goText(value), spec, false);
  if (value === null || value === undefined) return null;
  return verb === 's' && !isList(value) ? padded(goText(value), spec, false) : null;
}
function wrongVerb(value: TemplateValue, verb: string): string {
  if (value === null || value === undefined) return `%!${verb}(<nil>)`;
  return `%!${verb}(${typeName(value)}=${goText(value)})`;
}
/** fmt.Sprintf. Widths over 10,000 count as none. */
export function goPrintf(format: string, args: readonly TemplateValue[]): string {
  let used = 0;
  const star = (text: string | undefined): number | null => {
    if (text === undefined || text === '') return null;
    const size = text === '*' ? Number(args[used++]) : Number(text);
    return Math.abs(size) <= MAX_WIDTH ? size : null;
  };
  const out = format.replace(/%([-+# 0]*)(\*|\d+)?(?:(\.)(\*|\d+)?)?([\s\S]|$)/gu, (_, flags: string, width, dot, digits, verb: string) => {
    if (verb === '') return '%!(NOVERB)';
    const wide = star(width);
    const spec: Spec = {
      flags: wide !== null && wide < 0 ? `${flags}-` : flags,
      width: wide === null ? null : Math.abs(wide),
      precision: dot === undefined ? null : (star(digits) ?? 0),
    };
    if (verb === '%') return '%';
    if (used >= args.length) return `%!${verb}(MISSING)`;
    const value = args[used++];
    return formatOne(value, verb, spec) ?? wrongVerb(value, verb);
  });
  if (used >= args.length) return out;
  const extra = args.slice(used).map((arg) => (arg === null || arg === undefined ? '<nil>' : `${typeName(arg)}=${goText(arg)}`));
  return `${out}%!(EXTRA ${extra.join(', ')})`;
}
