import { AGGREGATORS, KEYWORDS, OPERATORS, PromqlError, type Token, type TokenType } from './token.ts';

const WORDS = new Map<string, TokenType>([
  ...AGGREGATORS.map((word) => [word, 'aggregator'] as const),
  ...KEYWORDS.map((word) => [word, 'keyword'] as const),
  ...OPERATORS.filter((word) => /^[a-z]/.test(word)).map((word) => [word, 'operator'] as const),
  ['inf', 'number'],
  ['nan', 'number'],
]);
/** min_of and max_of are functions of durations only: elsewhere a metric may have that name. */
const DURATION_WORDS: ReadonlySet<string> = new Set(['step', 'range', 'min_of', 'max_of']);

const isDigit = (c: string): boolean => c >= '0' && c <= '9';
const isAlpha = (c: string): boolean => c === '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
const isAlnum = (c: string): boolean => isAlpha(c) || isDigit(c);
const isSpace = (c: string): boolean => c === ' ' || c === '\t' || c === '\n' || c === '\r';
const quoted = (c: string): string => (c === "'" ? "'\\''" : `'${c}'`);

type Place = 'statements' | 'braces' | 'duration';

/** Reads one expression into tokens. Throws PromqlError for what is no token; its range reaches to the end of the input, as in Prometheus. */
class Lexer {
  readonly tokens: Token[] = [];
  private readonly input: string;
  private pos = 0;
  private start = 0;
  private place: Place = 'statements';
  private depth = 0;
  private gotColon = false;
  private gotDuration = false;

  constructor(input: string) {
    this.input = input;
  }
  run(): readonly Token[] {
    for (let more = true; more; ) {
      this.start = this.pos;
      more = this.place === 'braces' ? this.inBraces() : this.place === 'duration' ? this.inDuration() : this.inStatements();
    }
    return this.tokens;
  }

  private get peek(): string {
    return this.input.charAt(this.pos);
  }
  private next(): string {
    return this.input.charAt(this.pos++);
  }
  private fail(message: string, start = this.start): never {
    throw new PromqlError(message, { start, end: this.input.length });
  }
  private emit(type: TokenType): true {
    const text = this.input.slice(this.start, this.pos);
    this.tokens.push({ type, text, word: text.toLowerCase(), start: this.start, end: this.pos });
    return true;
  }
  /** @returns whether the character was blank or a comment began, which is now passed over */
  private skipBlank(c: string): boolean {
    if (c === '#') while (this.pos < this.input.length && this.peek !== '\n') this.pos++;
    else if (!isSpace(c)) return false;
    while (isSpace(this.peek)) this.pos++;
    return true;
  }
  private accept(of: string): boolean {
    if (this.peek === '' || !of.includes(this.peek)) return false;
    this.pos++;
    return true;
  }
  private acceptAll(of: string): void {
    while (this.accept(of));
  }

  private inStatements(): boolean {
    const c = this.next();
    if (c === '') {
      this.pos--;
      if (this.depth > 0) this.fail('unclosed left parenthesis');
      this.emit('eof');
      return false;
    }
    if (this.skipBlank(c)) return true;
    switch (c) {
      case ',':
        return this.emit(c);
      case '*':
      case '/':
      case '%':
      case '+':
      case '-':
      case '^':
      case '@':
        return this.emit('operator');
      case '=':
        if (this.accept('=')) return this.emit('operator');
        if (this.peek === '~') this.fail("unexpected character after '=': '~'");
        return this.emit('=');
      case '!':
        if (this.accept('=')) return this.emit('operator');
        return this.fail(`unexpected character after '!': ${quoted(this.peek)}`);
      case '<':
      case '>':
        this.accept('=/');
        return this.emit('operator');
      case '"':
      case "'":
      case '`':
        return this.readString(c);
      case '(':
        this.depth++;
        return this.emit(c);
      case ')':
        return this.closeParen();
      case '{':
        this.place = 'braces';
        return this.emit(c);
      case '[':
        this.place = 'duration';
        this.gotColon = false;
        this.gotDuration = false;
        return this.emit(c);
      case ']':
        return this.fail("unexpected right bracket ']'");
    }
    if (isDigit(c) || (c === '.' && isDigit(this.peek))) return this.readNumber();
    if (isAlpha(c) || c === ':') return this.readWord();
    return this.fail(`unexpected character: ${quoted(c)}`);
  }
  private closeParen(): true {
    this.depth--;
    if (this.depth < 0) this.fail("unexpected right parenthesis ')'", this.pos);
    return this.emit(')');
  }

  private inBraces(): boolean {
    const c = this.next();
    if (c === '') {
      this.pos--;
      this.fail('unexpected end of input inside braces');
    }
    if (this.skipBlank(c)) return true;
    switch (c) {
      case ',':
        return this.emit(c);
      case '"':
      case "'":
      case '`':
        return this.readString(c);
      case '=':
        return this.accept('~') ? this.emit('operator') : this.emit('=');
      case '!':
        if (this.accept('~=')) return this.emit('operator');
        return this.fail(`unexpected character after '!' inside braces: ${quoted(this.peek)}`);
      case '{':
        return this.fail("unexpected left brace '{'");
      case '}':
        this.place = 'statements';
        return this.emit(c);
    }
    if (!isAlpha(c)) this.fail(`unexpected character inside braces: ${quoted(c)}`);
    while (isAlnum(this.peek)) this.pos++;
    return this.emit('identifier');
  }

  private inDuration(): boolean {
    const c = this.next();
    if (c === '') {
      this.pos--;
      this.fail('unexpected end of input in duration expression');
    }
    if (this.skipBlank(c)) return true;
    switch (c) {
      case ']':
        this.place = 'statements';
        return this.emit(c);
      case ':':
        if (!this.gotDuration) this.fail('unexpected colon before duration in duration expression');
        if (this.gotColon) this.fail('unexpected repeated colon in duration expression');
        this.gotColon = true;
        return this.emit(c);
      case '(':
        this.depth++;
        return this.emit(c);
      case ')':
        return this.closeParen();
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '^':
        return this.emit('operator');
      case ',':
        return this.emit(c);
    }
    if (isDigit(c) || (c === '.' && isDigit(this.peek))) {
      this.gotDuration = true;
      return this.readNumber();
    }
    if (!isAlpha(c)) this.fail(`unexpected character in duration expression: ${quoted(c)}`);
    while (isAlnum(this.peek)) this.pos++;
    if (!DURATION_WORDS.has(this.input.slice(this.start, this.pos).toLowerCase()))
      this.fail(`unexpected character: ${quoted(c)}, expected ':'`);
    this.gotDuration = true;
    return this.emit('keyword');
  }

  private readWord(): true {
    while (isAlnum(this.peek) || this.peek === ':') this.pos++;
    const word = this.input.slice(this.start, this.pos);
    const known = WORDS.get(word.toLowerCase());
    if (known && !(DURATION_WORDS.has(word.toLowerCase()) && this.nextSolid() !== '(')) return this.emit(known);
    return this.emit(word.includes(':') ? 'metric identifier' : 'identifier');
  }
  /** The next character that is not blank. */
  private nextSolid(): string {
    let at = this.pos;
    while (isSpace(this.input.charAt(at))) at++;
    return this.input.charAt(at);
  }

  private readNumber(): true {
    this.pos = this.start;
    if (this.scanNumber()) return this.emit('number');
    if (this.scanUnits()) return this.emit('duration');
    return this.fail(`bad number or duration syntax: ${JSON.stringify(this.input.slice(this.start, this.pos))}`);
  }
  /** [.][d][d._eE]*, hexadecimal with 0x; "_" between digits. @returns false at what may still be a duration */
  private scanNumber(): boolean {
    let digits = '0123456789';
    let isHex = false;
    if (this.accept('0') && this.accept('xX')) {
      digits = '0123456789abcdefABCDEF';
      isHex = true;
    }
    let hasDot = false;
    let hasExponent = false;
    while (this.accept(isHex ? `${digits}._` : `${digits}._eE`)) {
      const c = this.input.charAt(this.pos - 1);
      if (c === '.') {
        if (isHex || hasDot || hasExponent || this.accept('._')) return false;
        hasDot = true;
      } else if (c === '_') {
        if (this.accept('._eE')) return false;
      } else if (!isHex && (c === 'e' || c === 'E')) {
        if (hasExponent || this.accept('._eE')) return false;
        this.accept('+-');
        hasExponent = true;
      }
    }
    return !isAlnum(this.peek);
  }
  /** The rest of 1h30m, after its first number. */
  private scanUnits(): boolean {
    if (!this.accept('smhdwy')) return false;
    this.accept('s');
    while (this.accept('0123456789')) {
      this.acceptAll('0123456789');
      if (!this.accept('smhdw')) return false;
      this.accept('s');
    }
    if (!isAlnum(this.peek)) return true;
    this.pos++;
    return false;
  }

  private readString(quote: string): true {
    const isRaw = quote === '`';
    for (;;) {
      const c = this.next();
      if (c === '' || (c === '\n' && !isRaw)) this.fail(isRaw ? 'unterminated raw string' : 'unterminated quoted string');
      // What was no UTF-8 on its way here has become this.
      if (c === '\ufffd') this.fail('invalid UTF-8 rune');
      if (c === quote) return this.emit('string');
      if (c === '\\' && !isRaw) this.readEscape(quote);
    }
  }
  private readEscape(quote: string): void {
    const c = this.next();
    if (c === '') this.fail('escape sequence not terminated');
    if ('abfnrtv\\'.includes(c) || c === quote) return;
    const [digits, length, base] =
      c === 'x'
        ? ['0123456789abcdefABCDEF', 2, 16]
        : c === 'u'
          ? ['0123456789abcdefABCDEF', 4, 16]
          : c === 'U'
            ? ['0123456789abcdefABCDEF', 8, 16]
            : ['01234567', 3, 8];
    if (!('xuU'.includes(c) || (c >= '0' && c <= '7'))) this.fail(`unknown escape sequence ${codePoint(c)}`);
    const from = base === 8 ? this.pos - 1 : this.pos;
    for (let i = 0; i < (length as number); i++) {
      const digit = this.input.charAt(from + i);
      if (digit === '') this.fail('escape sequence not terminated');
      if (!(digits as string).includes(digit)) this.fail(`illegal character ${codePoint(digit)} in escape sequence`);
    }
    this.pos = from + (length as number);
    const value = Number.parseInt(this.input.slice(from, this.pos), base as number);
    const limit = base === 8 || length === 2 ? 255 : 0x10ffff;
    if (value > limit || (value >= 0xd800 && value < 0xe000)) this.fail('escape sequence is an invalid Unicode code point');
  }
}
/** Go's %#U. */
const codePoint = (c: string): string => `U+${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')} '${c}'`;

/** All tokens; the last is `eof`, or `error` where what follows is none: what stands before it is judged first. */
export function tokensOf(input: string): readonly Token[] {
  const lexer = new Lexer(input);
  try {
    return lexer.run();
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    return [...lexer.tokens, { type: 'error', text: error.message, word: '', ...error.range }];
  }
}
