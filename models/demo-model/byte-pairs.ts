/**
 * Byte-level byte-pair encoding as GPT-2 names it: every byte is a printable character, merges join neighbours. Learnt
 * here from a text, ties broken by spelling, so that the same text always gives the same tokens.
 */
const PRINTABLE: readonly (readonly [number, number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];
/** The character that stands for each of the 256 bytes: itself where it prints, else one from U+0100 on. */
export function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const prints = PRINTABLE.some(([from, to]) => byte >= from && byte <= to);
    return String.fromCodePoint(prints ? byte : next++);
  });
}
const comparePairs = ([a, countA]: [string, number], [b, countB]: [string, number]): number => countB - countA || (a < b ? -1 : 1);

/** Words with their leading space, as lists of byte characters. ASCII only: one character is one byte. */
function wordsOf(text: string, characters: readonly string[]): Map<string, number> {
  const words = new Map<string, number>();
  for (const [word] of text.matchAll(/ ?[A-Za-z]+| ?[^A-Za-z0-9\s]+/g)) {
    const spelt = [...word].map((character) => characters[character.charCodeAt(0)] as string).join('\u0000');
    words.set(spelt, (words.get(spelt) ?? 0) + 1);
  }
  return words;
}
/** @returns at most `count` merges, each "left right", most frequent first. */
export function learnMerges(text: string, count: number): string[] {
  let words = wordsOf(text, byteCharacters());
  const merges: string[] = [];
  while (merges.length < count) {
    const pairs = new Map<string, number>();
    for (const [word, times] of words) {
      const parts = word.split('\u0000');
      for (let i = 1; i < parts.length; i++) {
        const pair = `${parts[i - 1]} ${parts[i]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + times);
      }
    }
    const best = [...pairs].sort(comparePairs)[0];
    if (!best || best[1] < 2) break;
    merges.push(best[0]);
    const [left, right] = best[0].split(' ') as [string, string];
    words = new Map([...words].map(([word, times]) => [joinPair(word, left, right), times]));
  }
  return merges;
}
function joinPair(word: string, left: string, right: string): string {
  const joined: string[] = [];
  const parts = word.split('\u0000');
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === left && parts[i + 1] === right) {
      joined.push(left + right);
      i++;
    } else joined.push(parts[i] as string);
  }
  return joined.join('\u0000');
}
