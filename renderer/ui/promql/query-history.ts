/** Queries that were run, newest first; kept in this browser. The list's own functions are pure. */
export interface PastQuery {
  readonly text: string;
  readonly atMs: number;
}
const KEY = 'faultline.promql.history';
const MAX_KEPT = 200;
const MAX_LENGTH = 4_000;

/** With one more at the front; the same text stands once. */
export function withQuery(past: readonly PastQuery[], text: string, atMs: number): PastQuery[] {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > MAX_LENGTH) return [...past];
  return [{ text: trimmed, atMs }, ...past.filter((one) => one.text !== trimmed)].slice(0, MAX_KEPT);
}
/** What a browser kept, as far as it can be read. */
export function readPast(json: string | null): PastQuery[] {
  try {
    const found: unknown = JSON.parse(json ?? '[]');
    if (!Array.isArray(found)) return [];
    return found.filter(
      (one): one is PastQuery => typeof one?.text === 'string' && typeof one?.atMs === 'number' && one.text.length <= MAX_LENGTH,
    );
  } catch {
    return [];
  }
}
export const pastQueries = (): PastQuery[] => readPast(window.localStorage.getItem(KEY));
export function rememberQuery(text: string): void {
  try {
    window.localStorage.setItem(KEY, JSON.stringify(withQuery(pastQueries(), text, Date.now())));
  } catch {
    // The browser keeps nothing: the history ends with the page.
  }
}
export const forgetQueries = (): void => window.localStorage.removeItem(KEY);
