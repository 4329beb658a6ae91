/**
 * Regular expressions of label matchers: RE2's, anchored at both ends. JavaScript reads the same but for a few forms, which are rewritten:
 * flags for the rest of a group, \\A \\z \\C \\Q..\\E, POSIX classes, and names of groups. A pattern that is plain text, or a choice of
 * plain texts, needs no machine at all.
 */
const POSIX: Readonly<Record<string, string>> = {
  ...{
    alnum: '0-9A-Za-z',
    alpha: 'A-Za-z',
    ascii: '\\x00-\\x7F',
    blank: '\\t ',
    cntrl: '\\x00-\\x1F\\x7F',
    digit: '0-9',
    graph: '!-~',
    lower: 'a-z',
  },
  ...{ print: ' -~', punct: '!-\\/:-@\\[-`{-~', space: '\\t\\n\\v\\f\\r ', upper: 'A-Z', word: '0-9A-Za-z_', xdigit: '0-9A-Fa-f' },
};
const MAX_PATTERN = 10_000;

/** @throws SyntaxError when RE2 or JavaScript would not take it */
export function compileLabelRegex(pattern: string): (value: string) => boolean {
  const plain = plainChoices(pattern);
  if (plain) return (value) => plain.has(value);
  if (pattern.length > MAX_PATTERN) throw new SyntaxError(`the pattern is longer than ${MAX_PATTERN} characters`);
  const source = `^(?:${toJavaScript(pattern)})$`;
  const regex = new RegExp(source, 'su');
  if (!IS_SIMPLE.test(source) || IGNORES_CASE.test(source)) return (value) => regex.test(value);
  // The same without code points: what backtracks too long can then be finished in linear time (main/engine/main.ts sets V8's flag).
  const simple = new RegExp(source, 's');
  return (value) => (SURROGATE.test(value) ? regex : simple).test(value);
}
/** ASCII, and nothing that only the u flag knows: \u{...}, \p{...}. */
const IS_SIMPLE = /^(?:[\t\n\r -[\]-~]|\\[ -OQ-oq-tv-~])*$/;
const IGNORES_CASE = /\(\?[a-z]*i/;
const SURROGATE = /[\ud800-\udfff]/;
/** a, or a|b|c, without anything special in them; null: there is. */
function plainChoices(pattern: string): ReadonlySet<string> | null {
  return /^[^\\.+*?()[\]{}^$]*$/.test(pattern) ? new Set(pattern.split('|')) : null;
}

function toJavaScript(pattern: string): string {
  let out = '';
  /** For each open group, how many more must be closed with it. */
  const extra: number[] = [0];
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const flags = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(rest);
    if (flags && (flags[1] || flags[2])) {
      out += `(?${flagsOf(flags[1] ?? '', flags[2])}:`;
      extra[extra.length - 1] = (extra.at(-1) as number) + 1;
      at += flags[0].length;
      continue;
    }
    const open = /^\((?:\?P?<(\w+)>|\?([imsU]*)(?:-([imsU]+))?:)?/.exec(rest);
    if (open) {
      const [whole, name, on, off] = open;
      if (rest.startsWith('(?') && whole === '(') throw new SyntaxError('invalid or unsupported Perl syntax');
      out += name ? `(?<${name}>` : on || off ? `(?${flagsOf(on ?? '', off)}:` : whole === '(' ? '(' : '(?:';
      extra.push(0);
      at += whole.length;
      continue;
    }
    if (rest.startsWith(')')) {
      if (extra.length === 1) throw new SyntaxError('unexpected )');
      out += ')'.repeat((extra.pop() as number) + 1);
      at++;
      continue;
    }
    if (rest.startsWith('[')) {
      const [text, length] = classOf(rest);
      out += text;
      at += length;
      continue;
    }
    const [text, length] = rest.startsWith('\\') ? escapeOf(rest, false) : literal(rest);
    out += text;
    at += length;
  }
  if (extra.length > 1) throw new SyntaxError('missing closing )');
  return out + ')'.repeat(extra[0] as number);
}
/** U, "swap greed", has no counterpart; whether a label matches does not depend on it. */
function flagsOf(on: string, off: string | undefined): string {
  const kept = (flags: string): string => flags.replaceAll('U', '');
  return off && kept(off) ? `${kept(on)}-${kept(off)}` : kept(on);
}
/** Braces that count nothing and a lone ] are themselves in RE2. */
function literal(rest: string): [text: string, length: number] {
  const count = /^\{\d+(?:,\d*)?\}/.exec(rest);
  if (count) return [count[0], count[0].length];
  const c = String.fromCodePoint(rest.codePointAt(0) as number);
  return ['{}]'.includes(c) ? `\\${c}` : c, c.length];
}
function escapeOf(rest: string, inClass: boolean): [text: string, length: number] {
  const c = rest.charAt(1);
  if (c === '') throw new SyntaxError('trailing backslash at end of expression');
  if (c === 'Q') {
    const end = rest.indexOf('\\E', 2);
    const inside = rest.slice(2, end < 0 ? undefined : end);
    return [inside.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), end < 0 ? rest.length : end + 2];
  }
  if (c === 'E') return ['', 2];
  if (!inClass && c === 'A') return ['(?<![\\s\\S])', 2];
  if (!inClass && c === 'z') return ['(?![\\s\\S])', 2];
  if (c === 'C') return ['[\\s\\S]', 2];
  if (c === 'a') return ['\\x07', 2];
  const hex = /^\\x\{([0-9a-fA-F]+)\}/.exec(rest);
  if (hex) return [`\\u{${hex[1]}}`, hex[0].length];
  const property = /^\\([pP])(\w|\{\^?\w+\})/.exec(rest);
  if (property) return [propertyOf(property[1] as string, property[2] as string), property[0].length];
  const octal = /^\\([0-7]{3}|0[0-7]{0,2})/.exec(rest);
  if (octal) return [`\\u{${Number.parseInt(octal[1] as string, 8).toString(16)}}`, octal[0].length];
  if (/[1-9]/.test(c)) throw new SyntaxError(`invalid escape sequence: \\${c}`);
  // Letters RE2 has no meaning for are errors; any other character may be escaped, which the u flag allows for some only.
  if (/[a-zA-Z]/.test(c)) {
    if (!'bBdDsSwWfnrtvx'.includes(c)) throw new SyntaxError(`invalid escape sequence: \\${c}`);
    return [rest.slice(0, 2), 2];
  }
  return [/[\^$\\.*+?()[\]{}|/-]/.test(c) && (inClass || c !== '-') ? `\\${c}` : c, 2];
}
function propertyOf(letter: string, name: string): string {
  const bare = name.replace(/[{}^]/g, '');
  const negated = (letter === 'P') !== name.includes('^');
  const is = bare.length <= 2 ? bare : `Script=${bare}`;
  return `\\${negated ? 'P' : 'p'}{${is}}`;
}
function classOf(rest: string): [text: string, length: number] {
  let at = 1;
  let out = '[';
  if (rest.charAt(at) === '^') {
    out += '^';
    at++;
  }
  for (let first = true; ; first = false) {
    const c = rest.charAt(at);
    if (c === '') throw new SyntaxError('missing closing ]');
    if (c === ']' && !first) return [`${out}]`, at + 1];
    const posix = /^\[:(\^?)(\w+):\]/.exec(rest.slice(at));
    if (posix) {
      const set = POSIX[posix[2] as string];
      if (set === undefined || posix[1]) throw new SyntaxError(`invalid character class range: ${posix[0]}`);
      out += set;
      at += posix[0].length;
    } else if (c === '\\') {
      const [text, length] = escapeOf(rest.slice(at), true);
      out += text;
      at += length;
    } else {
      out += '[]^'.includes(c) ? `\\${c}` : c;
      at++;
    }
  }
}

/**
 * label_replace: $1, ${1} and ${name} of what fits, as Go's Expand has them.
 * @returns the new value; null where the pattern does not fit
 */
export function compileReplacement(pattern: string, replacement: string, broken: () => Error): (value: string) => string | null {
  let regex: RegExp;
  try {
    regex = new RegExp(`^(?:${toJavaScript(pattern)})$`, 'su');
  } catch {
    throw broken();
  }
  return (value) => {
    const found = regex.exec(value);
    if (!found) return null;
    return replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
      const name = plain ?? braced;
      if (name === undefined) return whole === '$$' ? '$' : '';
      return (/^\d+$/.test(name) ? found[Number(name)] : found.groups?.[name]) ?? '';
    });
  };
}
