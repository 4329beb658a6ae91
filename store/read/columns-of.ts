import { FaultlineError, invariant } from '#contracts/errors.ts';
import type { QueryResult, Store } from '#contracts/store.ts';

/** The part of the store a read needs. */
export type Queries = Pick<Store, 'query'>;

/** A numeric column of a result; NULL reads as NaN. */
export function numbers(result: QueryResult, name: string): ArrayLike<number> {
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
export const texts = (result: QueryResult, name: string): readonly (string | null)[] => result.column(name) as readonly (string | null)[];
