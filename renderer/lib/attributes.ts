export interface Attribute {
  readonly key: string;
  /** As the store holds it: a filter to it finds what it was read from. */
  readonly value: string;
}
/** A number with the digits it was written with: 1.0, and integers beyond 2^53. */
class Digits {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
  toJSON(): number {
    return Number(this.source);
  }
}
type Reviver = (key: string, value: unknown) => unknown;
/** The third argument is newer than the type library. */
const keepDigits = ((_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === 'number' && context?.source !== undefined ? new Digits(context.source) : value) as Reviver;
const textOf = (value: unknown): string =>
  value instanceof Digits ? value.source : typeof value === 'string' ? value : JSON.stringify(value);

/** Attributes of a JSON object text, by key. Text that is not an object gives none. */
export function readAttributes(json: string): Attribute[] {
  try {
    const parsed: unknown = JSON.parse(json || '{}', keepDigits);
    if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed) || parsed instanceof Digits) return [];
    return Object.entries(parsed)
      .map(([key, value]) => ({ key, value: textOf(value) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  } catch {
    return [];
  }
}
