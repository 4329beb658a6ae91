import { numberOf, stringOf } from '#query/promql/literals.ts';

/** Literals of Go, as templates have them. */
const token = (type: 'string' | 'number', text: string) => ({ type, text, word: text, start: 0, end: text.length }) as const;
/** A quoted or raw text, or a character in ''. */
export const unquoteGo = (text: string): string => stringOf(token('string', text));

/** An int as a bigint, a float64 as a number; null: neither. */
export function goNumberLiteral(text: string): bigint | number | null {
  if (text.startsWith("'")) return BigInt(unquoteGo(text).codePointAt(0) ?? 0);
  const bare = text.replaceAll('_', '').replace(/^[+-]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  const isInt = /^(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9]\d*)$/.test(bare);
  try {
    if (isInt) return BigInt(sign) * BigInt(/^0[0-7]+$/.test(bare) ? `0o${bare.slice(1)}` : bare);
    return sign * numberOf(token('number', bare));
  } catch {
    return null;
  }
}
