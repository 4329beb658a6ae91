import { OtlpError } from './otlp-error.ts';
import type { AttributeValue } from './otlp-writer.ts';

/** Values of JSON that other protocols' receivers read, and the sentence where one is not what it should be. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const wrong = (name: string, wanted: string, given: unknown): OtlpError =>
  new OtlpError('malformed', `${name} must be ${wanted}, not ${describe(given)}`);

/** Never walks into the value: it may be nested as deep as the body is long. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
export function objectOf(name: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'an object', value);
  return value as JsonObject;
}
/** @returns '' for what is not there */
export function textOf(name: string, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw wrong(name, 'text', value);
  return value;
}
/** Names with texts; numbers and truths that a sender wrote so are no reason to refuse what they belong to. */
export function attributesOf(name: string, value: unknown): [string, AttributeValue][] {
  if (value === undefined || value === null) return [];
  const attributes: [string, AttributeValue][] = [];
  for (const [key, given] of Object.entries(objectOf(name, value))) {
    if (typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean') attributes.push([key, given]);
    else if (given !== null) throw wrong(`${name}[${JSON.stringify(key.slice(0, 80))}]`, 'text', given);
  }
  return attributes;
}
