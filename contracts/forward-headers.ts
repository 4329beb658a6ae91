/** What forwarding and receiving consoles say to each other beside OTLP. Without zod: the way in must start fast. */
/** Stable over retries and restarts: INSTANCE.POSITION.ARRIVAL.SIGNAL, see batchIdOf in exporters/otlp. */
export const BATCH_ID_HEADER = 'faultline-batch-id';
/** When the forwarding console took the body in, Unix nanoseconds: items without a time of their own keep that one. */
export const ARRIVAL_HEADER = 'faultline-arrival-unix-nano';
/**
 * Metric.metadata key under which OpenTelemetry keeps the type a metric had in Prometheus; number data points with it are
 * Prometheus series as they were scraped, and a receiving Faultline stores them as such.
 */
export const PROMETHEUS_TYPE_KEY = 'prometheus.type';
export const PROMETHEUS_TYPES = {
  counter: 'sum',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  unknown: 'unknown',
  info: 'info',
  stateset: 'stateset',
} as const;
/** What the engine's own rules write: counted under a source of this name. */
export const RULES_SOURCE = 'rules';
/** Anything else in the header is refused: an id nobody can compare would store every repeat. */
export const BATCH_ID = /^[A-Za-z0-9_-]{1,40}(?:\.[A-Za-z0-9_-]{1,40}){1,4}$/;
/** Meta of a journal record that came with a batch id. */
export interface BatchMeta {
  readonly batch: string;
}
