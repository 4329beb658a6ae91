/**
 * Filters to exactly one value, as they stand in addresses and query strings: entries with commas between, each
 * [-]SCOPE:KEY=VALUE with KEY and VALUE percent-encoded; "-" leaves the value out. Pure.
 */
export const FILTER_SCOPES = ['attribute', 'resource', 'field'] as const;
export interface ExactFilter {
  /** attribute: of the span or record; resource: of what sent it; field: a column of its own (SPAN_FIELDS, LOG_FIELDS). */
  readonly scope: (typeof FILTER_SCOPES)[number];
  readonly key: string;
  /** As text, the way the store holds it. */
  readonly value: string;
  readonly exclude: boolean;
}
/** Columns a filter of scope "field" may name. */
export const SPAN_FIELDS = ['service', 'name', 'status_message'] as const;
export const LOG_FIELDS = ['service', 'severity_text', 'body'] as const;
export const MAX_FILTERS = 20;

const entryOf = ({ scope, key, value, exclude }: ExactFilter): string =>
  `${exclude ? '-' : ''}${scope}:${encodeURIComponent(key)}=${encodeURIComponent(value)}`;
export const writeFilters = (filters: readonly ExactFilter[]): string => filters.map(entryOf).join(',');

/** null: not filters. '' is none. */
export function readFilters(text: string): ExactFilter[] | null {
  const filters: ExactFilter[] = [];
  for (const entry of text === '' ? [] : text.split(',')) {
    const parts = /^(-?)(attribute|resource|field):([^=]+)=(.*)$/.exec(entry);
    if (parts === null) return null;
    try {
      filters.push({
        scope: parts[2] as ExactFilter['scope'],
        key: decodeURIComponent(parts[3] ?? ''),
        value: decodeURIComponent(parts[4] ?? ''),
        exclude: parts[1] === '-',
      });
    } catch {
      return null;
    }
  }
  return filters.length <= MAX_FILTERS ? filters : null;
}
/** The filters with one more; what says the same or the opposite of it is gone. */
export function withFilter(filters: readonly ExactFilter[], more: ExactFilter): ExactFilter[] {
  const others = filters.filter(({ scope, key, value }) => scope !== more.scope || key !== more.key || value !== more.value);
  return [...others, more];
}
