const HAVE_ORIGIN = ['spans', 'logs', 'profiles', 'profile_samples'];
/** Largest dictionary ids a day's rows use; those of series and stacks as one. */
export function usedIdsSql(database: string): string {
  const of = (table: string, id: string): string => `(SELECT max(${id}) FROM ${database}.main.${table})`;
  const most = (id: string, tables: readonly string[], more: readonly string[] = []): string =>
    `greatest(${[...tables.map((table) => of(table, id)), ...more].join(', ')}) AS ${id}`;
  const series = most('series_id', ['samples', 'sample_blocks', 'histograms', 'exemplars'], [of('profile_samples', 'stack_id')]);
  return `SELECT ${most('resource_id', HAVE_ORIGIN)}, ${most('scope_id', HAVE_ORIGIN)}, ${series}`;
}
