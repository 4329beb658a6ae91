import { columnAt, type Room, TableColumns } from '#collectors/otlp/table-columns.ts';
import type { ColumnBatch, Dictionary } from '#contracts/columns.ts';
import { SAMPLES } from '#contracts/tables.ts';
import { HistogramRows } from './histogram-rows.ts';
import { ExemplarRows } from './metric-rows.ts';
import type { FamilyType } from './parse-exposition.ts';
import {
  described,
  FAMILY_SUFFIX,
  type Family,
  histogramKind,
  MAX_DESCRIPTION_CHARS,
  prometheusSeries,
  untypedKind,
} from './series-identity.ts';
import { CUSTOM_SCHEMA, GAUGE_HINT, type HistogramPoint } from './write-histogram.ts';
import { CUSTOM, EXPONENTIAL, FLOATS, readLabels } from './write-labels.ts';
import type { WriteReader, WriteSink } from './write-reader.ts';

const sample = (name: string): number => columnAt(SAMPLES.columns, name);
const S = {
  series: sample('series_id'),
  time: sample('time'),
  value: sample('value'),
  start: sample('start_time'),
  flags: sample('flags'),
};
/** OTLP data point flag: how it says what Prometheus says with the stale marker. */
const NO_RECORDED_VALUE = 1;
const TYPES: readonly FamilyType[] = ['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'];
/** A description costs memory as long as the engine lives; the largest senders describe a few thousand families. */
const MAX_FAMILIES = 100_000;
const NO_FAMILY: Family = { type: 'unknown', help: '', unit: '' };

/** Points of one remote write request as columns. */
export class WriteRows implements WriteSink {
  dictionary!: Dictionary;
  reader!: WriteReader;
  /** Families told that found no room, or whose name is too long to be kept. */
  familiesLost = 0;
  private readonly families = new Map<string, Family>();
  private readonly samples = new TableColumns(SAMPLES.columns);
  private readonly histograms = new HistogramRows();
  private exemplars = new ExemplarRows();
  private sampleRows = 0;
  private sampleSeries = 0;

  /** @param items samples and histograms expected */
  start(items: number, room: Room): void {
    this.sampleRows = 0;
    this.familiesLost = 0;
    this.samples.start(items + 1, room);
    this.histograms.start(room);
    this.exemplars = new ExemplarRows();
  }
  batches(): ColumnBatch[] {
    const batches: ColumnBatch[] = [];
    const noHeap = new Uint8Array(0);
    const { sampleRows } = this;
    if (sampleRows > 0)
      batches.push({ table: 'samples', rows: sampleRows, columns: this.samples.finish(sampleRows, new Map()), heap: noHeap });
    if (this.histograms.rows > 0) batches.push(this.histograms.batch());
    if (this.exemplars.rows > 0) batches.push(this.exemplars.batch());
    return batches;
  }

  open(): void {
    this.sampleSeries = 0;
  }
  sample(timeLo: number, timeHi: number, valueLo: number, valueHi: number, startLo: number, startHi: number): boolean {
    if (this.sampleSeries === 0) {
      this.sampleSeries = this.seriesId(FLOATS);
      if (this.sampleSeries === 0) return false;
    }
    const row = this.sampleRows++;
    this.samples.reserve(row);
    const { words, present } = this.samples;
    (words[S.series] as Uint32Array)[row] = this.sampleSeries;
    const times = words[S.time] as Uint32Array;
    times[row * 2] = timeLo;
    times[row * 2 + 1] = timeHi;
    const values = words[S.value] as Uint32Array;
    values[row * 2] = valueLo;
    values[row * 2 + 1] = valueHi;
    if (valueHi === 0x7ff00000 && valueLo === 2) (words[S.flags] as Uint32Array)[row] = NO_RECORDED_VALUE;
    if ((startLo | startHi) !== 0) {
      const starts = words[S.start] as Uint32Array;
      starts[row * 2] = startLo;
      starts[row * 2 + 1] = startHi;
      (present[S.start] as Uint8Array)[row] = 1;
    }
    return true;
  }

  histogram(point: HistogramPoint): boolean {
    const id = this.seriesId(point.schema === CUSTOM_SCHEMA ? CUSTOM : EXPONENTIAL, point.hint === GAUGE_HINT);
    if (id === 0) return false;
    this.histograms.push(id, point);
    return true;
  }

  exemplar(unixNano: bigint, value: number, labels: readonly (readonly [string, string])[]): boolean {
    const { labels: index } = this.reader;
    const known = index.id(index.entry, FLOATS) || index.id(index.entry, EXPONENTIAL) || index.id(index.entry, CUSTOM);
    const id = known || this.seriesId(FLOATS);
    if (id === 0) return false;
    this.exemplars.push(id, unixNano, value, labels);
    return true;
  }
  metadata(name: string, type: number, help: string, unit: string): void {
    if (name.length > MAX_DESCRIPTION_CHARS) this.familiesLost++;
    else if (!this.families.has(name) && this.families.size >= MAX_FAMILIES) this.familiesLost++;
    else this.families.set(name, { type: TYPES[type] as FamilyType, help: described(help), unit: described(unit) });
  }

  /** @returns 0 when the dictionary takes no more series */
  private seriesId(kind: number, isGauge = false): number {
    const { reader, dictionary } = this;
    const { labels: index } = reader;
    const entry = reader.entry;
    const known = index.id(entry, kind);
    if (known !== 0) return known;
    const labels = readLabels(reader.labelInput, reader.labelStart, reader.labelEnd);
    const name = labels.get('__name__') as string;
    const told = reader.type > 0;
    const family = told ? this.toldFamily() : this.learnedFamily(name);
    let id: number;
    if (kind === FLOATS) id = prometheusSeries(dictionary, labels, family, told ? undefined : untypedKind(family, name, labels));
    else {
      const type = kind === CUSTOM ? 'histogram' : 'exponential_histogram';
      id = prometheusSeries(dictionary, labels, family, histogramKind(type, isGauge || family.type === 'gaugehistogram'));
    }
    // A refused series is asked for again next time: the limit may have been raised.
    if (id !== 0) index.setId(entry, kind, id);
    return id;
  }
  private toldFamily(): Family {
    const { type, help, unit, symbols } = this.reader;
    return { type: TYPES[type] as FamilyType, help: symbols.text(help), unit: symbols.text(unit) };
  }
  private learnedFamily(name: string): Family {
    return this.families.get(name) ?? this.families.get(name.replace(FAMILY_SUFFIX, '')) ?? NO_FAMILY;
  }
}
