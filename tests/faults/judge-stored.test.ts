import { describe, expect, it } from 'vitest';
import { faultsOf, judgeStored, type Stored, type StoredUnit } from './judge-stored.ts';
import { itemId, Ledger, type Outcome } from './ledger.ts';

/** The judge must find each kind of fault: one that cannot say no proves nothing. */
const ledger = new Ledger();
const add = (outcome: Outcome, request: number | null = null): number => {
  const unit = ledger.begin('lane', request, (n) => ({ samples: [0, 1, 2].map((i) => itemId(n, i)), histograms: [itemId(n, 3)] }));
  unit.outcome = outcome;
  return unit.number;
};
const [acknowledged, refused, retried] = [add('acknowledged'), add('refused'), add('acknowledged', 1)];
const [unanswered, cut] = [add('unanswered'), add('cut')];
const row = (items: bigint, copies = 1, changed = 0): StoredUnit => ({ items, least: copies, most: copies, changed });
type Parts = readonly [samples: StoredUnit | null, histograms: StoredUnit | null];
const WHOLE: Parts = [row(0b111n), row(0b1000n)];
function storedOf(parts: Readonly<Record<number, Parts>>): Stored {
  const of = (at: 0 | 1) =>
    new Map(Object.entries(parts).flatMap(([unit, each]) => (each[at] ? [[Number(unit), each[at] as StoredUnit] as const] : [])));
  return { spans: new Map(), logs: new Map(), samples: of(0), histograms: of(1) };
}
const good = { [acknowledged]: WHOLE, [retried]: WHOLE };

describe('the judge', () => {
  it('is content when what was acknowledged is there once, whole', () => {
    const verdict = judgeStored(ledger.units, storedOf(good));
    expect(faultsOf(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ units: 5, acknowledged: 2, refused: 1, unanswered: 1, stored: 2, repeats: 0, storedThoughRefused: 0 });
  });
  it('counts repeats of the sender apart', () => {
    const verdict = judgeStored(ledger.units, storedOf({ ...good, [refused]: WHOLE, [unanswered]: WHOLE }));
    expect(faultsOf(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ stored: 4, repeats: 1, storedThoughRefused: 1 });
  });
  it.each<[string, Readonly<Record<number, Parts>>, string]>([
    ['nothing of an acknowledged unit', { [retried]: WHOLE }, '1 lost: units 0'],
    ['two of three items', { ...good, [acknowledged]: [row(0b101n), row(0b1000n)] }, '1 partial: units 0'],
    ['one table of two', { ...good, [acknowledged]: [row(0b111n), null] }, '1 partial: units 0'],
    ['half a unit nobody was told of', { ...good, [unanswered]: [row(0b1n), null] }, '1 partial: units 3'],
    ['an item that was not sent', { ...good, [acknowledged]: [row(0b10111n), row(0b1000n)] }, '1 partial: units 0'],
    ['all of it twice', { ...good, [acknowledged]: [row(0b111n, 2), row(0b1000n, 2)] }, '1 doubled: units 0'],
    ['one item twice', { ...good, [acknowledged]: [{ ...row(0b111n), most: 2 }, row(0b1000n)] }, '1 doubled: units 0'],
    ['an unanswered unit twice', { ...good, [unanswered]: [row(0b111n, 2), row(0b1000n, 2)] }, '1 doubled: units 3'],
    ['a unit that was never sent whole', { ...good, [cut]: WHOLE }, '1 torn: units 4'],
    ['other content', { ...good, [acknowledged]: [row(0b111n, 1, 1), row(0b1000n)] }, '1 changed: units 0'],
    ['a unit nobody sent', { ...good, 77: WHOLE }, '1 units that nobody sent: 77'],
  ])('finds %s', (_, parts, fault) => {
    const faults = faultsOf(judgeStored(ledger.units, storedOf(parts)));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(fault);
  });
});
