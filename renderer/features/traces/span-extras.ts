import { type Attribute, readAttributes } from '../../lib/attributes.ts';

export interface SpanEvent {
  readonly name: string;
  /** Time of day as the engine wrote it. */
  readonly time: string;
  readonly attributes: readonly Attribute[];
}
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: readonly Attribute[];
}
type Loose = Readonly<Record<string, unknown>>;
function list(json: string): Loose[] {
  try {
    const parsed: unknown = JSON.parse(json || '[]');
    return Array.isArray(parsed) ? parsed.filter((item): item is Loose => item !== null && typeof item === 'object') : [];
  } catch {
    return [];
  }
}
const attributesOf = (item: Loose): Attribute[] => readAttributes(JSON.stringify(item['attributes'] ?? {}));
const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

/** Events of events_json; anything else is none. */
export const readEvents = (json: string): SpanEvent[] =>
  list(json).map((item) => ({ name: text(item['name']), time: text(item['time']).slice(11, 23), attributes: attributesOf(item) }));
/** Links of links_json; anything else is none. */
export const readLinks = (json: string): SpanLink[] =>
  list(json).map((item) => ({ traceId: text(item['trace_id']), spanId: text(item['span_id']), attributes: attributesOf(item) }));
