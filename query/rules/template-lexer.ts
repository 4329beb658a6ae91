import { goQuote } from './go-format.ts';

/** Tokens of Go's templates. */
export type TemplateTokenType =
  | 'text'
  | 'left'
  | 'right'
  | 'identifier'
  | 'keyword'
  | 'field'
  | 'variable'
  | 'dot'
  | 'nil'
  | 'bool'
  | 'number'
  | 'char'
  | 'string'
  | 'space'
  | 'pipe'
  | 'assign'
  | 'declare'
  | '('
  | ')'
  /** Any other character, such as the comma. */
  | 'other'
  | 'eof'
  /** The text is what is wrong; the last token. */
  | 'error';
export interface TemplateToken {
  readonly type: TemplateTokenType;
  readonly text: string;
  /** UTF-16 units from the beginning. */
  readonly at: number;
  readonly line: number;
}
const KEYWORDS: ReadonlySet<string> = new Set(['if', 'else', 'end', 'range', 'with', 'define', 'template', 'block', 'break', 'continue']);
const WORD = /[\p{L}\p{Nd}_]*/uy;
const NUMBER = /[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[\d_]*\.?[\d_]*(?:[eE][+-]?[\d_]+)?)/y;
const SPACES = /[ \t\r\n]+/y;
const codeName = (c: string): string =>
  `U+${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}${c < ' ' ? '' : ` '${c}'`}`;

class Lexer {
  private readonly input: string;
  private at = 0;
  private line = 1;
  private depth = 0;
  readonly tokens: TemplateToken[] = [];

  constructor(input: string) {
    this.input = input;
  }
  private emit(type: TemplateTokenType, length: number): void {
    const text = this.input.slice(this.at, this.at + length);
    this.tokens.push({ type, text, at: this.at, line: this.line });
    this.skip(length);
  }
  private skip(length: number): void {
    for (let i = this.at; i < this.at + length; i++) if (this.input.charCodeAt(i) === 10) this.line++;
    this.at += length;
  }
  private fail(says: string): false {
    this.tokens.push({ type: 'error', text: says, at: this.at, line: this.line });
    return false;
  }
  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    return pattern.exec(this.input)?.[0] ?? '';
  }
  run(): readonly TemplateToken[] {
    while (this.textAndAction());
    return this.tokens;
  }
  /** @returns whether to go on */
  private textAndAction(): boolean {
    const { input } = this;
    const open = input.indexOf('{{', this.at);
    const end = open < 0 ? input.length : open;
    const trims = open >= 0 && /^- ?[ \t\r\n]/.test(input.slice(open + 2, open + 4));
    const text = input.slice(this.at, end);
    const kept = trims ? text.replace(/[ \t\r\n]+$/, '') : text;
    if (kept !== '') this.emit('text', kept.length);
    this.skip(end - this.at);
    if (open < 0) {
      this.emit('eof', 0);
      return false;
    }
    const inner = trims ? 2 : 0;
    if (input.startsWith('/*', open + 2 + inner)) return this.comment(open + 2 + inner);
    this.emit('left', 2);
    this.skip(inner);
    this.depth = 0;
    return this.action();
  }
  private comment(from: number): boolean {
    const close = this.input.indexOf('*/', from + 2);
    if (close < 0) return this.fail('unclosed comment');
    const right = /^(?:([ \t\r\n]-)?\}\})/.exec(this.input.slice(close + 2));
    if (!right) return this.fail('comment ends before closing delimiter');
    this.skip(close + 2 + right[0].length - this.at);
    if (right[1]) this.skip(this.match(SPACES).length);
    return true;
  }
  private action(): boolean {
    for (;;) {
      const rest = this.input.slice(this.at, this.at + 4);
      const right = /^(?:[ \t\r\n]-)?\}\}/.exec(rest);
      if (right) {
        if (this.depth > 0) return this.fail('unclosed left paren');
        const trims = right[0].length > 2;
        if (trims) this.skip(2);
        this.emit('right', 2);
        if (trims) this.skip(this.match(SPACES).length);
        return true;
      }
      if (rest === '') return this.fail('unclosed action');
      if (!this.inside()) return false;
    }
  }
  private inside(): boolean {
    const { input } = this;
    const c = String.fromCodePoint(input.codePointAt(this.at) as number);
    switch (c) {
      case ' ':
      case '\t':
      case '\r':
      case '\n': {
        // The last of them may belong to a trimming "-}}".
        const spaces = this.match(SPACES);
        const isTrim = /^-\}\}/.test(input.slice(this.at + spaces.length, this.at + spaces.length + 3));
        this.emit('space', isTrim ? spaces.length - 1 : spaces.length);
        if (isTrim && spaces.length === 1) this.tokens.pop();
        return true;
      }
      case '=':
        this.emit('assign', 1);
        return true;
      case ':':
        if (input.charAt(this.at + 1) !== '=') return this.fail('expected :=');
        this.emit('declare', 2);
        return true;
      case '|':
        this.emit('pipe', 1);
        return true;
      case '"':
        return this.quoted(/"(?:[^"\\\n]|\\[^\n])*"/y, 'string', 'unterminated quoted string');
      case '`':
        return this.quoted(/`[^`]*`/y, 'string', 'unterminated raw quoted string');
      case "'":
        return this.quoted(/'(?:[^'\\\n]|\\[^\n])*'/y, 'char', 'unterminated character constant');
      case '(':
        this.depth++;
        this.emit('(', 1);
        return true;
      case ')':
        this.depth--;
        this.emit(')', 1);
        return true;
      case '$':
      case '.':
        return this.name(c);
    }
    if (/[-+\d]/.test(c)) return this.number();
    if (/[\p{L}\p{Nd}_]/u.test(c)) return this.word();
    if (c >= ' ' && c < '\x7f') {
      this.emit('other', 1);
      return true;
    }
    return this.fail(`unrecognized character in action: ${codeName(c)}`);
  }
  private quoted(pattern: RegExp, type: 'string' | 'char', says: string): boolean {
    const text = this.match(pattern);
    if (text === '') return this.fail(says);
    this.emit(type, text.length);
    return true;
  }
  private number(): boolean {
    const text = this.match(NUMBER);
    WORD.lastIndex = this.at + text.length;
    const more = WORD.exec(this.input)?.[0] ?? '';
    if (text === '' || !/\d/.test(text) || more !== '') {
      const shown = this.input.slice(this.at, this.at + Math.max(1, text.length) + (more === '' ? 0 : 1));
      return this.fail(`bad number syntax: ${goQuote(shown)}`);
    }
    this.emit('number', text.length);
    return true;
  }
  /** $x or .x, or the sign alone. */
  private name(sign: '$' | '.'): boolean {
    if (sign === '.' && /\d/.test(this.input.charAt(this.at + 1))) return this.number();
    WORD.lastIndex = this.at + 1;
    const length = 1 + (WORD.exec(this.input)?.[0].length ?? 0);
    if (!this.isAtEnd(length)) return false;
    this.emit(sign === '$' ? 'variable' : length === 1 ? 'dot' : 'field', length);
    return true;
  }
  private word(): boolean {
    const text = this.match(WORD);
    if (!this.isAtEnd(text.length)) return false;
    const type = KEYWORDS.has(text) ? 'keyword' : text === 'nil' ? 'nil' : text === 'true' || text === 'false' ? 'bool' : 'identifier';
    this.emit(type, text.length);
    return true;
  }
  private isAtEnd(length: number): boolean {
    const next = this.input.slice(this.at + length);
    if (next === '' || /^(?:[ \t\r\n.,|:()]|\}\})/.test(next)) return true;
    return this.fail(`bad character ${codeName(String.fromCodePoint(next.codePointAt(0) as number))}`);
  }
}
export const lexTemplate = (input: string): readonly TemplateToken[] => new Lexer(input).run();
