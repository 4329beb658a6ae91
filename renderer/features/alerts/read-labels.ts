/** Labels as somebody types them: a=b c="d e", {a="b", c="d"}. Pure. */
export interface ReadLabels {
  readonly labels: Readonly<Record<string, string>>;
  /** What could not be read; '' when all was. */
  readonly problem: string;
}
const ONE = /^([A-Za-z_][\w.\-/]*|"(?:[^"\\]|\\.)+")\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"{}]+)/;
const unquoted = (text: string): string => (text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text);

export function readLabels(text: string): ReadLabels {
  const labels: Record<string, string> = {};
  let rest = text.trim().replace(/^\{|\}$/g, '');
  for (rest = rest.replace(/^[\s,]+/, ''); rest !== ''; rest = rest.replace(/^[\s,]+/, '')) {
    const found = ONE.exec(rest);
    // A word that is still being typed is no mistake yet.
    if (!found) return { labels, problem: /^[A-Za-z_][\w.\-/]*\s*=?\s*$/.test(rest) ? '' : rest };
    labels[unquoted(found[1] as string)] = unquoted(found[2] as string);
    rest = rest.slice(found[0].length);
  }
  return { labels, problem: '' };
}
