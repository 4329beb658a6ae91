import { unquoteGo } from '#query/rules/go-literal.ts';
import { type Matcher, type MatchOperator, matcherOf, printMatchers } from './matcher.ts';

/** What is wrong with matchers, in Alertmanager's words. */
export class MatcherError extends Error {
  override name = 'MatcherError';
}
const SPACE = /[\s\u0085]/u;

/**
 * One or several matchers: {a="b",c=~"d.*"}. Two of Alertmanager's parsers read it, as without a feature flag (matcher/compat): the newer knows
 * UTF-8 names, the classic one has the last word where it takes the text at all and the words about an error.
 * @throws MatcherError
 */
export function parseMatchers(text: string): Matcher[] {
  const newer = attempt(() => new Utf8Parser(text).parse());
  const classic = attempt(() => parseClassic(text));
  if (classic instanceof MatcherError) {
    if (newer instanceof MatcherError) throw classic;
    return newer;
  }
  if (newer instanceof MatcherError) return classic;
  return printMatchers(newer) === printMatchers(classic) ? newer : classic;
}
/** Exactly one, without braces: a filter of the API, a label of `route`. @throws MatcherError */
export function parseMatcher(text: string): Matcher {
  if (text.startsWith('{') || text.endsWith('}')) throw new MatcherError(`unexpected open or close brace: ${text}`);
  const newer = attempt(() => new Utf8Parser(text).parse());
  const classic = attempt(() => [classicMatcher(text)]);
  if (!(classic instanceof MatcherError)) return classic[0] as Matcher;
  if (newer instanceof MatcherError) throw classic;
  if (newer.length !== 1) throw newer.length === 0 ? classic : new MatcherError(`expected 1 matcher, found ${newer.length}`);
  return newer[0] as Matcher;
}
function attempt(parse: () => Matcher[]): Matcher[] | MatcherError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MatcherError) return error;
    throw error;
  }
}
/** Go's words for a pattern that is none; @returns any other error as it is */
export function regexError(pattern: string, error: unknown): unknown {
  if (!(error instanceof SyntaxError)) return error;
  const why = error.message
    .replace(/^Invalid regular expression: .*: /s, '')
    .replace('Nothing to repeat', 'missing argument to repetition operator');
  return new MatcherError(`error parsing regexp: ${why}: \`^(?:${pattern})$\``);
}
function compiled(name: string, operator: MatchOperator, value: string): Matcher {
  try {
    return matcherOf(name, operator, value);
  } catch (error) {
    throw regexError(value, error);
  }
}

/** Commas outside of quotes part matchers; values need no quotes. */
function parseClassic(text: string): Matcher[] {
  const inner = text.replace(/^\{/, '').replace(/\}$/, '');
  const parts: string[] = [];
  let [part, isQuoted, isEscaped] = ['', false, false];
  for (const c of inner) {
    if (c === ',' && !isQuoted) {
      parts.push(part);
      part = '';
      continue;
    }
    if (c === '"') {
      if (!isEscaped) isQuoted = !isQuoted;
      isEscaped = false;
    } else isEscaped = c === '\\' && !isEscaped;
    part += c;
  }
  if (part.trim() !== '') parts.push(part.trim());
  return parts.map(classicMatcher);
}
function classicMatcher(text: string): Matcher {
  const found = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)/.exec(text.trimStart());
  if (!found) throw new MatcherError(`bad matcher format: ${text}`);
  const [whole, name, operator] = found as unknown as [string, string, MatchOperator];
  const raw = text.trimStart().slice(whole.length).trim();
  const unescaped = (): Error => new MatcherError(`matcher value contains unescaped double quote: ${raw}`);
  let isOpen = raw.startsWith('"');
  let value = '';
  for (let i = isOpen ? 1 : 0; i < raw.length; i++) {
    const c = raw.charAt(i);
    const next = raw.charAt(i + 1);
    if (c === '\\' && next !== '') {
      value += next === 'n' ? '\n' : next === '"' || next === '\\' ? next : `\\${next}`;
      i++;
    } else if (c !== '"') value += c;
    else if (isOpen && next === '') isOpen = false;
    else throw unescaped();
  }
  if (isOpen) throw unescaped();
  return compiled(name, operator, value);
}

interface Token {
  readonly kind: '{' | '}' | ',' | 'operator' | 'quoted' | 'unquoted' | 'end';
  readonly text: string;
}
const RESERVED = /[\s\u0085{}!=~,\\"'`]/u;
const TOKEN = /[{},]|=~|!~|!=|=|"(?:[^"\\]|\\[\s\S])*"|[^\s\u0085{}!=~,\\"'`]+/uy;

/** Names and values in quotes may be anything; without, anything but what is reserved. */
class Utf8Parser {
  private readonly text: string;
  private at = 0;
  private token: Token;

  constructor(text: string) {
    this.text = text;
    this.token = this.scan();
  }
  private scan(): Token {
    while (SPACE.test(this.text.charAt(this.at))) this.at++;
    if (this.at === this.text.length) return { kind: 'end', text: '' };
    TOKEN.lastIndex = this.at;
    const text = TOKEN.exec(this.text)?.[0];
    if (text === undefined) throw new MatcherError(`invalid input: ${this.text.slice(this.at)}`);
    this.at += text.length;
    if (text === '{' || text === '}' || text === ',') return { kind: text, text };
    return { kind: text.startsWith('"') ? 'quoted' : RESERVED.test(text.charAt(0)) ? 'operator' : 'unquoted', text };
  }
  private is(...kinds: readonly Token['kind'][]): boolean {
    return kinds.includes(this.token.kind);
  }
  private take(what: string, ...kinds: readonly Token['kind'][]): Token {
    const { token } = this;
    if (!this.is(...kinds)) throw new MatcherError(`unexpected ${token.text || 'end of input'}: expected ${what}`);
    this.token = this.scan();
    return token;
  }
  parse(): Matcher[] {
    const matchers: Matcher[] = [];
    const hasBrace = this.is('{');
    if (hasBrace) this.take('an opening brace', '{');
    while (!this.is('}', 'end')) {
      matchers.push(this.matcher());
      if (!this.is('}', 'end')) this.take('a comma or close brace', ',');
    }
    if (hasBrace) this.take('a close brace', '}');
    if (!this.is('end')) throw new MatcherError(`unexpected ${this.token.text}: expected end of input`);
    return matchers;
  }
  private matcher(): Matcher {
    const name = unquoted(this.take('a label name', 'quoted', 'unquoted'));
    const operator = this.take("an operator such as '=', '!=', '=~' or '!~'", 'operator').text as MatchOperator;
    const value = unquoted(this.take('a label value', 'quoted', 'unquoted'));
    return compiled(name, operator, value);
  }
}
/** Escapes Go's strconv.Unquote takes. */
const QUOTED = /^"(?:[^"\\\n]|\\(?:[abfnrtv\\"]|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U00(?:0[\da-fA-F]|10)[\da-fA-F]{4}|[0-3][0-7]{2}))*"$/;
function unquoted({ kind, text }: Token): string {
  if (kind !== 'quoted') return text;
  if (!QUOTED.test(text)) throw new MatcherError(`invalid input: ${text}`);
  return unquoteGo(text);
}
