/** What Prometheus' API says of a query that is wrong -> where it is, and words for it. Pure. */
export interface Problem {
  /** Half-open, in UTF-16 units of the expression. */
  readonly from: number;
  readonly to: number;
  readonly severity: 'error' | 'warning' | 'info';
  /** As the server says it, without the place. */
  readonly message: string;
}
/** Offset of "line:column" (both from 1) in a text; its end when it is beyond. */
export function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split('\n');
  if (line > lines.length) return text.length;
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return Math.min(text.length, before + Math.min(column - 1, (lines[line - 1] ?? '').length));
}
/** The word that stands there; at the end, or on blank space, the last thing before it: an underline needs some width. */
export function markAt(text: string, at: number): { readonly from: number; readonly to: number } {
  const [word = ''] = /^[\p{L}\p{N}_:.]+|^[^\s]/u.exec(text.slice(at)) ?? [];
  if (word !== '') return { from: at, to: at + word.length };
  const before = text.slice(0, at).trimEnd().length;
  return { from: Math.max(0, before - 1), to: before };
}
const FAULT = /^invalid parameter "query": (?:(\d+):(\d+): )?(?:parse error: )?(.*)$/s;
/** The place and the words of an answer with status 400. */
export function problemOf(text: string, answer: string): Problem {
  const [, line, column, message = answer] = FAULT.exec(answer) ?? [];
  const place = line && column ? markAt(text, offsetOf(text, Number(line), Number(column))) : { from: 0, to: text.length };
  return { ...place, severity: 'error', message };
}
/** What a check found; a place without width marks what stands before it. */
export function wrongAt(
  text: string,
  { from, to, message }: { readonly from: number; readonly to: number; readonly message: string },
): Problem {
  const isEmpty = text.slice(from, to).trim() === '';
  return { ...(isEmpty ? markAt(text, from) : { from, to }), severity: 'error', message };
}
/** An annotation ends with its place: "... (1:7)". */
export function noteOf(text: string, note: string, severity: 'warning' | 'info'): Problem {
  const [, message = note, line, column] = /^(?:PromQL (?:info|warning): )?(.*) \((\d+):(\d+)\)$/s.exec(note) ?? [];
  const place = line && column ? markAt(text, offsetOf(text, Number(line), Number(column))) : { from: 0, to: 0 };
  return { ...place, severity, message };
}

/** Words for what is wrong, as a key of the message files and what fills its gaps. null: the server's own words are all there is. */
export interface PlainWords {
  readonly key: string;
  readonly params: Readonly<Record<string, string>>;
}
const PATTERNS: readonly (readonly [RegExp, string, readonly string[]])[] = [
  [/^metric might not be a counter, name does not end in \S+: "(.+)"$/, 'promql_note_counter', ['name']],
  [/^unexpected (.+?) in (.+), expected (.+)$/s, 'promql_wrong_expected', ['found', 'where', 'wanted']],
  [/^unexpected end of input$/, 'promql_wrong_end', []],
  [/^unexpected end of input in(?:side)? (.+)$/, 'promql_wrong_end_in', ['where']],
  [/^unclosed left parenthesis$/, 'promql_wrong_open', []],
  [/^unexpected right (?:parenthesis|bracket)/, 'promql_wrong_closed', []],
  [/^unterminated /, 'promql_wrong_quote', []],
  [/^expected type range vector in call to function "(.+)", got instant vector$/, 'promql_wrong_needs_range', ['name']],
  [/^expected type instant vector in call to function "(.+)", got range vector$/, 'promql_wrong_needs_instant', ['name']],
  [/^expected type (.+) in (.+), got (.+)$/, 'promql_wrong_type', ['wanted', 'where', 'found']],
  [/^unknown function with name "(.+)"$/, 'promql_wrong_function', ['name']],
  [/^expected (\S+) argument\(s\) in call to "?([^"]+?)"?, got (\d+)$/, 'promql_wrong_arguments', ['wanted', 'name', 'found']],
  [/^bad number or duration syntax: "?(.+?)"?$/, 'promql_wrong_number', ['found']],
  [/^unexpected (.+?)(?: in (?:.+))?$/s, 'promql_wrong_here', ['found']],
  [/exceeded maximum resolution of ([\d,]+) points/, 'promql_limit_points', ['limit']],
  [/would load too many samples into memory.*?more than ([\d,]+)/, 'promql_limit_samples', ['limit']],
  [/would load too many samples into memory/, 'promql_limit_memory', []],
  [/^(\d+) series fit, at most (\d+)/, 'promql_limit_series', ['count', 'limit']],
  [/^query timed out/, 'promql_limit_time', []],
  [/invalid expression type "range vector" for range query/, 'promql_wrong_graph_range', []],
  [/invalid expression type "string" for range query/, 'promql_wrong_graph_string', []],
  [/many-to-many matching not allowed|found duplicate series for the match group/, 'promql_wrong_matching', []],
  [/vector cannot contain metrics with the same labelset/, 'promql_wrong_same', []],
];
export function plainWords(message: string): PlainWords | null {
  for (const [pattern, key, names] of PATTERNS) {
    const found = pattern.exec(message);
    if (found) return { key, params: Object.fromEntries(names.map((name, i) => [name, found[i + 1] ?? ''])) };
  }
  return null;
}
