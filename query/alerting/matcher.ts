import { compileLabelRegex } from '#query/promql/label-regex.ts';
import { compareText, type Labels, labelOf } from '#query/promql/labels.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';
/** One condition on a label; a label that is missing is ''. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  readonly matches: (value: string) => boolean;
}
/** @throws SyntaxError when a regular expression is none */
export function matcherOf(name: string, operator: MatchOperator, value: string): Matcher {
  return { name, operator, value, matches: testOf(operator, value) };
}
function testOf(operator: MatchOperator, value: string): (value: string) => boolean {
  if (operator === '=') return (each) => each === value;
  if (operator === '!=') return (each) => each !== value;
  const whole = compileLabelRegex(value);
  // In Alertmanager a dot is not a line feed, in Prometheus it is.
  const fits = value.includes('.') ? compileLabelRegex(`(?-s:${value})`) : whole;
  return operator === '=~' ? fits : (each) => !fits(each);
}
export const matchesAll = (matchers: readonly Matcher[], labels: Labels): boolean =>
  matchers.every(({ name, matches }) => matches(labelOf(labels, name)));

const ORDER: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];
/** By name, value, operator: the order in which keys of routes list them. */
export function sortMatchers(matchers: readonly Matcher[]): Matcher[] {
  return [...matchers].sort(
    (a, b) => compareText(a.name, b.name) || compareText(a.value, b.value) || ORDER.indexOf(a.operator) - ORDER.indexOf(b.operator),
  );
}
/** Characters a name needs quotes for. */
const RESERVED = /[\s{}!=~,\\"'`]/u;
const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
/** As Alertmanager prints it: owner="team-A". */
export function printMatcher({ name, operator, value }: Matcher): string {
  return RESERVED.test(name) ? `${goQuoted(name)}${operator}${goQuoted(value)}` : `${name}${operator}"${escaped(value)}"`;
}
export const printMatchers = (matchers: readonly Matcher[]): string => `{${matchers.map(printMatcher).join(',')}}`;

/** The other characters Go's %q escapes by a letter. */
const LETTERS: Readonly<Record<string, string>> = {
  ...{ '"': '\\"', '\\': '\\\\', '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' },
};
/** Go's %q: what cannot be printed by its number. */
export function goQuoted(text: string): string {
  const inner = text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (c) => {
    const code = c.codePointAt(0) as number;
    if (LETTERS[c] !== undefined) return LETTERS[c];
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `"${inner}"`;
}
