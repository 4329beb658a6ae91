import type { Card } from './build-card.ts';
import { type CardPart, sayCard, wholeCard } from './write-prompt.ts';

/** Tokens of a card, counted with the tokenizer of the model that will read it. */
export const MAX_CARD_TOKENS = 1_500;

/** Leaves out one more thing, the least important first; null: nothing is left that could go. */
export function shrink(part: CardPart): CardPart | null {
  if (part.beside) return { ...part, beside: false };
  // The last row of the lowest-ranked candidate that has one to spare; then that candidate as a whole.
  const byRank = [...part.candidates].sort((a, b) => b.of.candidate.rank - a.of.candidate.rank);
  const spare = byRank.find(({ facts }) => facts.length > 1);
  if (spare !== undefined) {
    const candidates = part.candidates.map((one) => (one === spare ? { ...one, facts: one.facts.slice(0, -1) } : one));
    return { ...part, candidates, leftOut: part.leftOut + 1 };
  }
  const candidates = part.candidates.filter((one) => one !== byRank[0]);
  // A card without rows leaves nothing to cite: its grammar would have an empty choice.
  if (candidates.every(({ facts }) => facts.length === 0)) return null;
  return { ...part, candidates, leftOut: part.leftOut + 1 + (byRank[0]?.facts.length ?? 0) };
}

/** The largest part of the card that has at most `maxTokens`; null: not even its smallest part fits. */
export async function fitCard(
  card: Card,
  maxTokens: number,
  countTokens: (text: string) => Promise<number>,
): Promise<{ readonly part: CardPart; readonly text: string; readonly tokens: number } | null> {
  let part = wholeCard(card);
  for (;;) {
    const text = sayCard(card, part);
    const tokens = await countTokens(text);
    if (tokens <= maxTokens) return { part, text, tokens };
    // Characters tell how far to go; only the tokenizer says when it is enough.
    const aim = (text.length * maxTokens) / tokens;
    do {
      const smaller = shrink(part);
      if (smaller === null) return null;
      part = smaller;
    } while (sayCard(card, part).length > aim);
  }
}
