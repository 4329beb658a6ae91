/** OTLP span kinds by number. */
export const SPAN_KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
/** OTLP status codes by number. */
export const STATUS_CODES = ['unset', 'ok', 'error'] as const;
