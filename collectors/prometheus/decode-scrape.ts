import { acceptTime, type TimeVerdict } from '#contracts/accept-time.ts';
import type { ColumnBatch, DecodedRecord, Dictionary } from '#contracts/columns.ts';
import type { JournalRecord, ScrapeMeta } from '#contracts/journal.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';
import { ExemplarRows, SampleRows } from './metric-rows.ts';
import { type ExpositionFormat, type FamilyType, formatOf, parseExposition } from './parse-exposition.ts';
import { compileRelabel, type Relabel, type RelabelConfig } from './relabel.ts';
import { FAMILY_SUFFIX, type Family, prometheusSeries } from './series-identity.ts';
import { type ParsedSeries, parseLabels, parseSeries } from './series-text.ts';

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
interface KnownSeries {
  readonly raw: Uint8Array;
  /** 0 = dropped by relabeling or by the series limit. */
  readonly seriesId: number;
  seenAt: number;
  stamped: boolean;
}
/** Stands for every series beyond the limit: remembering them one by one would be a way around that limit. */
const BEYOND_LIMIT: KnownSeries = { raw: new Uint8Array(0), seriesId: 0, seenAt: 0, stamped: false };
/** A description costs memory while its scrape is read; the largest exporters describe a few thousand. */
const MAX_FAMILIES = 100_000;
interface TargetState {
  readonly known: Map<string, KnownSeries>;
  order: KnownSeries[];
  scrapes: number;
  relabelText: string;
  relabel: Relabel;
  meta: Map<string, number>;
}

/** Prometheus' stale marker: a NaN with this payload (value/value.go). */
export const STALE_NAN_BITS = 0x7ff0000000000002n;
const targetsOf = new WeakMap<Dictionary, Map<string, TargetState>>();

function stateOf(dictionary: Dictionary, record: JournalRecord, meta: ScrapeMeta): TargetState {
  let targets = targetsOf.get(dictionary);
  if (!targets) {
    targets = new Map();
    targetsOf.set(dictionary, targets);
  }
  const key = `${record.source}|${JSON.stringify(meta.labels)}`;
  let state = targets.get(key);
  if (!state) {
    state = { known: new Map(), order: [], scrapes: 0, relabelText: '', relabel: compileRelabel([]), meta: new Map() };
    targets.set(key, state);
  }
  const relabelText = JSON.stringify(meta.metricRelabelConfigs);
  if (state.relabelText !== relabelText) {
    state.relabelText = relabelText;
    state.relabel = compileRelabel(meta.metricRelabelConfigs as readonly RelabelConfig[]);
    state.known.clear();
    state.order = [];
  }
  return state;
}

/** Label rules of scrape.go mutateSampleLabels: the target's labels win unless honor_labels, the loser becomes exported_x. */
function mergeLabels(series: ParsedSeries, meta: ScrapeMeta): Map<string, string> {
  const labels = new Map<string, string>();
  const clashes: (readonly [string, string])[] = [];
  for (const [name, value] of series.labels) {
    if (value === '') continue;
    if (!meta.honorLabels && Object.hasOwn(meta.labels, name)) clashes.push([name, value]);
    else labels.set(name, value);
  }
  for (const [name, value] of Object.entries(meta.labels)) if (!(meta.honorLabels && labels.has(name))) labels.set(name, value);
  for (const [name, value] of clashes) {
    let exported = `exported_${name}`;
    while (labels.has(exported)) exported = `exported_${exported}`;
    labels.set(exported, value);
  }
  labels.set('__name__', series.name);
  return labels;
}

const equalBytes = (raw: Uint8Array, body: Uint8Array, start: number): boolean => {
  for (let i = 0; i < raw.length; i++) if (raw[i] !== body[start + i]) return false;
  return true;
};
/** No text of UTF-16 units takes more than three bytes a unit: most need no counting. */
const tooLong = (text: string, maxBytes: number): boolean => text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
const bump = (counts: Map<string, number>, reason: string, by = 1): void => void counts.set(reason, (counts.get(reason) ?? 0) + by);

class Scrape {
  readonly samples = new SampleRows();
  readonly exemplars = new ExemplarRows();
  readonly dropped = new Map<string, number>();
  readonly noted = new Map<string, number>();
  readonly families = new Map<string, Family>();
  readonly order: KnownSeries[] = [];
  scraped = 0;
  kept = 0;
  added = 0;
  problem = '';
  private next = 0;
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

  /** Throws when the exposition is malformed or over sample_limit; the caller falls back to `up 0`. */
  read(body: Uint8Array, format: ExpositionFormat): void {
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
        const series = this.series(bytes, start, end);
        this.scraped++;
        if (series.seriesId === 0) return;
        this.kept++;
        if (this.meta.sampleLimit > 0 && this.kept > this.meta.sampleLimit)
          throw new Error(`more than sample_limit ${this.meta.sampleLimit} samples`);
        this.add(series, value, timestampMs);
        if (exemplarStart >= 0) this.exemplar(series, bytes, exemplarStart, lineEnd);
      },
    });
  }

  /** null: the scrape describes more families than any does, and this one's description is not kept. */
  private family(name: string): Family | null {
    let family = this.families.get(name);
    if (!family) {
      if (this.families.size >= MAX_FAMILIES) {
        bump(this.noted, 'too_many_families');
        return null;
      }
      family = { type: 'unknown', help: '', unit: '' };
      this.families.set(name, family);
    }
    return family;
  }

  private series(bytes: Uint8Array, start: number, end: number): KnownSeries {
    let series = this.predicted ?? undefined;
    if (!series) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
      series = this.state.known.get(text) ?? this.learn(bytes, start, end, text);
      this.resync(series);
    }
    this.next++;
    this.order.push(series);
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

  private learn(bytes: Uint8Array, start: number, end: number, text: string): KnownSeries {
    const parsed = parseSeries(bytes, start, end);
    const labels = this.state.relabel(mergeLabels(parsed, this.meta));
    const family = this.families.get(parsed.name) ??
      this.families.get(parsed.name.replace(FAMILY_SUFFIX, '')) ?? { type: 'unknown', help: '', unit: '' };
    let id = 0;
    const beyond = labels && this.beyondLimit(labels);
    if (beyond) {
      bump(this.dropped, beyond);
      return BEYOND_LIMIT;
    }
    if (labels?.get('__name__')) {
      id = prometheusSeries(this.context.dictionary, labels, family);
      if (id === 0) {
        bump(this.dropped, 'too_many_series');
        return BEYOND_LIMIT;
      }
    }
    // A copy: the journal reader lends the body's memory, and `slice` of a Buffer is no copy.
    const series = { raw: Uint8Array.from(bytes.subarray(start, end)), seriesId: id, seenAt: 0, stamped: false };
    this.state.known.set(text, series);
    this.added++;
    return series;
  }

  private beyondLimit(labels: ReadonlyMap<string, string>): ReasonCode | null {
    const { maxAttributes, maxAttributeBytes } = this.context.limits;
    if (labels.size > maxAttributes + 1) return 'too_many_labels';
    for (const [name, value] of labels) if (tooLong(name, maxAttributeBytes) || tooLong(value, maxAttributeBytes)) return 'label_too_long';
    return null;
  }

  private add(series: KnownSeries, value: number, timestampMs: number): void {
    const own = this.meta.honorTimestamps && !Number.isNaN(timestampMs);
    if (series.seenAt === this.state.scrapes && !own) {
      bump(this.dropped, 'duplicate_sample');
      return;
    }
    series.seenAt = this.state.scrapes;
    series.stamped = own;
    const timeNs = own ? BigInt(Math.round(timestampMs * 1000)) * 1000n : this.timeNs;
    const verdict = own ? this.verdictOn(timeNs) : 'ok';
    if (verdict === 'ok') this.samples.push(series.seriesId, timeNs, value);
    else bump(this.dropped, verdict);
  }

  private verdictOn(timeNs: bigint): TimeVerdict {
    return timeNs < 0n ? 'time_too_old' : acceptTime(timeNs, this.record.receivedUnixNano, this.record.retentionSeconds);
  }

  private exemplar(series: KnownSeries, bytes: Uint8Array, start: number, lineEnd: number): void {
    const close = bytes.lastIndexOf(125, lineEnd) + 1;
    const labels = parseLabels(bytes, start, close, true);
    const [value = '', time] = Buffer.from(bytes.subarray(close, lineEnd)).toString('latin1').trim().split(' ');
    const number = Number(value);
    if (value === '' || Number.isNaN(number)) throw new Error('an exemplar has no value');
    const timeNs = time ? BigInt(Math.round(Number(time) * 1e6)) * 1000n : this.timeNs;
    if (this.verdictOn(timeNs) === 'ok') this.exemplars.push(series.seriesId, timeNs, number, labels);
    else bump(this.noted, 'exemplar_time');
  }

  /** Series of the last scrape that are gone (or all of them, after a failure) get a stale marker. */
  markStale(failed: boolean): void {
    for (const series of this.state.order) {
      if (series.seriesId === 0 || series.stamped || (!failed && series.seenAt === this.state.scrapes)) continue;
      if (series.seenAt === 0) continue;
      this.samples.pushStale(series.seriesId, this.timeNs, STALE_NAN_BITS);
      series.seenAt = 0;
    }
    this.state.order = failed ? [] : this.order;
    if (this.state.known.size > 2 * this.state.order.length + 1000) {
      this.state.known.clear();
      for (const series of this.state.order) this.state.known.set(Buffer.from(series.raw).toString('latin1'), series);
    }
  }

  /** up, scrape_duration_seconds and friends, as Prometheus writes them. */
  report(up: boolean): void {
    const rows: readonly (readonly [string, number])[] = [
      ['up', up ? 1 : 0],
      ['scrape_duration_seconds', this.meta.durationSeconds],
      ['scrape_samples_scraped', up ? this.scraped : 0],
      ['scrape_samples_post_metric_relabeling', up ? this.kept : 0],
      ['scrape_series_added', up ? this.added : 0],
    ];
    for (const [name, value] of rows) {
      let id = this.state.meta.get(name);
      if (id === undefined) {
        const labels = new Map([...Object.entries(this.meta.labels), ['__name__', name] as const]);
        id = prometheusSeries(this.context.dictionary, labels, { type: 'gauge', help: '', unit: '' });
        this.state.meta.set(name, id);
      }
      if (id !== 0) this.samples.push(id, this.timeNs, value);
    }
  }
}

/** @param record body already decompressed. Never throws for what a target sent. */
export function decodeScrape(record: JournalRecord, context: ScrapeContext): DecodedRecord {
  const meta = JSON.parse(record.meta) as ScrapeMeta;
  const state = stateOf(context.dictionary, record, meta);
  let scrape = new Scrape(state, meta, record, context);
  let up = meta.up;
  if (up) {
    try {
      scrape.read(record.body, formatOf(meta.contentType));
    } catch (error) {
      up = false;
      const { message } = error as Error;
      scrape = new Scrape(state, meta, record, context);
      scrape.problem = message;
      bump(scrape.dropped, message.includes('sample_limit') ? 'sample_limit' : 'scrape_malformed');
    }
  }
  scrape.report(up);
  scrape.markStale(!up);
  const batches: ColumnBatch[] = [scrape.samples.batch()];
  if (scrape.exemplars.rows > 0) batches.push(scrape.exemplars.batch());
  return { batches, dropped: scrape.dropped, noted: scrape.noted, ...(scrape.problem === '' ? {} : { problem: scrape.problem }) };
}
