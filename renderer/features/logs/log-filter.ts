/** The words of a log search. Pure. */
/** Adds a value to the search, to look for it or to leave it out; a value already there is not added twice. */
export function addToSearch(query: string, value: string, exclude: boolean): string {
  const plain = value.replaceAll('"', ' ').trim();
  if (plain === '') return query;
  const word = `${exclude ? '-' : ''}${/\s/.test(plain) || plain.startsWith('-') ? `"${plain}"` : plain}`;
  const words: string[] = query.match(/-?"[^"]*"|\S+/g) ?? [];
  return words.includes(word) ? query : [...words, word].join(' ');
}
/** Severity list of the URL after a class was switched; all or none is the empty list. */
export function toggleSeverity(list: string, name: string, all: readonly string[]): string {
  const set = new Set(list.split(',').filter((item) => all.includes(item)));
  if (set.has(name)) set.delete(name);
  else set.add(name);
  return set.size === all.length ? '' : all.filter((item) => set.has(item)).join(',');
}
