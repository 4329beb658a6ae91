import { CONFIDENCES, NO_CAUSE } from '../rca/parse-answer.ts';
import type { CardPart } from './write-prompt.ts';

/** Characters of one sentence before its citation. */
const MIN_SENTENCE = 8;
export const MAX_SENTENCE = 110;
/**
 * Tokens an answer may take. The longest answer the grammar allows has fewer characters than this, all ASCII, and no
 * tokenizer makes more tokens than bytes: an answer cannot be cut off in the middle of its JSON.
 */
export const MAX_ANSWER_TOKENS = 512;

const quoted = (text: string): string => `"\\"${text}\\""`;
const oneOf = (names: readonly string[]): string => names.map(quoted).join(' | ');

/** The answers this incident allows, as GBNF: its own candidates and rows, and prose that must cite. No number is decided here. */
export function writeGrammar(part: CardPart): string {
  const causes = part.candidates.map(({ of }) => of.alias);
  const rows = part.candidates.flatMap(({ facts }) => facts.map(({ id }) => id));
  return `root ::= "{\\"cause\\":" cause ",\\"evidence\\":[" row ("," row){0,3} "],\\"confidence\\":" confidence ",\\"why\\":[" sentence ("," sentence){0,2} "]}"
cause ::= ${oneOf([...causes, NO_CAUSE])}
row ::= ${oneOf(rows)}
confidence ::= ${oneOf(CONFIDENCES)}
sentence ::= "\\"" char{${MIN_SENTENCE},${MAX_SENTENCE}} " [" cite "].\\""
cite ::= ${rows.map((id) => `"${id}"`).join(' | ')}
char ::= [A-Za-z0-9 ,;:%/.()+-]
`;
}
