import type { Attributes, ResourceRow, ScopeRow, SeriesRow } from '#contracts/columns.ts';
import type { OtlpNaming } from '#contracts/settings.ts';
import { type NameOptions, prometheusLabelName, prometheusMetricName } from './otlp-names.ts';

/**
 * Labels an OTLP series has in PromQL ("Prometheus and OpenMetrics Compatibility" of the OpenTelemetry specification): the attributes of
 * its points, `job` and `instance` from the resource, the scope as otel_scope_*, and resource attributes as asked for. What of the
 * resource is on no series is on `target_info`.
 */
export interface LabelOptions extends NameOptions {
  /** Resource attributes that become labels of every series. */
  readonly promote: ReadonlySet<string> | 'all';
  readonly scopeLabels: boolean;
}
export function labelOptionsOf({ translation, promote }: OtlpNaming): LabelOptions {
  const utf8 = translation === 'NoUTF8EscapingWithSuffixes' || translation === 'NoTranslation';
  const suffixes = translation.endsWith('WithSuffixes');
  return { utf8, suffixes, namespace: '', promote: promote === 'all' ? promote : new Set(promote), scopeLabels: false };
}
/** Prometheus 3's names; where a series runs is on each. */
export const DEFAULT_NAMING: OtlpNaming = {
  translation: 'UnderscoreEscapingWithSuffixes',
  promote: ['service.version', 'deployment.environment.name'],
};
export type Labels = ReadonlyMap<string, string>;

/** Of the resource, in `job` and `instance`. */
const IDENTIFYING: ReadonlySet<string> = new Set(['service.name', 'service.namespace', 'service.instance.id']);

const attributeOf = ({ keys, values }: Attributes, key: string): string => values[keys.indexOf(key)] ?? '';
function addTarget(labels: Map<string, string>, { attributes }: Pick<ResourceRow, 'attributes'>): void {
  const [service, namespace, instance] = ['service.name', 'service.namespace', 'service.instance.id'].map((key) =>
    attributeOf(attributes, key),
  );
  if (service) labels.set('job', namespace ? `${namespace}/${service}` : service);
  if (instance) labels.set('instance', instance);
}
/** Keys that become one label have their values joined by ";", in the order of the keys. */
function labelsOf({ keys, values }: Attributes, options: Pick<NameOptions, 'utf8'>, takes: (key: string) => boolean): Map<string, string> {
  const labels = new Map<string, string>();
  for (const key of keys.filter(takes).sort()) {
    const name = prometheusLabelName(key, options);
    const value = values[keys.indexOf(key)] as string;
    // An empty value is no label, in Prometheus.
    if (name === '' || name === '__name__' || value === '') continue;
    const before = labels.get(name);
    labels.set(name, before === undefined ? value : `${before};${value}`);
  }
  return labels;
}

/**
 * @param scope null: none was sent
 * @returns all labels with `__name__`; null when nothing is left of the metric's name. A scraped series has the labels it came with.
 */
export function prometheusLabels(
  series: Pick<SeriesRow, 'metric' | 'type' | 'unit' | 'monotonic' | 'attributes' | 'source'>,
  resource: Pick<ResourceRow, 'attributes'>,
  scope: ScopeRow | null,
  options: LabelOptions,
): Labels | null {
  const { metric, type, unit, monotonic, attributes, source } = series;
  if (source === 'prometheus')
    return new Map([['__name__', metric], ...attributes.keys.map((key, i) => [key, attributes.values[i] as string] as const)]);
  const name = prometheusMetricName({ name: metric, unit, isCounter: type === 'sum' && monotonic, isGauge: type === 'gauge' }, options);
  if (name === null) return null;
  const labels = labelsOf(attributes, options, () => true);
  const { promote } = options;
  const promoted = labelsOf(resource.attributes, options, (key) => promote === 'all' || promote.has(key));
  for (const [key, value] of promoted) if (!labels.has(key)) labels.set(key, value);
  if (options.scopeLabels && scope) addScope(labels, scope, options);
  addTarget(labels, resource);
  return labels.set('__name__', name);
}
function addScope(labels: Map<string, string>, { name, version, schemaUrl, attributes }: ScopeRow, options: LabelOptions): void {
  const parts = { name, version, schema_url: schemaUrl };
  for (const [key, value] of Object.entries(parts)) if (value !== '') labels.set(`otel_scope_${key}`, value);
  for (const [key, value] of labelsOf(attributes, options, (each) => !Object.hasOwn(parts, each))) labels.set(`otel_scope_${key}`, value);
}

/** Labels of `target_info`, whose value is 1: the resource's attributes; null where it would say nothing or of no one. */
export function targetInfo(resource: Pick<ResourceRow, 'attributes'>, options: Pick<NameOptions, 'utf8'>): Labels | null {
  const labels = labelsOf(resource.attributes, options, (key) => !IDENTIFYING.has(key));
  const target = new Map<string, string>();
  addTarget(target, resource);
  return labels.size === 0 || target.size === 0 ? null : new Map([...labels, ...target, ['__name__', 'target_info']]);
}
