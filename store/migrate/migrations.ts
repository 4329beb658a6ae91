/** One step forward: statements with {db} for the attached name. Steps are never changed once released. */
export interface Migration {
  readonly kind: 'catalog' | 'day';
  readonly from: number;
  readonly sql: readonly string[];
}
/** None yet: version 1 is the first layout. */
export const MIGRATIONS: readonly Migration[] = [];
