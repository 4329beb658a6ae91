import { z } from 'zod';
import type { ExpositionFormat } from './parse-exposition.ts';

/** Formats a target may be asked for, most wanted first, by their names in scrape_protocols. */
export const SCRAPE_PROTOCOLS = [
  'PrometheusProto',
  'OpenMetricsText1.0.0',
  'OpenMetricsText0.0.1',
  'PrometheusText1.0.0',
  'PrometheusText0.0.4',
] as const;
export type ScrapeProtocol = (typeof SCRAPE_PROTOCOLS)[number];

const MEDIA: Record<ScrapeProtocol, string> = {
  PrometheusProto: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  'OpenMetricsText1.0.0': 'application/openmetrics-text;version=1.0.0',
  'OpenMetricsText0.0.1': 'application/openmetrics-text;version=0.0.1',
  'PrometheusText1.0.0': 'text/plain;version=1.0.0',
  'PrometheusText0.0.4': 'text/plain;version=0.0.4',
};
const TEXT_PROTOCOLS: readonly ScrapeProtocol[] = ['OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText0.0.4'];
/** Native histograms exist in the protobuf format only: a job that wants them asks for it first, as in Prometheus. */
export const defaultProtocols = (nativeHistograms: boolean): readonly ScrapeProtocol[] =>
  nativeHistograms ? ['PrometheusProto', ...TEXT_PROTOCOLS] : TEXT_PROTOCOLS;

export const scrapeProtocolsSchema = z
  .array(z.enum(SCRAPE_PROTOCOLS))
  .min(1, 'names no protocol')
  .refine((list) => new Set(list).size === list.length, 'names a protocol twice');

/** The Accept header, weighted as Prometheus does (scrape.go acceptHeader). */
export function acceptHeader(protocols: readonly ScrapeProtocol[]): string {
  let weight = SCRAPE_PROTOCOLS.length + 1;
  const parts = protocols.map((protocol) => `${MEDIA[protocol]};q=0.${weight--}`);
  return [...parts, `*/*;q=0.${weight}`].join(',');
}

export type ScrapeFormat = ExpositionFormat | 'protobuf';
const isProtobuf = (type: string, parameters: readonly string[]): boolean =>
  type === 'application/vnd.google.protobuf' &&
  parameters.includes('proto=io.prometheus.client.metricfamily') &&
  parameters.includes('encoding=delimited');
/**
 * From the Content-Type header. What is not one of ours is read as `fallback`, and without one as the text format, as
 * Prometheus did before 3.0: an answer that is neither fails at its first line.
 */
export function formatOf(contentType: string, fallback?: string): ScrapeFormat {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim().replaceAll('"', ''));
  if (type === 'application/openmetrics-text') return 'openmetrics';
  if (isProtobuf(type, parameters)) return 'protobuf';
  if (type === 'text/plain' || fallback === undefined) return 'prometheus';
  return fallback === 'PrometheusProto' ? 'protobuf' : fallback.startsWith('OpenMetrics') ? 'openmetrics' : 'prometheus';
}
