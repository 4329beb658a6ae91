import { ITEM_TABLES, ITEMS_PER_UNIT, type ItemTable, type Unit } from './ledger.ts';

/** What a store gives back of one unit in one table. */
export interface StoredUnit {
  /** Bit i: item i is there. */
  readonly items: bigint;
  /** Copies of the item that is there least, and most often. */
  readonly least: number;
  readonly most: number;
  /** Rows whose content is not what was sent. */
  readonly changed: number;
}
/** By table and number of the unit. */
export type Stored = Readonly<Record<ItemTable, ReadonlyMap<number, StoredUnit>>>;

export interface Verdict {
  readonly units: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unanswered: number;
  /** Units that are there, whole. */
  readonly stored: number;
  /** Acknowledged, and nothing of it is there. */
  readonly lost: readonly Unit[];
  /** Some of its items are there, others are not. */
  readonly partial: readonly Unit[];
  /** An item is there more often than it was sent: each unit is sent once, so this is our own doing. */
  readonly doubled: readonly Unit[];
  /** Something of a request is there that the sender never finished. */
  readonly torn: readonly Unit[];
  /** There, but not as sent. */
  readonly changed: readonly Unit[];
  /** Numbers of units that are there and that nobody sent. */
  readonly unknown: readonly number[];
  /** Requests of which the sender made more than one stored unit: it got no answer, or a refusal, and sent again. */
  readonly repeats: number;
  /** Told "not now", and there all the same (a write that failed after it had reached the disk). */
  readonly storedThoughRefused: number;
}

const maskOf = (ids: readonly number[]): bigint => ids.reduce((mask, id) => mask | (1n << BigInt(id % ITEMS_PER_UNIT)), 0n);

/** Compares what was sent with what is there. Pure: neither side can talk the other into anything. */
export function judgeStored(units: readonly Unit[], stored: Stored): Verdict {
  const lost: Unit[] = [];
  const partial: Unit[] = [];
  const doubled: Unit[] = [];
  const changed: Unit[] = [];
  const torn: Unit[] = [];
  const copiesOfRequest = new Map<number, number>();
  let whole = 0;
  let storedThoughRefused = 0;
  for (const unit of units) {
    const parts = ITEM_TABLES.map((table) => ({ wanted: maskOf(unit.items[table] ?? []), found: stored[table].get(unit.number) }));
    const there = parts.some(({ found }) => found !== undefined);
    if (!there) {
      if (unit.outcome === 'acknowledged') lost.push(unit);
      continue;
    }
    const complete = parts.every(({ wanted, found }) => (found?.items ?? 0n) === wanted);
    if (!complete) partial.push(unit);
    else whole++;
    if (parts.some(({ found }) => found !== undefined && found.most > 1)) doubled.push(unit);
    if (parts.some(({ found }) => found !== undefined && found.changed > 0)) changed.push(unit);
    if (unit.outcome === 'refused') storedThoughRefused++;
    if (unit.outcome === 'cut') torn.push(unit);
    copiesOfRequest.set(unit.request, (copiesOfRequest.get(unit.request) ?? 0) + 1);
  }
  const known = (number: number): boolean => number >= 0 && number < units.length;
  const unknown = new Set(ITEM_TABLES.flatMap((table) => [...stored[table].keys()].filter((number) => !known(number))));
  const of = (outcome: Unit['outcome']): number => units.filter((unit) => unit.outcome === outcome).length;
  return {
    units: units.length,
    acknowledged: of('acknowledged'),
    refused: of('refused'),
    unanswered: of('unanswered'),
    stored: whole,
    lost,
    partial,
    doubled,
    torn,
    changed,
    unknown: [...unknown],
    repeats: [...copiesOfRequest.values()].reduce((sum, copies) => sum + copies - 1, 0),
    storedThoughRefused,
  };
}
/** Empty when the verdict is clean; else one line a fault, with a few of the units. */
export function faultsOf(verdict: Verdict): string[] {
  const some = (units: readonly Unit[]): string =>
    units
      .slice(0, 5)
      .map(({ number, lane, outcome }) => `${number} (${lane}, ${outcome})`)
      .join(', ');
  const faults: string[] = [];
  for (const name of ['lost', 'partial', 'doubled', 'torn', 'changed'] as const) {
    if (verdict[name].length > 0) faults.push(`${verdict[name].length} ${name}: units ${some(verdict[name])}`);
  }
  if (verdict.unknown.length > 0)
    faults.push(`${verdict.unknown.length} units that nobody sent: ${verdict.unknown.slice(0, 5).join(', ')}`);
  return faults;
}
