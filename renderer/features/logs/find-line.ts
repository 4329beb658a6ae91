import type { Table } from '../../lib/table.ts';

/** A log line by what it says: in a newer answer it stands in another row. Pure. */
export interface PickedLine {
  readonly atMs: number;
  readonly service: string;
  readonly body: string;
}
type Lines = Pick<Table, 'rows' | 'times' | 'text'>;
export const lineAt = (table: Lines, row: number): PickedLine => ({
  atMs: table.times('time')[row] ?? 0,
  service: table.text('service', row),
  body: table.text('body', row),
});
/** Its row; -1: it is not there. */
export function findLine(table: Lines, { atMs, service, body }: PickedLine): number {
  const times = table.times('time');
  for (let row = 0; row < table.rows; row++)
    if (times[row] === atMs && table.text('service', row) === service && table.text('body', row) === body) return row;
  return -1;
}
