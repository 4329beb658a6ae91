import type { Attributes, Dictionary, MetricType } from '#contracts/columns.ts';
import type { FamilyType } from './parse-exposition.ts';

/** A Prometheus series in the dictionary: the same one whether it was scraped or came by remote write. */
export interface Family {
  type: FamilyType;
  help: string;
  unit: string;
}
/** A series keeps its description for as long as it is known, and a family is described for each of its series. */
export const MAX_DESCRIPTION_CHARS = 1_024;
/** The text, cut, with memory of its own: a slice would hold all of what it was cut from, be it megabytes. */
export const described = (text: string): string =>
  text.length <= MAX_DESCRIPTION_CHARS ? text : Buffer.from(text.slice(0, MAX_DESCRIPTION_CHARS)).toString();
/** What a series is known by where its sender does not say its type (remote write 1.0), and native histograms. */
export interface SeriesKind {
  /** Part of the identity: must not depend on what is learned later. */
  readonly key: MetricType;
  readonly type: MetricType;
  readonly monotonic: boolean;
  readonly isHistogram: boolean;
}

const toAttributes = (labels: ReadonlyMap<string, string>): Attributes => {
  const keys = [...labels.keys()].filter((key) => key !== '__name__').sort();
  return { keys, values: keys.map((key) => labels.get(key) as string), types: 's'.repeat(keys.length) };
};
/** What a family's series add to its name. */
export const FAMILY_SUFFIX = /_(?:bucket|sum|count|total|created|info|gsum|gcount)$/;
const METRIC_TYPE: Record<FamilyType, MetricType> = {
  counter: 'sum',
  gauge: 'gauge',
  histogram: 'histogram',
  gaugehistogram: 'histogram',
  summary: 'summary',
  info: 'info',
  stateset: 'stateset',
  unknown: 'unknown',
  untyped: 'unknown',
};
const NO_ATTRIBUTES: Attributes = { keys: [], values: [], types: '' };

/** Cumulative parts of a family, by the name's ending; a bare quantile or gauge is not. */
const isMonotonic = (type: FamilyType, name: string): boolean =>
  type === 'counter' ? !name.endsWith('_created') : (type === 'histogram' || type === 'summary') && /_(?:bucket|sum|count)$/.test(name);

const kindOf = (family: Family, name: string): SeriesKind => {
  const type = METRIC_TYPE[family.type];
  return { key: type, type, monotonic: isMonotonic(family.type, name), isHistogram: false };
};
/** Kind of a series whose type came apart from it, or not at all: then a counter is known by its name, as OpenMetrics has it. */
export function untypedKind(family: Family, name: string, labels: ReadonlyMap<string, string>): SeriesKind {
  if (family.type !== 'unknown') return { ...kindOf(family, name), key: 'unknown' };
  if (name.endsWith('_total')) return { key: 'unknown', type: 'sum', monotonic: true, isHistogram: false };
  const isBucket = name.endsWith('_bucket') && labels.has('le');
  return { key: 'unknown', type: isBucket ? 'histogram' : 'unknown', monotonic: isBucket, isHistogram: false };
}
/** @param isGauge its counts may go down */
export const histogramKind = (type: 'exponential_histogram' | 'histogram', isGauge: boolean): SeriesKind => ({
  key: type,
  type,
  monotonic: !isGauge,
  isHistogram: true,
});

/** @returns 0 when the dictionary takes no more series */
export function prometheusSeries(dictionary: Dictionary, labels: ReadonlyMap<string, string>, family: Family, as?: SeriesKind): number {
  const name = labels.get('__name__') ?? '';
  const attributes = toAttributes(labels);
  const { key: typeKey, type, monotonic, isHistogram } = as ?? kindOf(family, name);
  const service = labels.get('service_name') ?? labels.get('job') ?? '';
  const key = `prom\0${name}\0${typeKey}\0${attributes.keys.map((k, i) => `${k}\0${attributes.values[i]}`).join('\0')}`;
  return dictionary.series(key, () => ({
    metric: name,
    type,
    unit: described(family.unit),
    description: described(family.help),
    temporality: monotonic ? 'cumulative' : '',
    monotonic: monotonic && !isHistogram,
    numberType: isHistogram ? '' : 'd',
    source: 'prometheus',
    service,
    attributes,
    metadata: NO_ATTRIBUTES,
    resourceId: resourceId(dictionary, labels),
    scopeId: 0,
  }));
}

/** The target as a resource, so that metrics join traces and logs on service and instance. */
function resourceId(dictionary: Dictionary, labels: ReadonlyMap<string, string>): number {
  const service = labels.get('service_name') ?? labels.get('job') ?? '';
  const instance = labels.get('instance') ?? '';
  const pairs: [string, string][] = [
    ['service.name', service],
    ['service.instance.id', instance],
  ];
  const host = labels.get('host_name') ?? labels.get('node');
  if (host) pairs.push(['host.name', host]);
  // In the order in which the OTLP decoder keeps them: another console this is forwarded to stores the same.
  const sorted = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
  return dictionary.resource(`prom\0${pairs.map(([k, v]) => `${k}\0${v}`).join('\0')}`, () => ({
    service,
    serviceNamespace: null,
    serviceInstanceId: instance,
    serviceVersion: null,
    attributes: { keys: sorted.map(([k]) => k), values: sorted.map(([, v]) => v), types: 's'.repeat(sorted.length) },
    droppedAttributesCount: 0,
    schemaUrl: '',
    entityRefs: '',
  }));
}
