import type { Attributes, Dictionary, MetricType, SeriesRow } from '#contracts/columns.ts';
import { PROMETHEUS_TYPE_KEY, PROMETHEUS_TYPES } from '#contracts/forward-headers.ts';
import { attributeParts, attributesOf, identityOf } from './attribute-list.ts';
import { ByteIndex } from './byte-index.ts';
import { type Notes, noteAgain, notesOf, type Origin, UNKNOWN_SERVICE } from './decode-origin.ts';
import type { Decoding } from './decoding.ts';

/** A Metric message taken apart as far as its series need it. */
export interface MetricHead {
  /** The whole message. */
  start: number;
  end: number;
  nameStart: number;
  nameEnd: number;
  unitStart: number;
  unitEnd: number;
  descriptionStart: number;
  descriptionEnd: number;
  type: MetricType;
  temporality: SeriesRow['temporality'];
  monotonic: boolean;
  /** Tag of the attributes in its data points. */
  attributesTag: number;
}
interface MetricEntry {
  readonly nameEntry: number;
  readonly unitEntry: number;
  readonly resourceId: number;
  readonly scopeId: number;
  readonly type: MetricType;
  readonly temporality: string;
  readonly monotonic: boolean;
  /** Metric that came after this one last time. */
  next: number;
}
const MAX_SERIES_BYTES = 128 * 1024 * 1024;
const MAX_SERIES = 1_000_000;
const MAX_NAME_BYTES = 16 * 1024 * 1024;
const METADATA_TAG = 0x62;
const UNCACHED = -1;
const NO_METADATA: Attributes = { keys: [], values: [], types: '' };

/** Type of a number metric that says it is a Prometheus series as scraped (another Faultline forwarded it); else null. */
function prometheusType({ type }: MetricHead, { keys, values, types }: Attributes): MetricType | null {
  if (keys.length !== 1 || keys[0] !== PROMETHEUS_TYPE_KEY || types !== 's' || (type !== 'gauge' && type !== 'sum')) return null;
  const told = values[0] as string;
  return Object.hasOwn(PROMETHEUS_TYPES, told) ? PROMETHEUS_TYPES[told as keyof typeof PROMETHEUS_TYPES] : null;
}

/**
 * Series ids by the bytes of a data point's attributes under its metric. A sender repeats the same series in the same
 * order, so the series that followed last time is compared first; only a surprise is hashed, and only a series never
 * seen is turned into text and asked of the dictionary.
 */
export class SeriesIndex {
  private readonly names = new ByteIndex(MAX_NAME_BYTES);
  private readonly series = new ByteIndex(MAX_SERIES_BYTES);
  private metrics: MetricEntry[] = [];
  private metricNumbers = new Map<string, number>();
  private ids = new Uint32Array(1024);
  private nextSeries = new Int32Array(1024);
  private notes = new Map<number, Notes>();
  private lastMetric = UNCACHED;
  private metric = UNCACHED;
  private last = UNCACHED;

  forgetIfFull(): void {
    if (!this.series.isFull && !this.names.isFull && this.series.count < MAX_SERIES) return;
    this.names.clear();
    this.series.clear();
    this.metrics = [];
    this.metricNumbers = new Map();
    this.notes = new Map();
    this.lastMetric = UNCACHED;
    this.last = UNCACHED;
  }

  /** Points asked for from now on belong to this metric. */
  openMetric(d: Decoding, head: MetricHead, origin: Origin): void {
    const expected = this.lastMetric < 0 ? UNCACHED : (this.metrics[this.lastMetric] as MetricEntry).next;
    if (expected >= 0 && this.isMetric(expected, d, head, origin)) this.metric = expected;
    else this.metric = this.numberOfMetric(d, head, origin);
    if (this.lastMetric >= 0) (this.metrics[this.lastMetric] as MetricEntry).next = this.metric;
    this.lastMetric = this.metric;
  }
  private isMetric(number: number, d: Decoding, head: MetricHead, origin: Origin): boolean {
    const entry = this.metrics[number] as MetricEntry;
    return (
      entry.resourceId === origin.resourceId &&
      entry.scopeId === origin.scopeId &&
      entry.type === head.type &&
      entry.temporality === head.temporality &&
      entry.monotonic === head.monotonic &&
      this.names.matches(entry.nameEntry, d.view, head.nameStart, head.nameEnd - head.nameStart, 0) &&
      this.names.matches(entry.unitEntry, d.view, head.unitStart, head.unitEnd - head.unitStart, 0)
    );
  }
  private numberOfMetric(d: Decoding, head: MetricHead, { resourceId, scopeId }: Origin): number {
    const { type, temporality, monotonic } = head;
    const nameEntry = this.numberOfName(d, head.nameStart, head.nameEnd - head.nameStart);
    const unitEntry = this.numberOfName(d, head.unitStart, head.unitEnd - head.unitStart);
    if (nameEntry < 0 || unitEntry < 0) return UNCACHED;
    const key = `${nameEntry} ${unitEntry} ${resourceId} ${scopeId} ${type} ${temporality} ${monotonic}`;
    const known = this.metricNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.metrics.length;
    this.metrics.push({ nameEntry, unitEntry, resourceId, scopeId, type, temporality, monotonic, next: UNCACHED });
    this.metricNumbers.set(key, number);
    return number;
  }
  private numberOfName(d: Decoding, start: number, length: number): number {
    const known = this.names.find(d.view, start, length, 0);
    return known >= 0 ? known : this.names.add(d.bytes, d.view, start, length, 0);
  }

  /**
   * Series of a point whose attribute fields are exactly the bytes [start, end).
   * @returns 0 when the dictionary takes no more series
   */
  seriesOf(
    d: Decoding,
    start: number,
    end: number,
    head: MetricHead,
    origin: Origin,
    dictionary: Dictionary,
    number: 'i' | 'd' | '',
  ): number {
    const { metric, last } = this;
    if (metric < 0) return this.newSeries(d, start, end, head, origin, dictionary, number);
    const length = end - start;
    let entry = last < 0 ? UNCACHED : (this.nextSeries[last] as number);
    if (entry < 0 || !this.series.matches(entry, d.view, start, length, metric)) {
      entry = this.series.find(d.view, start, length, metric);
      if (entry < 0) return this.addSeries(d, start, end, head, origin, dictionary, number);
      if (last >= 0) this.nextSeries[last] = entry;
    }
    this.last = entry;
    if (this.notes.size > 0) noteAgain(d, this.notes.get(entry) ?? null);
    return this.ids[entry] as number;
  }

  /** The same, only where it is the series that followed last time. @returns 0 when it is not */
  expected(d: Decoding, start: number, end: number): number {
    const { metric, last } = this;
    const entry = last < 0 ? UNCACHED : (this.nextSeries[last] as number);
    if (metric < 0 || entry < 0 || !this.series.matches(entry, d.view, start, end - start, metric)) return 0;
    this.last = entry;
    if (this.notes.size > 0) noteAgain(d, this.notes.get(entry) ?? null);
    return this.ids[entry] as number;
  }

  private addSeries(
    d: Decoding,
    start: number,
    end: number,
    head: MetricHead,
    origin: Origin,
    dictionary: Dictionary,
    number: 'i' | 'd' | '',
  ): number {
    const { value: id, notes } = notesOf(d, () => this.newSeries(d, start, end, head, origin, dictionary, number));
    // A refused series is asked for again next time: the limit may have been raised.
    if (id === 0) return 0;
    const entry = this.series.add(d.bytes, d.view, start, end - start, this.metric);
    if (entry < 0) return id;
    if (entry >= this.ids.length) this.grow();
    this.ids[entry] = id;
    this.nextSeries[entry] = UNCACHED;
    if (notes) this.notes.set(entry, notes);
    if (this.last >= 0) this.nextSeries[this.last] = entry;
    this.last = entry;
    return id;
  }

  private newSeries(
    d: Decoding,
    start: number,
    end: number,
    head: MetricHead,
    origin: Origin,
    dictionary: Dictionary,
    number: 'i' | 'd' | '',
  ): number {
    const attributes = attributesOf(d, start, end, head.attributesTag);
    // Before the dictionary is asked: an irregular form must not surface in the middle of its work.
    const metadata = attributesOf(d, head.start, head.end, METADATA_TAG);
    const metric = d.text(head.nameStart, head.nameEnd);
    const unit = d.text(head.unitStart, head.unitEnd);
    const { temporality, monotonic } = head;
    const scraped = prometheusType(head, metadata);
    const type = scraped ?? head.type;
    const { resourceId, scopeId, service } = origin;
    const identity = ['otlp', metric, unit, type, temporality, String(monotonic), String(resourceId), String(scopeId)];
    return dictionary.series(identityOf([...identity, ...attributeParts(attributes)]), () => ({
      metric,
      type,
      unit,
      description: d.text(head.descriptionStart, head.descriptionEnd),
      temporality,
      monotonic,
      numberType: number,
      source: scraped === null ? 'otlp' : 'prometheus',
      // A Prometheus series without a job is of no service, here as where it was written first.
      service: scraped !== null && service === UNKNOWN_SERVICE ? '' : service,
      attributes,
      metadata: scraped === null ? metadata : NO_METADATA,
      resourceId,
      scopeId,
    }));
  }

  private grow(): void {
    const [ids, next] = [new Uint32Array(this.ids.length * 2), new Int32Array(this.ids.length * 2)];
    ids.set(this.ids);
    next.set(this.nextSeries);
    this.ids = ids;
    this.nextSeries = next;
  }
}
