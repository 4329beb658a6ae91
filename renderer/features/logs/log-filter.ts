/** The severities of a log search. Pure. */
/** Severity list of the URL after a class was switched; all or none is the empty list. */
export function toggleSeverity(list: string, name: string, all: readonly string[]): string {
  const set = new Set(list.split(',').filter((item) => all.includes(item)));
  if (set.has(name)) set.delete(name);
  else set.add(name);
  return set.size === all.length ? '' : all.filter((item) => set.has(item)).join(',');
}
