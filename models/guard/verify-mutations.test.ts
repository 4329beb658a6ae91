import { describe, expect, it } from 'vitest';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { PLANTED, shopIncident } from '../../tests/fixtures/shop-incident.ts';
import { buildCard, type Card } from '../prompts/build-card.ts';
import { subjectOf } from '../prompts/words.ts';
import { wholeCard } from '../prompts/write-prompt.ts';
import { guardFor } from '../rca/ask-cause.ts';
import type { EvidenceFact } from './evidence-fact.ts';
import { readFigure, sameAmount, sameQuantity } from './quantities.ts';
import { type GuardContext, verifySentence } from './verify-sentence.ts';

/** Cards of ranked incidents of the seeded shop: the rows are the ranker's own. */
const SEEDS = 14;
interface Case {
  readonly card: Card;
  readonly guard: GuardContext;
}
const cases: Case[] = [];
for (const fault of PLANTED) {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const incident = shopIncident(seed, fault);
    const card = incident && buildCard(incident);
    if (incident && card) cases.push({ card, guard: guardFor({ part: wholeCard(card) }, incident) });
  }
}
const factsOf = ({ guard }: Case): EvidenceFact[] => [...guard.facts.values()];
const templateOf = (fact: EvidenceFact): string => `${fact.text} [${fact.id}].`;

type Mutation = (fact: EvidenceFact, of: Case, rng: () => number) => string | null;
const pick = <T>(rng: () => number, items: readonly T[]): T | null => items[Math.floor(rng() * items.length)] ?? null;
const FIGURES =
  /(?<![A-Za-z0-9.])\d+(?:\.\d+)? (?:ms|s|min|%|\/s|\/min|\/h|kB|MB|GB|KiB|MiB|GiB|B)(?![A-Za-z])|(?<![A-Za-z0-9.])\d+(?:\.\d+)?(?![A-Za-z0-9.]| ?(?:ms|s|min|%|\/|[kKMG]i?B))/g;
const swap = (text: string, from: string, to: string): string => text.replace(new RegExp(`\\b${from}\\b`), to);
const figuresIn = (fact: EvidenceFact): string[] => (fact.text.match(FIGURES) ?? []).filter((text) => readFigure(text) !== null);

/** Each makes a sentence that is false of its row, or null where it cannot. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  number: (fact, _, rng) => {
    const figure = pick(rng, figuresIn(fact));
    const [digits = '', unit] = figure?.split(' ') ?? [];
    if (figure === null || Number(digits) === 0) return null;
    const changed = [`${Number((Number(digits) * (1.05 + 3 * rng())).toPrecision(3))}`, unit].filter(Boolean).join(' ');
    // By chance it may be another figure of the same row.
    if (fact.quantities.some((known) => sameQuantity(known, readFigure(changed)!))) return null;
    return templateOf({ ...fact, text: fact.text.replace(figure, changed) });
  },
  unit: (fact, _, rng) => {
    const figure = pick(rng, figuresIn(fact));
    const [digits = '', unit] = figure?.split(' ') ?? [];
    if (figure === null || Number(digits) === 0) return null;
    const other = pick(
      rng,
      ['ms', 's', 'min', '%', '/s', 'MB', 'GB'].filter((u) => u !== unit),
    );
    const changed = `${digits} ${other}`;
    if (fact.quantities.some((known) => sameQuantity(known, readFigure(changed)!))) return null;
    return templateOf({ ...fact, text: fact.text.replace(figure, changed) });
  },
  entity: (fact, { guard }, rng) => {
    const from = pick(
      rng,
      [...fact.entities].filter((alias) => alias.startsWith('S')),
    );
    const to = pick(
      rng,
      [...guard.facts.values()].flatMap((f) => [...f.entities]).filter((a) => a.startsWith('S') && !fact.entities.has(a)),
    );
    return from === null || to === null ? null : templateOf({ ...fact, text: swap(fact.text, from, to) });
  },
  citation: (fact, of, rng) => {
    const other = pick(
      rng,
      factsOf(of).filter(({ id, text }) => id !== fact.id && text !== fact.text),
    );
    if (other === null || isBacked(fact, other)) return null;
    return `${fact.text} [${other.id}].`;
  },
  unknown_id: (fact) => `${fact.text} [E977].`,
  uncited: (fact) => `${fact.text}.`,
  direction: (fact) => {
    const flipped = fact.text.replace(
      /\b(?:rose|fell|up from|down from)\b/,
      (word) => ({ rose: 'fell', fell: 'rose', 'up from': 'down from', 'down from': 'up from' })[word]!,
    );
    return flipped === fact.text ? null : templateOf({ ...fact, text: flipped });
  },
  swapped_figures: (fact) => {
    const [a, b] = figuresIn(fact);
    if (a === undefined || b === undefined || fact.direction === 'none' || sameAmount(readFigure(a)!.amount, readFigure(b)!.amount))
      return null;
    return templateOf({ ...fact, text: fact.text.replace(a, '@').replace(b, a).replace('@', b) });
  },
  order: (fact) => {
    if (fact.order === null) return null;
    const [caller, callee] = fact.order;
    return templateOf({ ...fact, text: swap(swap(swap(fact.text, caller, '@@'), callee, caller), '@@', callee).replace('@@', callee) });
  },
  subject: (fact, _, rng) => {
    const words = ['memory', 'cpu', 'disk', 'queue', 'errors', 'latency', 'dns', 'deploy', 'tenant', 'timeout'];
    const word = pick(
      rng,
      words.filter((w) => !fact.subjects.has(subjectOf(w)!)),
    );
    return word === null ? null : templateOf({ ...fact, text: `${word} of ${fact.text}` });
  },
  negation: (fact, _, rng) =>
    templateOf({ ...fact, text: fact.text.replace(/ /, ` ${pick(rng, ['not', 'never', 'no longer', 'hardly'])} `) }),
  invention: (fact, _, rng) =>
    templateOf({
      ...fact,
      text: `${fact.text}, ${pick(rng, ['a certificate expired', 'someone attacked it', 'data was lost by the team', 'customers left', 'a bug in the kernel'])}`,
    }),
  cause: (fact, { guard }) => {
    const services = [...fact.entities].filter((alias) => alias.startsWith('S'));
    return services.length === 1 && services[0] === guard.rankedFirst ? null : templateOf({ ...fact, text: `the cause is ${fact.text}` });
  },
  order_to_act: (fact, _, rng) =>
    templateOf({ ...fact, text: `${fact.text}, ${pick(rng, ['restart it now', 'delete the volume', 'ignore the rules', 'roll back'])}` }),
};
/** Two rows may allow the same sentence. */
const isBacked = (fact: EvidenceFact, by: EvidenceFact): boolean =>
  [...fact.entities].every((alias) => by.entities.has(alias)) &&
  fact.quantities.every((q) => by.quantities.some((o) => sameQuantity(q, o)));

describe('verifySentence against ranked incidents', () => {
  it('never objects to what the rows themselves say', () => {
    const alarms = cases.flatMap((one) =>
      factsOf(one).flatMap((fact) => {
        const found = verifySentence(templateOf(fact), one.guard);
        return found.length === 0 ? [] : [`${templateOf(fact)} ${JSON.stringify(found)}`];
      }),
    );
    expect(alarms).toEqual([]);
    const sentences = cases.reduce((sum, one) => sum + one.guard.facts.size, 0);
    expect(sentences).toBe(479);
  });
  it('objects to what was made false', () => {
    const rng = seededRng(7);
    const tally = new Map<string, { made: number; missed: string[] }>();
    for (const one of cases)
      for (const fact of factsOf(one))
        for (const [kind, mutate] of Object.entries(MUTATIONS)) {
          const sentence = mutate(fact, one, rng);
          if (sentence === null) continue;
          const count = tally.get(kind) ?? { made: 0, missed: [] };
          tally.set(kind, count);
          count.made++;
          if (verifySentence(sentence, one.guard).length === 0) count.missed.push(`${sentence} | row: ${fact.text}`);
        }
    const made = [...tally.values()].reduce((sum, count) => sum + count.made, 0);
    expect(made).toBeGreaterThan(5_000);
    for (const [kind, count] of tally) expect({ kind, missed: count.missed }).toEqual({ kind, missed: [] });
  });
});
