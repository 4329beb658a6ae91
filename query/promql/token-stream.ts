import type { MatchOperator } from './ast.ts';
import { tokensOf } from './lexer.ts';
import { describeToken, PromqlError, type Token, type TokenType } from './token.ts';

/** The tokens of an expression, one after the other. */
export class TokenStream {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(input: string) {
    this.tokens = tokensOf(input);
  }
  /** The one not yet taken. */
  get next(): Token {
    return this.tokens[this.at] as Token;
  }
  /** The one taken last. */
  get last(): Token {
    return this.tokens[Math.max(0, this.at - 1)] as Token;
  }
  private get ahead(): Token | undefined {
    return this.tokens[this.at + 1];
  }
  is(type: TokenType): boolean {
    return this.next.type === type;
  }
  isWord(word: string): boolean {
    return this.next.type === 'keyword' && this.next.word === word;
  }
  isOperator(word: string): boolean {
    return this.next.type === 'operator' && this.next.word === word;
  }
  isAhead(type: TokenType): boolean {
    return this.ahead?.type === type;
  }
  isWordAhead(word: string): boolean {
    return this.ahead?.type === 'keyword' && this.ahead.word === word;
  }

  take(): Token {
    const { next } = this;
    if (next.type === 'error') this.unexpected();
    this.at++;
    return next;
  }
  takeWord(word: string): Token | null {
    return this.isWord(word) ? this.take() : null;
  }
  takeSign(): '+' | '-' | null {
    return this.isOperator('+') || this.isOperator('-') ? (this.take().word as '+' | '-') : null;
  }
  takeMatchOperator(): MatchOperator | null {
    if (this.is('=')) return this.take().text as '=';
    const isMatch = this.next.type === 'operator' && ['!=', '=~', '!~'].includes(this.next.word);
    return isMatch ? (this.take().word as MatchOperator) : null;
  }
  expect(type: TokenType, context = '', expected = context === '' ? '' : JSON.stringify(type)): Token {
    if (!this.is(type)) this.unexpected(context, expected);
    return this.take();
  }
  /** @throws PromqlError: what stands here is not what may */
  unexpected(context = '', expected = ''): never {
    const { next } = this;
    if (next.type === 'error') throw new PromqlError(next.text, next);
    throw new PromqlError(
      `unexpected ${describeToken(next)}${context && ` in ${context}`}${expected && `, expected ${expected}`}`,
      next.type === 'eof' ? { start: next.start, end: next.start } : next,
    );
  }
}
