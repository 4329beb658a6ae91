import { CAUSAL, DOWN, isOneOf, NEGATIONS, NEUTRAL, subjectOf, UP } from '../prompts/words.ts';
import type { EvidenceFact, QuantityRole } from './evidence-fact.ts';
import { FIGURE, plainCounts, type Quantity, readFigure, sameQuantity, spellUnits } from './quantities.ts';

/** Why a sentence is not shown as checked. docs: models/README.md. */
export const DROP_REASONS = [
  'uncited',
  'unknown_evidence',
  'unreadable',
  'unknown_word',
  'nothing_claimed',
  'negation',
  'entity',
  'order',
  'number',
  'unit',
  'direction',
  'subject',
  'cause',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
export interface Objection {
  readonly reason: DropReason;
  /** The part of the sentence objected to. */
  readonly part: string;
}
export interface GuardContext {
  readonly facts: ReadonlyMap<string, EvidenceFact>;
  /** Alias of the service the ranker names first; null when it names none or is not sure: then nobody may name a cause. */
  readonly rankedFirst: string | null;
}
/** A run of text and the rows cited right after it. */
interface Claim {
  readonly text: string;
  readonly facts: readonly EvidenceFact[];
}
const CITES = /(?:\[E\d{1,4}(?:, ?E\d{1,4})*\][ ,;]*)+/g;

/**
 * Checks one sentence, in aliases, against the rows it cites. Empty: every claim in it holds. What it cannot read it
 * objects to: a claim that is not understood is not a claim that holds.
 */
export function verifySentence(sentence: string, context: GuardContext): Objection[] {
  const found: Objection[] = [];
  const claims = splitClaims(sentence, context, found);
  for (const claim of claims) checkClaim(claim, context, found);
  return found;
}

function splitClaims(sentence: string, { facts }: GuardContext, found: Objection[]): Claim[] {
  const claims: Claim[] = [];
  let from = 0;
  for (const match of sentence.matchAll(CITES)) {
    const ids = match[0].match(/E\d+/g) ?? [];
    const cited = ids.flatMap((id) => facts.get(id) ?? []);
    for (const id of ids) if (!facts.has(id)) found.push({ reason: 'unknown_evidence', part: id });
    if (cited.length === ids.length) claims.push({ text: sentence.slice(from, match.index), facts: cited });
    from = match.index + match[0].length;
  }
  const rest = sentence.slice(from).replace(/^[\s.!]+$/, '');
  if (rest.trim() !== '') found.push({ reason: 'uncited', part: rest.trim() });
  return claims;
}

type Token =
  | { readonly kind: 'alias' | 'word' | 'arrow'; readonly text: string }
  | { readonly kind: 'figure'; readonly text: string; readonly quantity: Quantity };
const TOKEN = new RegExp(
  `(?<alias>\\b[SIHVCE]\\d{1,4}\\b)|(?<arrow>->|→)|(?<figure>(?<![A-Za-z0-9.])${FIGURE})|(?<word>[A-Za-z]+(?:'[a-z]+)?)|(?<rest>[^\\s.,;:()])`,
  'g',
);

function tokensOf(text: string, found: Objection[]): Token[] {
  const tokens: Token[] = [];
  for (const { groups = {} } of spellUnits(plainCounts(text)).matchAll(TOKEN)) {
    const { alias, arrow, figure, word, rest } = groups;
    const quantity = figure === undefined ? null : readFigure(figure);
    if (alias !== undefined) tokens.push({ kind: 'alias', text: alias });
    else if (arrow !== undefined) tokens.push({ kind: 'arrow', text: arrow });
    else if (quantity !== null) tokens.push({ kind: 'figure', text: figure!, quantity });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word.toLowerCase() });
    else found.push({ reason: 'unreadable', part: figure ?? rest ?? '' });
  }
  return tokens;
}

/**
 * One of the cited rows must back the whole claim by itself: figures of two rows, each right, could be swapped between
 * them. The others only support, so they must be about something the claim names.
 */
function checkClaim({ text, facts }: Claim, context: GuardContext, found: Objection[]): void {
  const tokens = tokensOf(text, found);
  const entities = tokens.filter(({ kind }) => kind === 'alias').map((token) => token.text);
  const words = tokens.filter(({ kind }) => kind === 'word').map((token) => token.text);
  for (const fact of facts) if (!entities.some((entity) => fact.entities.has(entity))) found.push({ reason: 'entity', part: fact.id });
  const against = facts.map((fact) => objectionsOf(tokens, entities, words, fact)).sort((a, b) => a.length - b.length);
  found.push(...(against[0] ?? []));
  checkLanguage(words, found);
  checkCause(words, entities, context, found);
  checkBefore(tokens, found);
  const claims = words.some((word) => wayOf(word) !== null || subjectOf(word) !== null) || tokens.some(({ kind }) => kind === 'figure');
  if (entities.length === 0 || !claims) found.push({ reason: 'nothing_claimed', part: text.trim() });
}
function objectionsOf(tokens: readonly Token[], entities: readonly string[], words: readonly string[], fact: EvidenceFact): Objection[] {
  return [
    ...checkEntities(tokens, entities, fact),
    ...checkFigures(tokens, fact),
    ...checkWords(
      words,
      tokens.some(({ kind }) => kind === 'figure'),
      fact,
    ),
  ];
}

function checkEntities(
  tokens: readonly Token[],
  entities: readonly string[],
  { entities: known, required, order }: EvidenceFact,
): Objection[] {
  const strange = [...entities.filter((entity) => !known.has(entity)), ...[...required].filter((alias) => !entities.includes(alias))];
  const found: Objection[] = strange.map((part) => ({ reason: 'entity', part }));
  if (order === null || order[0] === order[1]) return found;
  const [first, second] = order.map((alias) => entities.indexOf(alias));
  const turned: Readonly<Record<string, string>> = { from: order[1], to: order[0] };
  const isTurned = tokens.some(({ text }, index) => turned[tokens[index - 1]?.text ?? ''] === text);
  if (isTurned || (first! >= 0 && second! >= 0 && first! > second!)) found.push({ reason: 'order', part: `${order[1]} ${order[0]}` });
  return found;
}

const BEFORE_BASE = new Set(['from', 'was', 'were', 'against', 'than', 'had', 'previously', 'instead']);
const AFTER_BASE = new Set(['before', 'usual', 'usually', 'normally', 'previously']);
const BEFORE_VALUE = new Set(['to', 'now', 'reach', 'reached', 'reaches']);
/** Which side of "from ... to" the figure at `index` stands on; null: neither, so it is said of the trouble itself. */
function sideOf(tokens: readonly Token[], index: number): 'base' | 'value' | null {
  const [before, after] = [tokens[index - 1], tokens[index + 1]];
  if (after?.kind === 'arrow') return 'base';
  if (before?.kind === 'arrow') return 'value';
  const far = tokens[index - 2];
  if (far?.kind === 'word' && far.text === 'compared') return 'base';
  // "from about 38 ms", "its usual 38 ms": the word that decides stands up to two before.
  for (const near of [before, far]) {
    if (near?.kind !== 'word') break;
    if (BEFORE_BASE.has(near.text) || AFTER_BASE.has(near.text)) return 'base';
    if (BEFORE_VALUE.has(near.text)) return 'value';
  }
  // "1.2 s, usually 38 ms": there the word belongs to the next figure.
  return after?.kind === 'word' && AFTER_BASE.has(after.text) && tokens[index + 2]?.kind !== 'figure' ? 'base' : null;
}
/** Whether a figure of this role may stand where `side` and the next word say. */
function fits(role: QuantityRole, side: 'base' | 'value' | null, next: string): boolean {
  if (role === 'lead') return next === 'before';
  if (role === 'share') return side === null && next === 'of';
  return role === (side ?? 'value');
}
function checkFigures(tokens: readonly Token[], { quantities }: EvidenceFact): Objection[] {
  return tokens.flatMap((token, index): Objection[] => {
    if (token.kind !== 'figure') return [];
    const same = quantities.filter((quantity) => sameQuantity(quantity, token.quantity));
    const next = tokens[index + 1]?.text ?? '';
    if (same.some(({ role }) => fits(role, sideOf(tokens, index), next))) return [];
    if (same.length > 0) return [{ reason: 'direction', part: token.text }];
    return [{ reason: quantities.some(({ dimension }) => dimension === token.quantity.dimension) ? 'number' : 'unit', part: token.text }];
  });
}
const wayOf = (word: string): 'up' | 'down' | null => (isOneOf(UP, word) ? 'up' : isOneOf(DOWN, word) ? 'down' : null);

function checkWords(
  words: readonly string[],
  hasFigure: boolean,
  { direction, subjects, measures, isIndirect }: EvidenceFact,
): Objection[] {
  const spoken = words.flatMap((word) => subjectOf(word) ?? []);
  const found: Objection[] = [];
  const [measured] = measures;
  if (isIndirect && measured !== undefined && !spoken.includes(measured)) found.push({ reason: 'subject', part: measured });
  for (const word of words) {
    const [way, subject] = [wayOf(word), subjectOf(word)];
    if (way !== null && way !== direction) found.push({ reason: 'direction', part: word });
    else if (way !== null && !hasFigure && !spoken.some((one) => measures.has(one))) found.push({ reason: 'subject', part: word });
    if (subject !== null && !subjects.has(subject)) found.push({ reason: 'subject', part: word });
  }
  return found;
}
function checkLanguage(words: readonly string[], found: Objection[]): void {
  for (const word of words) {
    if (NEGATIONS.has(word)) found.push({ reason: 'negation', part: word });
    else if (wayOf(word) === null && subjectOf(word) === null && !isOneOf(NEUTRAL, word) && !isOneOf(CAUSAL, word))
      found.push({ reason: 'unknown_word', part: word });
  }
}

/** "was slow before the trouble": what was before is known as a figure only. */
function checkBefore(tokens: readonly Token[], found: Objection[]): void {
  for (const [index, { kind, text }] of tokens.entries()) {
    if (kind !== 'word' || !AFTER_BASE.has(text)) continue;
    const near = [tokens[index - 1], tokens[index + 1], tokens[index + 2]];
    if (!near.some((one) => one?.kind === 'figure') && near[0]?.text !== 'than') found.push({ reason: 'direction', part: text });
  }
}

/** A cause may be named only where the ranker, sure of itself, names the same one, and no other service is spoken of. */
function checkCause(words: readonly string[], entities: readonly string[], { rankedFirst }: GuardContext, found: Objection[]): void {
  const causal = words.find((word) => isOneOf(CAUSAL, word));
  if (causal === undefined) return;
  const services = new Set(entities.filter((alias) => alias.startsWith('S')));
  if (rankedFirst === null || services.size !== 1 || !services.has(rankedFirst)) found.push({ reason: 'cause', part: causal });
}
