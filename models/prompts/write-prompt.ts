import type { EvidenceFact } from '../guard/evidence-fact.ts';
import { type Card, type CardCandidate, sayCandidate } from './build-card.ts';

/** Part of the cache key and of every record: changes whenever the text or the grammar changes (golden: tests/golden/prompts). */
export const PROMPT_VERSION = 'explain-1';

/** What of a card is shown; the rest was left out to save tokens. */
export interface CardPart {
  readonly beside: boolean;
  readonly candidates: readonly { readonly of: CardCandidate; readonly facts: readonly EvidenceFact[] }[];
  /** Evidence rows and candidates not shown. */
  readonly leftOut: number;
}
export const wholeCard = (card: Card): CardPart => ({
  beside: card.beside !== '',
  candidates: card.candidates.map((of) => ({ of, facts: of.facts })),
  leftOut: 0,
});

/** The card as text: one line a fact, aliases only. */
export function sayCard(card: Card, part: CardPart): string {
  const lines = [...card.head];
  for (const { of, facts } of part.candidates) lines.push(sayCandidate(of), ...facts.map(({ id, text }) => `[${id}] ${text}`));
  if (part.beside) lines.push(card.beside);
  if (part.leftOut > 0) lines.push(`(${part.leftOut} less important rows left out)`);
  return lines.join('\n');
}
/** The whole user turn: what is asked, then the card. Nothing of it is telemetry's own words, and nothing is a system role. */
export function writePrompt(card: string): string {
  return `An incident in a computer system. S = service, I = instance, H = host, V = value, C = possible cause, E = evidence row.
Which C started it? Answer in JSON: cause (one C, or "none" if the rows do not tell), evidence (1 to 4 E that show it), confidence, why.
why: 1 to 3 short sentences. Each restates one row with its exact figures and ends with that row, like: S9 errors rose from 1 % to 20 % [E9].
Use only services, figures and words of the rows. Do not guess.

${card}

JSON:`;
}
