import type { Candidate, CauseKind, Incident } from '#contracts/judgement.ts';
import type { EvidenceFact } from '../guard/evidence-fact.ts';
import { AliasBook } from './alias-book.ts';
import { stateFact } from './state-fact.ts';

/** A candidate as the card shows it. */
export interface CardCandidate {
  /** "C2". */
  readonly alias: string;
  readonly candidate: Candidate;
  readonly service: string;
  readonly facts: readonly EvidenceFact[];
}
/** One incident in aliases: everything the model may be told, and what each alias stands for. */
export interface Card {
  readonly book: AliasBook;
  readonly head: readonly string[];
  /** Other anomalies, without figures: the first to go when tokens are short. */
  readonly beside: string;
  /** In an order that says nothing about their rank. */
  readonly candidates: readonly CardCandidate[];
}
export const MAX_CANDIDATES = 5;
const MAX_ROWS = 8;
const MAX_BESIDE = 12;
const MAX_AFFECTED = 10;

const KIND_WORDS: Readonly<Record<CauseKind, string>> = {
  bad_deploy: 'bad deploy',
  slow_dependency: 'slow dependency',
  pool_exhaustion: 'exhausted connection pool',
  memory_leak: 'memory leak',
  error_burst: 'errors of one tenant or route',
  noisy_neighbour: 'neighbour on the same host',
  traffic_surge: 'traffic surge',
  resource_saturation: 'saturated resource',
  unknown: 'unknown mechanism',
};

/** Turns an incident's ranking into a card. null: there is nothing to choose between. */
export function buildCard(incident: Incident): Card | null {
  const candidates = (incident.rca?.candidates ?? []).slice(0, MAX_CANDIDATES);
  if (candidates.length === 0) return null;
  const book = new AliasBook();
  const symptom = book.alias('S', incident.symptom.service);
  const affected = incident.services.slice(0, MAX_AFFECTED).map((service) => book.alias('S', service));
  for (const { service } of candidates) book.alias('S', service);
  const stated = shuffled(candidates, incident.id).map(
    (candidate, index): CardCandidate => ({
      alias: `C${index + 1}`,
      candidate,
      service: book.alias('S', candidate.service),
      facts: candidate.evidence
        .filter(({ id }) => /^E\d{1,4}$/.test(id))
        .slice(0, MAX_ROWS)
        .flatMap((evidence) => stateFact(evidence, book) ?? []),
    }),
  );
  if (stated.every(({ facts }) => facts.length === 0)) return null;
  return {
    book,
    head: [`Symptom: ${symptom} ${incident.symptom.kind.replaceAll('_', ' ')}.`, `Affected: ${affected.join(' ')}.`],
    beside: sayBeside(incident, book),
    candidates: stated,
  };
}
function sayBeside({ anomalies }: Incident, book: AliasBook): string {
  const said = anomalies
    .slice(0, MAX_BESIDE)
    .map(({ subject, kind }) => `${book.alias('S', subject.service)} ${kind.replaceAll('_', ' ')}`);
  return said.length === 0 ? '' : `Also seen: ${[...new Set(said)].join(', ')}.`;
}
/** The one choice the model is asked for, with what speaks for it. */
export const sayCandidate = ({ alias, candidate, service }: CardCandidate): string =>
  `${alias} = ${service}, ${KIND_WORDS[candidate.kind]}`;

/** Small models favour what stands first: the order comes from the incident's id, not from the rank, and is the same each time. */
function shuffled<T>(items: readonly T[], seed: string): T[] {
  let state = 2166136261;
  for (const char of seed) state = Math.imul(state ^ char.charCodeAt(0), 16777619);
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    state = Math.imul(state ^ (state >>> 15), 2246822507) + last;
    const other = (state >>> 0) % (last + 1);
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}
