export interface Attribute {
  readonly key: string;
  readonly value: string;
}
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Attributes of a JSON object text, by key. Text that is not an object gives none. */
export function readAttributes(json: string): Attribute[] {
  try {
    const parsed: unknown = JSON.parse(json || '{}');
    if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return [];
    return Object.entries(parsed)
      .map(([key, value]) => ({ key, value: textOf(value) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  } catch {
    return [];
  }
}
