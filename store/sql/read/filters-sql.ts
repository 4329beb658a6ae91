import { FaultlineError } from '#contracts/errors.ts';
import type { ExactFilter } from '#contracts/exact-filter.ts';
import { promotedColumns, type TableSpec } from '#contracts/tables.ts';
import { textLiteral } from './literals.ts';

export interface FilterTarget {
  /** Alias with its dot: "s." or "". */
  readonly row: string;
  readonly fields: readonly string[];
  /** Its attributes with a column of their own are known from here. */
  readonly table: TableSpec;
}
function holds({ scope, key, value }: ExactFilter, { row, fields, table }: FilterTarget): string {
  const [name, text] = [textLiteral(key), textLiteral(value)];
  if (scope === 'field') {
    if (!fields.includes(key))
      throw new FaultlineError('bad_request', `There is no field "${key}" to filter by, but ${fields.join(', ')}.`);
    return `${row}${key} = ${text}`;
  }
  if (scope === 'resource') return `${row}resource_id IN (SELECT resource_id FROM resources WHERE attributes[${name}] = ${text})`;
  const column = promotedColumns(table).find((promoted) => promoted.key === key)?.name;
  // With another type than its column takes, a promoted attribute is in the map.
  return column ? `(${row}${column}::VARCHAR = ${text} OR ${row}attributes[${name}] = ${text})` : `${row}attributes[${name}] = ${text}`;
}
/** A condition per filter. What has no such attribute at all is not left out by an excluding one. */
export const filterConditions = (filters: readonly ExactFilter[] | undefined, target: FilterTarget): string[] =>
  (filters ?? []).map((filter) => (filter.exclude ? `NOT coalesce(${holds(filter, target)}, false)` : holds(filter, target)));
