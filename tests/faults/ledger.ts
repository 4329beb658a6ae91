/**
 * What was sent and what the sender was told, by ids the sender made itself. Knows nothing of Faultline: the other half of the proof.
 *
 * A unit is one attempt to send one request. A retry is a unit of its own, so that an item stored twice is never mistaken for a
 * retry of its sender.
 */
/** Ids are numbers that a double holds, and zero is none: a span's id must not be. A unit has at most 48 items, for masks. */
export const ITEMS_PER_UNIT = 64;
export const itemId = (unit: number, item: number): number => (unit + 1) * ITEMS_PER_UNIT + item;
/** Where items are asked for: views of SQL. */
export const ITEM_TABLES = ['spans', 'logs', 'samples', 'histograms'] as const;
export type ItemTable = (typeof ITEM_TABLES)[number];
/** Ids of a unit, each in the table it must come back in. */
export type UnitItems = Readonly<Partial<Record<ItemTable, readonly number[]>>>;

/**
 * acknowledged: told "stored": must be there, whole, once. refused: told "not now": whole and once, or not at all.
 * unanswered: told nothing (cut, timeout): the same. cut: never sent to its end: nothing of it may be there.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unanswered' | 'cut';
export interface Unit {
  readonly number: number;
  /** What the lane of the sender is called: otlp-http-traces ... */
  readonly lane: string;
  /** The first unit of the same request: retries share it. */
  readonly request: number;
  readonly items: UnitItems;
  outcome: Outcome;
}

export class Ledger {
  readonly units: Unit[] = [];
  /** A unit under way counts as unanswered until its answer is here. */
  begin(lane: string, request: number | null, itemsOf: (number: number) => UnitItems): Unit {
    const number = this.units.length;
    const unit: Unit = { number, lane, request: request ?? number, items: itemsOf(number), outcome: 'unanswered' };
    this.units.push(unit);
    return unit;
  }
  /** Kept, because it is asked for again and again: `settle` counts it. */
  acknowledged = 0;
  settle(unit: Unit, outcome: Outcome): void {
    if (outcome === 'acknowledged') this.acknowledged++;
    unit.outcome = outcome;
  }
  count(outcome: Outcome): number {
    return this.units.reduce((sum, unit) => sum + (unit.outcome === outcome ? 1 : 0), 0);
  }
}
