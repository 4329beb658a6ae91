/** Text of PromQL selectors. Pure. */
export interface LabelMatcher {
  readonly name: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}
const CLASSIC_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const CLASSIC_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** As PromQL quotes texts. */
export const quoted = (text: string): string => JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped);
const escaped = (c: string): string => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
export const labelText = (name: string): string => (CLASSIC_LABEL.test(name) ? name : quoted(name));
/** A selector of a metric; '' of nothing at all. Names that are no classic ones stand in quotes (Prometheus 3). */
export function selectorText(metric: string, matchers: readonly LabelMatcher[]): string {
  const classic = metric === '' || CLASSIC_METRIC.test(metric);
  const inside = [
    ...(classic ? [] : [quoted(metric)]),
    ...matchers.map(({ name, operator, value }) => `${labelText(name)}${operator}${quoted(value)}`),
  ];
  return `${classic ? metric : ''}${inside.length > 0 ? `{${inside.join(',')}}` : ''}`;
}
/** A regular expression (RE2) that matches this text only. */
export const literalRegex = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
