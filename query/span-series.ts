import type { Matcher } from './promql/ast.ts';
import { type Labels, labelsOf } from './promql/labels.ts';
import { EvaluationError } from './promql/value.ts';

/**
 * Requests as spans tell them, as series of PromQL that nobody stores: `faultline_requests{service_name="cart"}` has a sample at the end of
 * every 10 seconds with requests, the number of those that began in them; `bad=">500ms"` counts only those that were slower. Exact,
 * unlike what a counter's rate() estimates: ask with sum_over_time(). docs/decisions/0011-span-series.md.
 */
export const SPAN_METRIC = 'faultline_requests';
export const SPAN_CELL_MS = 10_000;

/** Which requests, and which of them are counted. */
export interface SpanFilter {
  /** '': all. */
  readonly service: string;
  readonly operation: string;
  /** null: every request. */
  readonly bad: BadRequests | null;
}
export interface BadRequests {
  readonly errors: boolean;
  /** Requests that took longer; null: however long. */
  readonly slowerMs: number | null;
}
const LABELS = { service: 'service_name', operation: 'span_name', bad: 'bad' } as const;
const KNOWN: readonly string[] = Object.values(LABELS);
const SLOWER = /^>(\d{1,9}(?:\.\d{1,6})?)(ms|s)$/;

/** "error", ">500ms", ">0.5s" or "error or >500ms". @returns null: none of these */
export function parseBad(text: string): BadRequests | null {
  const parts = text.split(' or ');
  const errors = parts[0] === 'error';
  const rest = errors ? parts.slice(1) : parts;
  if (rest.length > 1) return null;
  if (rest[0] === undefined) return { errors, slowerMs: null };
  const [, amount, unit] = SLOWER.exec(rest[0]) ?? [];
  return amount === undefined ? null : { errors, slowerMs: Number(amount) * (unit === 's' ? 1000 : 1) };
}
export function printBad({ errors, slowerMs }: BadRequests): string {
  const parts = [errors ? 'error' : '', slowerMs === null ? '' : `>${slowerMs}ms`];
  return parts.filter((part) => part !== '').join(' or ');
}
/** @returns null: it asks for another metric. @throws EvaluationError what it asks for cannot be told from spans */
export function spanFilterOf(matchers: readonly Matcher[]): SpanFilter | null {
  const named = matchers.find(({ name, operator }) => name === '__name__' && operator === '=');
  if (named?.value !== SPAN_METRIC) return null;
  const values = new Map<string, string>();
  for (const { name, operator, value } of matchers) {
    if (name === '__name__') continue;
    if (operator !== '=' || (!KNOWN.includes(name) && value !== ''))
      throw new EvaluationError(`${SPAN_METRIC} is counted from spans: it takes ${KNOWN.join(', ')} with =, not ${name}${operator}`);
    values.set(name, value);
  }
  const text = values.get(LABELS.bad) ?? '';
  const bad = text === '' ? null : parseBad(text);
  if (text !== '' && !bad) throw new EvaluationError(`bad=${JSON.stringify(text)} is none of "error", ">500ms", "error or >500ms"`);
  return { service: values.get(LABELS.service) ?? '', operation: values.get(LABELS.operation) ?? '', bad };
}
export function spanLabels({ service, operation, bad }: SpanFilter): Labels {
  return labelsOf([
    ['__name__', SPAN_METRIC],
    [LABELS.service, service],
    [LABELS.operation, operation],
    [LABELS.bad, bad ? printBad(bad) : ''],
  ]);
}
/** The selector a query of it has. */
export function spanSelector(filter: SpanFilter): string {
  const { names, values } = spanLabels(filter);
  const labels = names.flatMap((name, i) => (name === '__name__' ? [] : [`${name}=${JSON.stringify(values[i])}`]));
  return `${SPAN_METRIC}{${labels.join(', ')}}`;
}
