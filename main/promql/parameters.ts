import type { Expr } from '#query/promql/ast.ts';
import { durationMs } from '#query/promql/literals.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { PromqlError } from '#query/promql/token.ts';
import { placeOf } from '#query/rules/place-of.ts';

/** Parameters of Prometheus' API, from the address and a form; wrong ones are told in Prometheus' words. */
export type Parameters = ReadonlyMap<string, readonly string[]>;
export function parametersOf(search: string, form: string): Parameters {
  const found = new Map<string, string[]>();
  for (const text of [search, form])
    for (const [name, value] of new URLSearchParams(text)) {
      const known = found.get(name);
      if (known) known.push(value);
      else found.set(name, [value]);
    }
  return found;
}
export const one = (parameters: Parameters, name: string): string => parameters.get(name)?.[0] ?? '';

export class BadData extends Error {}
export const badParameter = (name: string, why: string): never => {
  throw new BadData(`invalid parameter ${JSON.stringify(name)}: ${why}`);
};
/** @throws BadData with the place */
export function parsedParameter(name: string, text: string): Expr {
  try {
    return parsePromql(text);
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    throw new BadData(`invalid parameter ${JSON.stringify(name)}: ${placeOf(text, error.range.start)}: parse error: ${error.message}`);
  }
}
const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
/** Unix seconds or RFC 3339, as milliseconds. */
export function timeOf(parameters: Parameters, name: string, fallbackMs?: number): number {
  const text = one(parameters, name);
  if (text === '' && fallbackMs !== undefined) return fallbackMs;
  const ms = PLAIN.test(text) ? Math.round(Number(text) * 1000) : Date.parse(text);
  return Number.isFinite(ms) ? ms : badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}
/** Seconds or 1h30m, as milliseconds. */
export function durationOf(text: string, name: string): number {
  const plain = PLAIN.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
  if (Number.isFinite(plain)) return plain;
  try {
    if (/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return durationMs({ type: 'duration', text, word: text, start: 0, end: text.length });
  } catch {
    // told below
  }
  return badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
}
/** The first of them: as many as asked for, 0 for all there may be. */
export function limited<T>(
  found: readonly T[],
  parameters: Parameters,
  most: number,
): { readonly data: readonly T[]; readonly warnings?: readonly string[] } {
  const asked = Number(one(parameters, 'limit') || 0);
  if (!Number.isInteger(asked) || asked < 0) badParameter('limit', 'limit must be non-negative');
  const limit = asked === 0 ? most : Math.min(asked, most);
  return found.length <= limit ? { data: found } : { data: found.slice(0, limit), warnings: ['results truncated due to limit'] };
}
