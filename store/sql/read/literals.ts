import { FaultlineError } from '#contracts/errors.ts';

/**
 * Values as SQL text. Every read writes its values into the statement, so that the statement shown beside a number is
 * the one that made it and runs again as it stands in the SQL screen.
 */

/**
 * A VARCHAR as SQL. DuckDB knows no backslash escapes here: doubling the quote is the whole rule. A statement ends at a NUL,
 * but the name of a service may hold one: such a text is put together around it.
 */
export function textLiteral(value: string): string {
  const quoted = value.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`);
  return quoted.length === 1 ? (quoted[0] as string) : `(${quoted.join(' || chr(0) || ')})`;
}

export const textList = (values: readonly string[]): string => `(${values.map(textLiteral).join(', ')})`;

/** A finite number, integers without exponent. */
export function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new FaultlineError('bad_request', `A finite number is needed, not ${value}.`);
  return Number.isInteger(value) ? value.toFixed(0) : String(value);
}

/** Years a TIMESTAMP_NS can hold; earlier or later bounds of a search are moved to its ends. */
const MIN_MS = 0;
const MAX_MS = Date.UTC(2262, 0, 1);
const clampMs = (unixMs: number): number => Math.min(MAX_MS, Math.max(MIN_MS, unixMs));

/** A TIMESTAMP_NS literal, UTC. */
export function timeLiteral(unixMs: number): string {
  return `TIMESTAMP_NS '${new Date(clampMs(Math.floor(unixMs))).toISOString().replace('T', ' ').replace('Z', '')}'`;
}

/** Nanoseconds since the epoch as a BIGINT literal. */
export const nanoLiteral = (unixMs: number): string => (BigInt(clampMs(Math.floor(unixMs))) * 1_000_000n).toString();

/** A UUID literal from 32 hex digits. */
export function traceIdLiteral(hex: string): string {
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new FaultlineError('bad_request', `A trace id is 32 hex digits, not "${hex}".`);
  const h = hex.toLowerCase();
  return `UUID '${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}'`;
}

/** A span id as the stored UBIGINT, from 16 hex digits. */
export function spanIdLiteral(hex: string): string {
  if (!/^[0-9a-f]{16}$/i.test(hex)) throw new FaultlineError('bad_request', `A span id is 16 hex digits, not "${hex}".`);
  return `${BigInt(`0x${hex}`)}::UBIGINT`;
}

/** `column` in [startMs, endMs). */
export const between = (column: string, startMs: number, endMs: number): string =>
  `${column} >= ${timeLiteral(startMs)} AND ${column} < ${timeLiteral(endMs)}`;

/** Pattern for (I)LIKE with ESCAPE '\', matching `needle` anywhere. */
export const containsPattern = (needle: string): string => textLiteral(`%${needle.replace(/[\\%_]/g, '\\$&')}%`);

/** SQL boolean expressions joined with AND; 'true' when there is none. */
export const allOf = (conditions: readonly (string | null | undefined | false)[]): string =>
  conditions.filter((c): c is string => typeof c === 'string' && c !== '').join('\n  AND ') || 'true';
