/** Categorical colours. In first-seen order, so that two never meet below the length of the palette. */
export const SERIES_COLOURS = 12;
/** Names -> token names, in the order given. */
export function colourTokens(names: Iterable<string>): Map<string, string> {
  const tokens = new Map<string, string>();
  for (const name of names) if (!tokens.has(name)) tokens.set(name, `--series-${(tokens.size % SERIES_COLOURS) + 1}`);
  return tokens;
}
/** CSS value of a token. */
export const colourVar = (token: string | undefined): string => `var(${token ?? '--series-1'})`;
