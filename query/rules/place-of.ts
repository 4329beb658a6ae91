/** "line:column" of a character in an expression, both from 1, as Prometheus counts them. */
export function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  return `${before.length}:${(before.at(-1) as string).length + 1}`;
}
