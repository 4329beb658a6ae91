/** One thing the palette can do. */
export interface PaletteEntry {
  readonly id: string;
  readonly group: string;
  readonly label: string;
  /** More words it may be found by. */
  readonly also?: string;
  readonly hint?: string;
}
/**
 * How well an entry meets the words typed: every word must occur. A word at the start of a word counts more than one
 * inside. 0: no match.
 */
export function matchScore(entry: Pick<PaletteEntry, 'label' | 'also'>, typed: string): number {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return 1;
  const label = entry.label.toLowerCase();
  const text = `${label} ${(entry.also ?? '').toLowerCase()}`;
  let score = 1;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return 0;
    const startsWord = at === 0 || /[\s\-_./:]/.test(text[at - 1] ?? '');
    score += (startsWord ? 4 : 1) + (label.startsWith(word) ? 4 : 0);
  }
  return score;
}
/** Best first; equals keep their order. */
export function findEntries<T extends PaletteEntry>(entries: readonly T[], typed: string, limit: number): T[] {
  return entries
    .map((entry, order) => ({ entry, order, score: matchScore(entry, typed) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .slice(0, limit)
    .map(({ entry }) => entry);
}
/** A trace id among what was typed or pasted: 32 hex digits, not all zero. */
export function traceIdIn(typed: string): string | null {
  const id = /(?:^|[^0-9a-f])([0-9a-f]{32})(?![0-9a-f])/i.exec(typed)?.[1]?.toLowerCase();
  return id === undefined || /^0+$/.test(id) ? null : id;
}
