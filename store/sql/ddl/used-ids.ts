/** Largest dictionary ids a day's rows use. */
export function usedIdsSql(database: string): string {
  const of = (table: string, id: string): string => `(SELECT max(${id}) FROM ${database}.main.${table})`;
  const most = (id: string, tables: readonly string[]): string => `greatest(${tables.map((table) => of(table, id)).join(', ')}) AS ${id}`;
  return `SELECT ${most('resource_id', ['spans', 'logs'])}, ${most('scope_id', ['spans', 'logs'])}, ${most('series_id', ['samples', 'sample_blocks', 'histograms', 'exemplars'])}`;
}
