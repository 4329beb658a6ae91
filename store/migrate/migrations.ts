import { postmortemTableSql } from '../sql/ddl/postmortem-table.ts';

/** One step forward: statements with {db} for the attached name. Steps are never changed once released. */
export interface Migration {
  readonly kind: 'catalog' | 'day' | 'bills';
  readonly from: number;
  /** Empty: nothing of this kind of file changed; only its number moves. */
  readonly sql: readonly string[];
}
export const MIGRATIONS: readonly Migration[] = [
  { kind: 'catalog', from: 1, sql: [postmortemTableSql('{db}')] },
  { kind: 'day', from: 1, sql: [] },
];
