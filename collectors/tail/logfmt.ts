/**
 * key=value pairs as Heroku's and Go's loggers write them (github.com/kr/logfmt): values bare or in double quotes with
 * backslashes; a word without "=" is true. Everything is read once, from front to back. Never throws.
 */
export function parseLogfmt(line: string): Map<string, string | boolean> {
  const fields = new Map<string, string | boolean>();
  let at = 0;
  let pairs = 0;
  while (at < line.length) {
    while (at < line.length && line.charCodeAt(at) <= 0x20) at++;
    const start = at;
    while (at < line.length && line.charCodeAt(at) > 0x20 && line[at] !== '=' && line[at] !== '"') at++;
    const key = line.slice(start, at);
    if (line[at] !== '=') {
      // A quote or a bare word where a key should be: passed over one character at least.
      if (key !== '') fields.set(key, true);
      else at++;
      continue;
    }
    at++;
    let value: string;
    if (line[at] === '"') {
      const end = closingQuote(line, at + 1);
      value = unquoted(line.slice(at, end + 1));
      at = end + 1;
    } else {
      const from = at;
      while (at < line.length && line.charCodeAt(at) > 0x20) at++;
      value = line.slice(from, at);
    }
    if (key === '') continue;
    pairs++;
    fields.set(key, value);
  }
  // Only words: text.
  return pairs > 0 ? fields : new Map();
}
function closingQuote(line: string, from: number): number {
  for (let at = from; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === '"') return at;
  }
  return line.length;
}
function unquoted(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    // Go quotes also \x and \a, and a cut line has no end: what stands there, as it stands there.
    return quoted.slice(1, quoted.length > 1 && quoted.endsWith('"') ? -1 : undefined);
  }
}
