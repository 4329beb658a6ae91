import type { Incident } from '#contracts/judgement.ts';
import type { LanguageModel } from '#contracts/llm.ts';
import { cleanText } from '../guard/clean-text.ts';
import type { EvidenceFact } from '../guard/evidence-fact.ts';
import { type GuardContext, type Objection, verifySentence } from '../guard/verify-sentence.ts';
import { buildCard, type Card } from '../prompts/build-card.ts';
import { fitCard, MAX_CARD_TOKENS } from '../prompts/fit-card.ts';
import { MAX_ANSWER_TOKENS, writeGrammar } from '../prompts/write-grammar.ts';
import { type CardPart, writePrompt } from '../prompts/write-prompt.ts';
import { NO_CAUSE, parseAnswer } from './parse-answer.ts';

/** Tokens a chat template may add around the one user turn. */
const TEMPLATE_TOKENS = 64;

/** The one closed question about an incident, ready to be asked. */
export interface Question {
  readonly card: Card;
  readonly part: CardPart;
  readonly cardTokens: number;
  readonly prompt: string;
  readonly grammar: string;
  readonly maxTokens: number;
}
/**
 * Makes the question for an incident, its card cut to what the model can take. null: the ranker has no candidate with
 * evidence. 'too_small': not even two lines fit the model's context. @throws what countTokens throws
 */
export async function prepareQuestion(
  incident: Incident,
  model: Pick<LanguageModel, 'countTokens'>,
  contextTokens: number,
): Promise<Question | 'too_small' | null> {
  const card = buildCard(incident);
  if (card === null) return null;
  const around = await model.countTokens(writePrompt(''));
  const room = Math.min(MAX_CARD_TOKENS, contextTokens - around - MAX_ANSWER_TOKENS - TEMPLATE_TOKENS);
  const fitted = room <= 0 ? null : await fitCard(card, room, (text) => model.countTokens(text));
  if (fitted === null) return 'too_small';
  return {
    card,
    part: fitted.part,
    cardTokens: fitted.tokens,
    // Aliases and listed words only, so there should be nothing to clean: the last gate does not rely on it.
    prompt: cleanText(writePrompt(fitted.text)),
    grammar: writeGrammar(fitted.part),
    maxTokens: MAX_ANSWER_TOKENS,
  };
}

export interface Choice {
  readonly rank: number | null;
  readonly service: string | null;
  readonly kind: string | null;
  readonly confidence: string;
  readonly evidence: readonly string[];
  readonly agrees: boolean;
}
export interface CheckedAnswer {
  readonly choice: Choice;
  readonly sentences: readonly { readonly text: string; readonly evidence: readonly string[] }[];
  readonly dropped: readonly { readonly text: string; readonly reasons: readonly Objection[] }[];
}

/** Rows the model was shown, by id, and the one service whose guilt may be spoken of. */
export function guardFor({ part }: Pick<Question, 'part'>, incident: Incident): GuardContext {
  const shown = part.candidates.flatMap(({ facts }) => facts);
  const first = part.candidates.find(({ of }) => of.candidate.rank === 1);
  return {
    facts: new Map(shown.map((fact): [string, EvidenceFact] => [fact.id, fact])),
    rankedFirst: incident.rca === null || incident.rca.verdict === 'inconclusive' ? null : (first?.of.service ?? null),
  };
}

/**
 * Reads an answer and checks its prose sentence by sentence; names are put back in place of aliases.
 * @returns the checked answer, or a sentence on why it cannot be read
 */
export function checkAnswer(text: string, question: Question, incident: Incident): CheckedAnswer | { readonly unreadable: string } {
  const guard = guardFor(question, incident);
  const candidates = question.part.candidates.map(({ of }) => of);
  const answer = parseAnswer(cleanText(text), { causes: candidates.map(({ alias }) => alias), rows: [...guard.facts.keys()] });
  if ('unreadable' in answer) return answer;
  const chosen = candidates.find(({ alias }) => alias === answer.cause)?.candidate ?? null;
  const checked = answer.why.map((sentence) => ({ sentence, reasons: verifySentence(sentence, guard) }));
  const reveal = (sentence: string): string => question.card.book.reveal(sentence);
  return {
    choice: {
      rank: chosen?.rank ?? null,
      service: chosen?.service ?? null,
      kind: chosen?.kind ?? null,
      confidence: answer.confidence,
      evidence: [...new Set(answer.evidence)],
      agrees: answer.cause === NO_CAUSE ? incident.rca?.verdict === 'inconclusive' : chosen?.rank === 1,
    },
    sentences: checked
      .filter(({ reasons }) => reasons.length === 0)
      .map(({ sentence }) => ({ text: reveal(withoutCites(sentence)), evidence: citesOf(sentence) })),
    dropped: checked
      .filter(({ reasons }) => reasons.length > 0)
      .map(({ sentence, reasons }) => ({
        text: reveal(sentence),
        reasons: reasons.map(({ reason, part }) => ({ reason, part: reveal(part) })),
      })),
  };
}
const citesOf = (sentence: string): string[] => [...new Set(sentence.match(/\bE\d{1,4}\b/g) ?? [])];
const withoutCites = (sentence: string): string =>
  sentence
    .replace(/\s*\[[^\]]*\]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
