/**
 * Strings a chat template or tokenizer may read as its own: <|...|>, <s>, [INST], <start_of_turn> ... Never let through,
 * in either direction.
 */
const SPECIAL = /<\|[^|>]{0,64}\|>|<\/?(?:s|unk|pad|bos|eos|think|start_of_turn|end_of_turn)>|\[\/?(?:INST|SYS)\]|<<\/?SYS>>/gi;
/** Control characters, and what is invisible or turns the reading direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text without control characters, invisible characters and special-token strings; line feeds stay. Stable: cleaning twice changes nothing. */
export function cleanText(text: string): string {
  let clean = text.replace(UNSEEN, '');
  // What was cut out may have held two halves apart: "<|im<|x|>_end|>".
  for (let before = ''; before !== clean; ) {
    before = clean;
    clean = clean.replace(SPECIAL, '');
  }
  return clean;
}
