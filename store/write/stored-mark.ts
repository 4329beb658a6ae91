import type { JournalPosition } from '#contracts/journal.ts';
import type { Consumed, DayFile } from '../database/day-files.ts';
import { type Day, dayName, dayOfName } from './day-of.ts';

/** Days written down; older ones have long left the journal. */
const MARKED_DAYS = 8;
type Mark = Readonly<Record<string, Readonly<Record<string, readonly [position: number, ordinal: number]>>>>;
const before = (a: Consumed, b: Consumed): boolean => a.position < b.position || (a.position === b.position && a.ordinal < b.ordinal);
const newest = ({ consumed }: DayFile): number => Math.max(-1, ...[...consumed.values()].map(({ position }) => position));

/**
 * What each day file has taken in, as JSON for the catalog. DuckDB opens a file whose log was cut without a word, without its last
 * transactions: only somebody else's note tells (facts/standards.md §7).
 */
export function markOf(files: Iterable<DayFile>): string {
  const days = [...files].sort((a, b) => newest(b) - newest(a)).slice(0, MARKED_DAYS);
  const mark: Mark = Object.fromEntries(
    days.map(({ day, consumed }) => [
      dayName(day),
      Object.fromEntries([...consumed].map(([table, { position, ordinal }]) => [table, [position, ordinal]])),
    ]),
  );
  return JSON.stringify(mark);
}

/** What was written down of one day. */
export function consumedOf(json: string | null, day: Day): Map<string, Consumed> {
  const tables = Object.entries((JSON.parse(json ?? '{}') as Mark)[dayName(day)] ?? {});
  return new Map(tables.map(([table, [position, ordinal]]) => [table, { position, ordinal }]));
}

export interface Setback {
  readonly day: Day;
  /** The journal from here on has what the file lost, as far as it reaches. */
  readonly from: JournalPosition;
}
/** Day files that hold less than was written down. @param aside days whose file could not be used at all */
export function setbacksOf(json: string | null, files: ReadonlyMap<Day, DayFile>, aside: { has(day: Day): boolean }): Setback[] {
  const setbacks: Setback[] = [];
  for (const [name, tables] of Object.entries(JSON.parse(json ?? '{}') as Mark)) {
    const day = dayOfName(name);
    const file = day === null ? undefined : files.get(day);
    // A file that is gone without a trace was taken away on purpose.
    if (day === null || (file === undefined && !aside.has(day))) continue;
    const lost = Object.entries(tables).flatMap(([table, [position, ordinal]]) => {
      const has = file?.consumed.get(table as never) ?? { position: -1, ordinal: 0 };
      return before(has, { position, ordinal }) ? [Math.max(0, has.position)] : [];
    });
    if (lost.length > 0) setbacks.push({ day, from: Math.min(...lost) });
  }
  return setbacks;
}
export const saysSetBack = (day: Day): string =>
  `The file of ${dayName(day)} has lost its last writes; what the journal still holds of them is stored again.`;
