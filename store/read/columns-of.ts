import { invariant } from '#contracts/errors.ts';
import type { QueryResult, Store } from '#contracts/store.ts';

/** The part of the store a read needs. */
export type Queries = Pick<Store, 'query'>;

/** A numeric column of a result; NULL reads as NaN. */
export function numbers(result: QueryResult, name: string): ArrayLike<number> {
  const column = result.column(name) as ArrayLike<number | bigint>;
  invariant(typeof (column[0] ?? 0) !== 'bigint', `column ${name} is 64-bit; cast it to DOUBLE in the statement`);
  return column as ArrayLike<number>;
}
/** A text column of a result. */
export const texts = (result: QueryResult, name: string): readonly (string | null)[] => result.column(name) as readonly (string | null)[];
