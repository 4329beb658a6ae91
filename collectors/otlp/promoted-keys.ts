import { LOGS, promotedColumns, SPANS, type TableSpec } from '#contracts/tables.ts';
import type { Promotion } from './attribute-sink.ts';

/** Every key with a column in some table, in the order AttributeKeys numbers them. */
export const PROMOTED_KEYS: readonly string[] = [...new Set([SPANS, LOGS].flatMap(promotedColumns).map(({ key }) => key))];

/** Where the promoted keys go in one table. */
export function promotionOf(table: TableSpec): Promotion {
  const own = new Map(promotedColumns(table).map((promoted) => [promoted.key, promoted]));
  return {
    columns: PROMOTED_KEYS.map((key) => own.get(key)?.column ?? -1),
    isInteger: PROMOTED_KEYS.map((key) => own.get(key)?.type === 'i'),
  };
}
