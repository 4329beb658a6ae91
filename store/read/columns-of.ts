import { FaultlineError, invariant } from '#contracts/errors.ts';
import type { QueryResult, Store } from '#contracts/store.ts';

/** The part of the store a read needs. */
export type Queries = Pick<Store, 'query'>;

/** What of a result is looked at. */
export type Columns = Pick<QueryResult, 'rowCount' | 'column'>;

/** A numeric column of a result; NULL reads as NaN. */
export function numbers(result: Pick<Columns, 'column'>, name: string): ArrayLike<number> {
  const column = result.column(name) as ArrayLike<number | bigint>;
  invariant(typeof (column[0] ?? 0) !== 'bigint', `column ${name} is 64-bit; cast it to DOUBLE in the statement`);
  return column as ArrayLike<number>;
}
/** The result, which must hold all rows there are: sums over a part would be too low, and nothing would say so. @throws answer_too_long */
export function whole(result: QueryResult, rows: string): QueryResult {
  if (!result.truncated) return result;
  throw new FaultlineError('answer_too_long', `There are more than ${result.rowCount} ${rows} in this window: ask for a shorter one.`);
}
/** A text column of a result. */
export const texts = (result: Pick<Columns, 'column'>, name: string): readonly (string | null)[] =>
  result.column(name) as readonly (string | null)[];

/** The rows of a result whose column `part` says `part`. */
export function partOf(result: Columns, part: string): Columns {
  const parts = texts(result, 'part');
  const rows: number[] = [];
  for (let i = 0; i < result.rowCount; i++) if (parts[i] === part) rows.push(i);
  const picked = (name: string): unknown[] => {
    const column = result.column(name) as ArrayLike<unknown>;
    return rows.map((row) => column[row]);
  };
  return { rowCount: rows.length, column: picked as unknown as Columns['column'] };
}
