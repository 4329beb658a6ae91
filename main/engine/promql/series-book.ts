import type { Attributes, MetricType } from '#contracts/columns.ts';
import type { OtlpNaming } from '#contracts/settings.ts';
import { DEFAULT_NAMING, type LabelOptions, labelOptionsOf, prometheusLabels, targetInfo } from '#query/otlp-series.ts';
import type { Matcher } from '#query/promql/ast.ts';
import { type Labels, labelOf, labelReader, labelsOf, setLabel } from '#query/promql/labels.ts';
import { valueTest } from '#query/promql/matching.ts';
import { numbers, type Queries, texts } from '#store/read/columns-of.ts';
import { seriesSinceSql } from '#store/sql/read/promql-sql.ts';
import { type SpanCounts, SpanSeries } from './span-counts.ts';

/** A stored series as PromQL knows it. Those of histograms and summaries are several: `labels` is what they have in common. */
export interface PromqlSeries {
  readonly id: number;
  readonly labels: Labels;
  readonly type: MetricType;
  readonly kind: SeriesKind;
  readonly source: 'otlp' | 'prometheus';
  readonly unit: string;
  readonly help: string;
  readonly isDelta: boolean;
  /** A sum that never falls but by reset. */
  readonly isMonotonic: boolean;
  /** Of kind `spans`. */
  readonly spans?: { readonly counts: SpanCounts; readonly of: 'totals' | 'bads' };
  /** Of kind `target`: ids of the resources it tells of. */
  readonly resources?: readonly number[];
}
/**
 * How its points are stored: as numbers, or as histograms, which PromQL sees as native ones or, OTLP's with bounds and summaries, as a classic
 * histogram's several series. Scraped classic histograms and summaries are numbers, whatever type they have. Not stored are
 * `spans`, which are counted, and `target`, a resource's target_info, whose times are those of the resource's points.
 */
export type SeriesKind = 'float' | 'native' | 'classic' | 'spans' | 'target';
const CHUNK = 20_000;
/** Names of the series one histogram or summary is. */
const PARTS: Readonly<Record<'histogram' | 'summary', readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};
/** Labels of all series there are, in memory: about 0.5 kB each. Series never change, so only new ones are read. */
export class SeriesBook {
  private readonly all: PromqlSeries[] = [];
  /** Nearly every selector names its metric: 600 of a rule pack looked at all series before. */
  private readonly byName = new Map<string, PromqlSeries[]>();
  /** By a label's value; 100 bytes a series. */
  private readonly byLabel = new Map<string, Map<string, PromqlSeries[]>>();
  private readonly texts = new Map<string, string>();
  private readonly names = new Map<string, readonly string[]>();
  /** By its labels. */
  private readonly targets = new Map<string, { readonly resources: number[] }>();
  private readonly resources = new Set<number>();
  private newestId = 0;
  private readonly store: Queries;
  private readonly options: LabelOptions;
  private reading: Promise<void> | null = null;
  private readonly spans = new SpanSeries();

  constructor(store: Queries, naming: OtlpNaming = DEFAULT_NAMING) {
    this.store = store;
    this.options = labelOptionsOf(naming);
  }
  /** Reads what is new. @param newest highest id there is: with it known already there is nothing to read */
  async refresh(newest = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.newestId >= newest) return;
    this.reading ??= this.readNew().finally(() => {
      this.reading = null;
    });
    await this.reading;
  }
  get size(): number {
    return this.all.length;
  }
  /** Series that fit all matchers; of histograms and summaries also those a matcher of `le` or `quantile` may fit in part. */
  select(matchers: readonly Matcher[]): PromqlSeries[] {
    const counted = this.spans.select(matchers);
    if (counted) return counted;
    const tests = matchers.map(testOf);
    return this.fewestFor(matchers).filter((series) =>
      series.kind === 'classic'
        ? namesOf(series).some((name) => tests.every((test) => test(series, name)))
        : tests.every((test) => test(series, null)),
    );
  }
  /** @param from how many of the first are left out */
  *entries(from = 0): IterableIterator<PromqlSeries> {
    for (let at = from; at < this.all.length; at++) yield this.all[at] as PromqlSeries;
  }

  /** Those of one matcher by which they are found. */
  private fewestFor(matchers: readonly Matcher[]): readonly PromqlSeries[] {
    let those: readonly PromqlSeries[] = this.all;
    for (const { name, operator, value } of matchers) {
      // A label that is not there is ''; values of buckets and quantiles are with the samples.
      if (operator !== '=' || value === '' || name === 'le' || name === 'quantile') continue;
      const some = (name === '__name__' ? this.byName.get(value) : this.byLabel.get(name)?.get(value)) ?? [];
      if (some.length < those.length) those = some;
    }
    return those;
  }
  private add(series: PromqlSeries): void {
    this.all.push(series);
    const { names, values } = series.labels;
    for (let i = 0; i < names.length; i++) {
      const [name, value] = [names[i] as string, values[i] as string];
      if (name === '__name__' || name === 'le' || name === 'quantile') continue;
      const byValue = this.byLabel.get(name) ?? new Map<string, PromqlSeries[]>();
      this.byLabel.set(name, byValue);
      const known = byValue.get(value);
      if (known) known.push(series);
      else byValue.set(value, [series]);
    }
    for (const name of namesOf(series)) {
      const known = this.byName.get(name);
      if (known) known.push(series);
      else this.byName.set(name, [series]);
    }
  }
  /** Each text there once, and lists of names: a third of the memory, and what is found out of a list of names holds for all that have it. */
  private shared({ names, values, key }: Labels): Labels {
    const one = (text: string): string => {
      const known = this.texts.get(text);
      if (known === undefined) this.texts.set(text, text);
      return known ?? text;
    };
    const list = names.join('\xff');
    const known = this.names.get(list) ?? names.map(one);
    this.names.set(list, known);
    return { names: known, values: values.map(one), key };
  }
  /** The first series of a resource brings what is said of the resource. */
  private addTarget(resourceId: number, resource: { readonly attributes: Attributes }): void {
    if (this.resources.has(resourceId)) return;
    this.resources.add(resourceId);
    const found = targetInfo(resource, this.options);
    if (!found) return;
    const labels = this.shared(labelsOf(found));
    const known = this.targets.get(labels.key);
    if (known) return void known.resources.push(resourceId);
    const target = { resources: [resourceId] };
    this.targets.set(labels.key, target);
    const about = { unit: '', help: 'Target metadata', isDelta: false, isMonotonic: false };
    this.add({ ...about, id: 0, labels, type: 'gauge', kind: 'target', source: 'otlp', resources: target.resources });
  }
  private async readNew(): Promise<void> {
    for (;;) {
      const result = await this.store.query(seriesSinceSql(this.newestId, CHUNK), [], { maxRows: CHUNK });
      const [ids, monotonic, resources] = [numbers(result, 'series_id'), numbers(result, 'monotonic'), numbers(result, 'resource_id')];
      const text = (name: string): readonly (string | null)[] => texts(result, name);
      const [metric, type, unit, help, temporality, source, numberType, attributes, resource] = [
        ...[text('metric'), text('type'), text('unit'), text('description')],
        ...[text('temporality'), text('source'), text('number_type'), text('attributes'), text('resource')],
      ] as const as readonly (readonly (string | null)[])[];
      for (let i = 0; i < result.rowCount; i++) {
        const of = (column: readonly (string | null)[] | undefined): string => column?.[i] ?? '';
        const row = {
          metric: of(metric),
          type: of(type) as MetricType,
          unit: of(unit),
          monotonic: monotonic[i] === 1,
          source: of(source) as 'otlp' | 'prometheus',
        };
        const about = { attributes: attributesOf(of(resource)) };
        const labels = prometheusLabels({ ...row, attributes: attributesOf(of(attributes)) }, about, null, this.options);
        const isDelta = of(temporality) === 'delta';
        // A name nothing is left of cannot be asked for.
        const kind = kindOf(row, of(numberType));
        this.add({
          ...{ id: ids[i] as number, labels: this.shared(labelsOf(labels ?? [])), type: row.type, kind, source: row.source },
          ...{ unit: row.unit, help: of(help), isDelta, isMonotonic: row.monotonic },
        });
        this.newestId = ids[i] as number;
        if (row.source === 'otlp') this.addTarget(resources[i] as number, about);
      }
      if (result.rowCount < CHUNK) return;
    }
  }
}
function attributesOf(json: string): Attributes {
  const entries = Object.entries(JSON.parse(json || '{}') as Record<string, string>);
  return { keys: entries.map(([key]) => key), values: entries.map(([, value]) => value), types: '' };
}
function kindOf({ type, source }: { readonly type: MetricType; readonly source: string }, numberType: string): SeriesKind {
  if (numberType !== '') return 'float';
  if (type === 'exponential_histogram') return 'native';
  if (type === 'histogram') return source === 'prometheus' ? 'native' : 'classic';
  return type === 'summary' ? 'classic' : 'float';
}
/** Metric names a series is found by. */
export function namesOf({ labels, type, kind }: PromqlSeries): readonly string[] {
  const name = labelOf(labels, '__name__');
  return kind === 'classic' ? PARTS[type as keyof typeof PARTS].map((part) => name + part) : [name];
}
/** A label whose values are with the samples. */
export const partLabel = ({ type, kind }: PromqlSeries): 'le' | 'quantile' | null =>
  kind !== 'classic' ? null : type === 'summary' ? 'quantile' : 'le';
/** Of histograms also the label each bucket or quantile has; its values are with the samples. */
export function allLabels(series: PromqlSeries): Labels[] {
  const label = partLabel(series);
  if (!label) return [series.labels];
  const [first = '', ...others] = namesOf(series);
  const part = setLabel(partLabels(series, first), label, '+Inf');
  return [part, ...others.map((name) => partLabels(series, name))];
}
export const partLabels = (series: PromqlSeries, name: string): Labels => setLabel(series.labels, '__name__', name);

/** @returns a test of a series, and of which of its names where it has several */
function testOf(matcher: Matcher): (series: PromqlSeries, metric: string | null) => boolean {
  const { name } = matcher;
  const fits = once(valueTest(matcher));
  const read = labelReader(name);
  return (series, metric) => {
    // Decided sample by sample.
    if (metric !== null && name === partLabel(series)) return true;
    return fits(metric !== null && name === '__name__' ? metric : read(series.labels));
  };
}
/** Expressions cost more than to remember what they said: values repeat. */
function once(test: (value: string) => boolean): (value: string) => boolean {
  const known = new Map<string, boolean>();
  return (value) => {
    const said = known.get(value) ?? test(value);
    known.set(value, said);
    return said;
  };
}
