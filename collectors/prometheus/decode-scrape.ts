import { acceptTime, type TimeVerdict } from '#contracts/accept-time.ts';
import type { ColumnBatch, DecodedRecord, Dictionary } from '#contracts/columns.ts';
import type { JournalRecord, ScrapeMeta } from '#contracts/journal.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';
import { HistogramRows } from './histogram-rows.ts';
import { ExemplarRows, SampleRows } from './metric-rows.ts';
import { type ExpositionFormat, type FamilyType, parseExposition } from './parse-exposition.ts';
import { type FamilyExemplar, type FamilySeries, parseFamilies } from './parse-families.ts';
import { formatOf, type ScrapeFormat } from './scrape-protocols.ts';
import { BEYOND_LIMIT, forget, type KnownSeries, mergeLabels, overLabelLimit, stateOf, type TargetState } from './scrape-series.ts';
import { FAMILY_SUFFIX, type Family, histogramKind, prometheusSeries } from './series-identity.ts';
import { parseSeries } from './series-text.ts';
import { readTextExemplar } from './text-exemplar.ts';
import { GAUGE_HINT, HistogramPoint } from './write-histogram.ts';

/**
 * One scrape attempt -> sample rows: labels merged with the target's, metric relabeling, `up` and the scrape's own
 * series, staleness of series that went away. A scrape counts as a whole: a bad line or too many samples and only
 * `up 0` remains, as Prometheus does.
 *
 * What a target showed last time is kept per dictionary, so that an unchanged series costs one memcmp. Rows of the
 * body come first and stale markers last: a replay that starts later may miss markers but never shifts rows.
 */
export interface ScrapeContext {
  readonly dictionary: Dictionary;
  readonly limits: Limits;
}
/** A description costs memory while its scrape is read; the largest exporters describe a few thousand. */
const MAX_FAMILIES = 100_000;
/** Prometheus' stale marker: a NaN with this payload (value/value.go). */
export const STALE_NAN_BITS = 0x7ff0000000000002n;
const equalBytes = (raw: Uint8Array, body: Uint8Array, start: number): boolean => {
  for (let i = 0; i < raw.length; i++) if (raw[i] !== body[start + i]) return false;
  return true;
};
/** No text of UTF-16 units takes more than three bytes a unit: most need no counting. */
const tooLong = (text: string, maxBytes: number): boolean => text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
const bump = (counts: Map<string, number>, reason: string, by = 1): void => void counts.set(reason, (counts.get(reason) ?? 0) + by);

const UNTYPED: Family = { type: 'unknown', help: '', unit: '' };
/** Buckets of all histograms of a scrape, gaps filled. */
const MAX_SCRAPE_BUCKETS = 4 * 1_048_576;

/** A scrape that breaks a limit of its job fails whole, and says which. */
class LimitError extends Error {
  readonly reason: ReasonCode;
  constructor(reason: ReasonCode, message: string) {
    super(message);
    this.reason = reason;
  }
}

class Scrape {
  readonly samples = new SampleRows();
  readonly exemplars = new ExemplarRows();
  histograms: HistogramRows | null = null;
  readonly dropped = new Map<string, number>();
  readonly noted = new Map<string, number>();
  readonly families = new Map<string, Family>();
  readonly order: KnownSeries[] = [];
  /** Told of the scrape, also when it fails half-way: scrape_samples_scraped, ..._post_metric_relabeling, scrape_series_added. */
  scraped = 0;
  kept = 0;
  added = 0;
  private next = 0;
  private buckets = 0;
  /** Set by predict for the line under way. */
  private predicted: KnownSeries | null = null;
  private readonly timeNs: bigint;
  private readonly state: TargetState;
  private readonly meta: ScrapeMeta;
  private readonly record: JournalRecord;
  private readonly context: ScrapeContext;

  constructor(state: TargetState, meta: ScrapeMeta, record: JournalRecord, context: ScrapeContext) {
    this.state = state;
    this.meta = meta;
    this.record = record;
    this.context = context;
    this.timeNs = BigInt(meta.scrapeUnixMs) * 1_000_000n;
    state.scrapes++;
  }

  /** Throws when the exposition is malformed or over a limit of its job; the caller falls back to `up 0`. */
  read(body: Uint8Array, format: ScrapeFormat): void {
    const { bodyLimit = 0, sampleLimit } = this.meta;
    if (bodyLimit > 0 && body.length >= bodyLimit)
      throw new LimitError('body_size_limit', `body_size_limit: the exposition has ${body.length} bytes, the limit is ${bodyLimit}`);
    if (format === 'protobuf') this.readFamilies(body);
    else this.readText(body, format);
    // Told at the end, so that the figures about the scrape are those of all of it.
    if (sampleLimit > 0 && this.kept > sampleLimit)
      throw new LimitError('sample_limit', `more than sample_limit ${sampleLimit} samples: there are ${this.kept}`);
    this.state.lastGood = this.state.scrapes;
  }
  private readText(body: Uint8Array, format: ExpositionFormat): void {
    parseExposition(body, format, {
      metadata: (name, kind, text) => {
        const family = this.family(name);
        if (!family) return;
        if (kind === 'type') family.type = text as FamilyType;
        else if (kind === 'help') family.help = text;
        else family.unit = text;
      },
      predict: (bytes, start, lineEnd) => {
        this.predicted = null;
        const expected = this.state.order[this.next];
        if (!expected) return -1;
        const end = start + expected.raw.length;
        const after = bytes[end];
        if (end >= lineEnd || (after !== 32 && after !== 9) || !equalBytes(expected.raw, bytes, start)) return -1;
        this.predicted = expected;
        return end;
      },
      sample: (bytes, start, end, value, timestampMs, exemplarStart, lineEnd) => {
        this.scraped++;
        const series = this.textSeries(bytes, start, end);
        if (series.seriesId === 0) return;
        this.kept++;
        this.add(series, value, timestampMs, 0n);
        if (exemplarStart >= 0) this.textExemplar(series, bytes, exemplarStart, lineEnd);
      },
    });
  }
  private readFamilies(body: Uint8Array): void {
    const options = { classic: this.meta.classicHistograms === true, native: this.meta.noNativeHistograms !== true };
    parseFamilies(
      body,
      {
        family: (name, type, help, unit) => void Object.assign(this.family(name) ?? {}, { type, help, unit }),
        sample: (from, value, timestampMs, startNano, exemplar) => {
          this.scraped++;
          const series = this.familySeries(from, null);
          if (series.seriesId === 0) return;
          this.kept++;
          this.add(series, value, timestampMs, startNano);
          if (exemplar) this.exemplar(series, exemplar);
        },
        histogram: (from, point, timestampMs, startNano, exemplars) => {
          this.scraped++;
          const series = this.familySeries(from, point);
          if (series.seriesId === 0) return;
          this.kept++;
          this.addHistogram(series, from.name, point, timestampMs, startNano);
          for (const exemplar of exemplars) this.exemplar(series, exemplar);
        },
      },
      options,
    );
  }

  /** null: the scrape describes more families than any does, and this one's description is not kept. */
  private family(name: string): Family | null {
    let family = this.families.get(name);
    if (!family) {
      if (this.families.size >= MAX_FAMILIES) {
        bump(this.noted, 'too_many_families');
        return null;
      }
      family = { ...UNTYPED };
      this.families.set(name, family);
    }
    return family;
  }

  private textSeries(bytes: Uint8Array, start: number, end: number): KnownSeries {
    let series = this.predicted;
    if (!series) {
      const key = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
      series =
        this.known(key) ??
        (() => {
          const { name, labels } = parseSeries(bytes, start, end);
          // A copy: the journal reader lends the body's memory, and `slice` of a Buffer is no copy.
          return this.learn(name, labels, key, Uint8Array.from(bytes.subarray(start, end)), null);
        })();
      this.resync(series);
    }
    this.next++;
    return this.meet(series);
  }
  private familySeries(from: FamilySeries, point: HistogramPoint | null): KnownSeries {
    const { key } = from;
    return this.meet(this.known(key) ?? this.learn(from.name, from.labels(), key, BEYOND_LIMIT.raw, point));
  }
  private meet(series: KnownSeries): KnownSeries {
    series.metAt = this.state.scrapes;
    this.order.push(series);
    return series;
  }
  private known(key: string): KnownSeries | undefined {
    const series = this.state.known.get(key);
    // Prometheus forgets what was not part of the last good scrape: when it comes back it counts as added.
    if (series && series.seriesId !== 0 && series.metAt < this.state.lastGood) this.countAdded();
    return series;
  }
  /** Resumes prediction after `series`: one added or removed line must not end it. Bounded, so never quadratic. */
  private resync(series: KnownSeries): void {
    const stop = Math.min(this.next + 64, this.state.order.length);
    for (let at = this.next; at < stop; at++) {
      if (this.state.order[at] !== series) continue;
      this.next = at;
      return;
    }
    this.next--;
  }

  private learn(
    name: string,
    own: readonly (readonly [string, string])[],
    key: string,
    raw: Uint8Array,
    point: HistogramPoint | null,
  ): KnownSeries {
    const labels = this.state.relabel(mergeLabels(name, own, this.meta));
    let id = 0;
    if (labels && labels.size > 0) {
      if (!labels.get('__name__')) throw new Error(`relabeling leaves a series of ${name} no metric name (__name__)`);
      const over = overLabelLimit(labels, this.meta);
      if (over !== '') throw new LimitError('label_limit', over);
      const beyond = this.beyondLimit(labels);
      if (beyond) {
        bump(this.dropped, beyond);
        return BEYOND_LIMIT;
      }
      id = this.identify(name, labels, point);
      if (id === 0) {
        bump(this.dropped, 'too_many_series');
        return BEYOND_LIMIT;
      }
      this.countAdded();
    }
    const series: KnownSeries = { raw, key, seriesId: id, isHistogram: point !== null, metAt: 0, seenAt: 0, stamped: false };
    this.state.known.set(key, series);
    return series;
  }
  /** Those beyond sample_limit are not. */
  private countAdded(): void {
    const { sampleLimit } = this.meta;
    if (sampleLimit === 0 || this.kept < sampleLimit) this.added++;
  }
  private identify(name: string, labels: ReadonlyMap<string, string>, point: HistogramPoint | null): number {
    const family = this.families.get(name) ?? this.families.get(name.replace(FAMILY_SUFFIX, '')) ?? UNTYPED;
    const kind = point ? histogramKind('exponential_histogram', point.hint === GAUGE_HINT) : undefined;
    return prometheusSeries(this.context.dictionary, labels, family, kind);
  }

  private beyondLimit(labels: ReadonlyMap<string, string>): ReasonCode | null {
    const { maxAttributes, maxAttributeBytes } = this.context.limits;
    if (labels.size > maxAttributes + 1) return 'too_many_labels';
    for (const [name, value] of labels) if (tooLong(name, maxAttributeBytes) || tooLong(value, maxAttributeBytes)) return 'label_too_long';
    return null;
  }

  /** @returns its time, null when the sample is not kept */
  private accept(series: KnownSeries, timestampMs: number): bigint | null {
    const own = this.meta.honorTimestamps && !Number.isNaN(timestampMs);
    if (series.seenAt === this.state.scrapes && !own) {
      bump(this.dropped, 'duplicate_sample');
      return null;
    }
    series.seenAt = this.state.scrapes;
    series.stamped = own && this.meta.trackTimestampsStaleness !== true;
    const timeNs = own ? BigInt(Math.round(timestampMs * 1000)) * 1000n : this.timeNs;
    const verdict = own ? this.verdictOn(timeNs) : 'ok';
    if (verdict === 'ok') return timeNs;
    bump(this.dropped, verdict);
    return null;
  }
  private add(series: KnownSeries, value: number, timestampMs: number, startNano: bigint): void {
    const timeNs = this.accept(series, timestampMs);
    if (timeNs !== null) this.samples.push(series.seriesId, timeNs, value, startNano);
  }
  private addHistogram(series: KnownSeries, name: string, point: HistogramPoint, timestampMs: number, startNano: bigint): void {
    const reason = point.judge();
    if (reason === 'invalid_histogram') throw new Error(`native histogram ${name}: ${point.problem}`);
    if (reason !== '') {
      bump(this.dropped, reason);
      return;
    }
    this.buckets += point.positive.width + point.negative.width;
    if (this.buckets > MAX_SCRAPE_BUCKETS) throw new Error(`the native histograms span more than ${MAX_SCRAPE_BUCKETS} buckets`);
    const timeNs = this.accept(series, timestampMs);
    if (timeNs !== null) this.pushHistogram(series.seriesId, point, timeNs, startNano);
  }
  private pushHistogram(seriesId: number, point: HistogramPoint, timeNs: bigint, startNano: bigint): void {
    if (!this.histograms) {
      this.histograms = new HistogramRows();
      this.histograms.start({ bodyLength: this.record.body.length + 64, isLent: false });
    }
    const halves = (time: bigint): readonly [number, number] => [Number(time & 0xffff_ffffn), Number((time >> 32n) & 0xffff_ffffn)];
    [point.timeLo, point.timeHi] = halves(timeNs);
    [point.startLo, point.startHi] = halves(startNano);
    this.histograms.push(seriesId, point);
  }

  private verdictOn(timeNs: bigint): TimeVerdict {
    return timeNs < 0n ? 'time_too_old' : acceptTime(timeNs, this.record.receivedUnixNano, this.record.retentionSeconds);
  }

  private textExemplar(series: KnownSeries, bytes: Uint8Array, start: number, lineEnd: number): void {
    const { labels, value, unixMicros } = readTextExemplar(bytes, start, lineEnd, true);
    this.exemplar(series, { labels, value, timeNano: unixMicros === null ? null : BigInt(unixMicros) * 1000n });
  }
  private exemplar(series: KnownSeries, { labels, value, timeNano }: FamilyExemplar): void {
    const timeNs = timeNano ?? this.timeNs;
    if (this.verdictOn(timeNs) === 'ok') this.exemplars.push(series.seriesId, timeNs, value, labels);
    else bump(this.noted, 'exemplar_time');
  }

  /** Series of the last scrape that are gone (or all of them, after a failure) get a stale marker. */
  markStale(failed: boolean): void {
    const { scrapes, order } = this.state;
    // Under another text, as after a change of format, a series may be there all the same.
    let present: Set<number> | null = null;
    for (const series of order) {
      if (series.seriesId === 0 || series.stamped || series.seenAt === 0 || (!failed && series.seenAt === scrapes)) continue;
      present ??= new Set(failed ? [] : this.order.filter(({ seenAt }) => seenAt === scrapes).map(({ seriesId }) => seriesId));
      if (!present.has(series.seriesId)) this.pushStale(series);
      series.seenAt = 0;
    }
    this.state.order = failed ? [] : this.order;
    if (this.state.known.size > 2 * this.state.order.length + 1000) {
      this.state.known.clear();
      for (const series of this.state.order) this.state.known.set(series.key, series);
    }
  }
  private pushStale(series: KnownSeries): void {
    if (!series.isHistogram) {
      this.samples.pushStale(series.seriesId, this.timeNs, STALE_NAN_BITS);
      return;
    }
    const point = new HistogramPoint();
    [point.sumLo, point.sumHi] = [2, 0x7ff00000];
    this.pushHistogram(series.seriesId, point, this.timeNs, 0n);
  }

  /** up, scrape_duration_seconds and friends, as Prometheus writes them. @param told null: the target is gone, they end too */
  report(told: { readonly up: boolean; readonly scraped: number; readonly kept: number; readonly added: number } | null): void {
    const rows: readonly (readonly [string, number])[] = [
      ['up', told?.up ? 1 : 0],
      ['scrape_duration_seconds', this.meta.durationSeconds],
      ['scrape_samples_scraped', told?.scraped ?? 0],
      ['scrape_samples_post_metric_relabeling', told?.kept ?? 0],
      ['scrape_series_added', told?.added ?? 0],
    ];
    for (const [name, value] of rows) {
      let id = this.state.meta.get(name);
      if (id === undefined) {
        const labels = new Map([...Object.entries(this.meta.labels), ['__name__', name] as const]);
        id = prometheusSeries(this.context.dictionary, labels, { type: 'gauge', help: '', unit: '' });
        this.state.meta.set(name, id);
      }
      if (id === 0) continue;
      if (told) this.samples.push(id, this.timeNs, value);
      else this.samples.pushStale(id, this.timeNs, STALE_NAN_BITS);
    }
  }
}
const NOTHING = { scraped: 0, kept: 0, added: 0 };

/** @param record body already decompressed. Never throws for what a target sent. */
export function decodeScrape(record: JournalRecord, context: ScrapeContext): DecodedRecord {
  const meta = JSON.parse(record.meta) as ScrapeMeta;
  const state = stateOf(context.dictionary, record, meta);
  let scrape = new Scrape(state, meta, record, context);
  let told: { up: boolean; scraped: number; kept: number; added: number } | null = { up: meta.up, ...NOTHING };
  let problem = '';
  if (meta.up) {
    try {
      scrape.read(record.body, formatOf(meta.contentType, meta.fallbackProtocol));
      told = { up: true, scraped: scrape.scraped, kept: scrape.kept, added: scrape.added };
    } catch (error) {
      // What was counted up to there is told, as Prometheus does; of the rows none is kept.
      told = { up: false, scraped: scrape.scraped, kept: scrape.kept, added: scrape.added };
      problem = (error as Error).message;
      scrape = new Scrape(state, meta, record, context);
      bump(scrape.dropped, error instanceof LimitError ? error.reason : 'scrape_malformed');
    }
  }
  if (meta.ended) told = null;
  scrape.report(told);
  scrape.markStale(told?.up !== true);
  if (told === null) forget(context.dictionary, record, meta);
  const batches: ColumnBatch[] = [scrape.samples.batch()];
  if (scrape.histograms) batches.push(scrape.histograms.batch());
  if (scrape.exemplars.rows > 0) batches.push(scrape.exemplars.batch());
  return { batches, dropped: scrape.dropped, noted: scrape.noted, ...(problem === '' ? {} : { problem }) };
}
