import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { decodeWrite } from '#collectors/prometheus/decode-write.ts';
import type { Dictionary, ResourceRow, ScopeRow, SeriesRow } from '#contracts/columns.ts';
import { type JournalRecord, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import type { Limits } from '#contracts/settings.ts';
import { writeHistograms } from '#exporters/otlp/write-histograms.ts';
import { type WrittenSamples, writeSamples } from '#exporters/otlp/write-samples.ts';

/** Series of one target, numbered for as long as the converter keeps it. */
class TargetDictionary implements Dictionary {
  private readonly ids = new Map<string, number>();
  private readonly rows: unknown[] = [null];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }
  get size(): number {
    return this.rows.length;
  }
  private id(kind: string, key: string, row: () => unknown): number {
    const known = this.ids.get(kind + key);
    if (known !== undefined) return known;
    if (this.rows.length > this.limit) return 0;
    this.ids.set(kind + key, this.rows.length);
    return this.rows.push(row()) - 1;
  }
  resource(key: string, row: () => ResourceRow): number {
    return this.id('r', key, row);
  }
  scope(key: string, row: () => ScopeRow): number {
    return this.id('c', key, row);
  }
  series(key: string, row: () => SeriesRow): number {
    return this.id('s', key, row);
  }
  stack(): number {
    return 0;
  }
  seriesRow = (id: number): SeriesRow => this.rows[id] as SeriesRow;
  resourceRow = (id: number): ResourceRow => this.rows[id] as ResourceRow;
}
interface Target {
  dictionary: TargetDictionary;
  lastMs: number;
  /** Of the newest scrape. */
  series: number;
}
/** A target not scraped for so long is forgotten, with it what it showed last. */
const FORGET_MS = 3_600_000;

/**
 * Scrape and remote write records to OTLP, with the decoder the engine uses: what relabeling drops, what a bad line does and which series
 * went stale is decided once. Records must come in journal order; `body` already decompressed.
 */
export class ScrapeConverter {
  private readonly targets = new Map<string, Target>();
  private readonly limits: Limits;
  /** Series of all remote write senders. */
  private written: TargetDictionary;

  constructor(limits: Limits) {
    this.limits = limits;
    this.written = new TargetDictionary(limits.maxSeries);
  }
  /** A remote write record, `body` as received. */
  convertWrite(record: JournalRecord): WrittenSamples {
    const { limits } = this;
    const { receivedUnixNano, retentionSeconds, items, kind, body } = record;
    // Full of series that came and went: none is lost by beginning anew, ids have no meaning outside.
    if (this.written.size > limits.maxSeries) this.written = new TargetDictionary(limits.maxSeries);
    const dictionary = this.written;
    const version = kind === RecordKind.write1 ? 1 : 2;
    const { batches } = decodeWrite(version, body, { dictionary, limits, receivedUnixNano, retentionSeconds, items, lend: true });
    const source = { series: dictionary.seriesRow, resource: dictionary.resourceRow };
    return joined([writeSamples(batches, source), writeHistograms(batches, source)]);
  }
  convert(record: JournalRecord): WrittenSamples {
    const { labels } = JSON.parse(record.meta) as ScrapeMeta;
    const nowMs = Number(record.receivedUnixNano / 1_000_000n);
    const key = `${record.source}|${JSON.stringify(labels)}`;
    let target = this.targets.get(key);
    if (!target) {
      this.forget(nowMs);
      target = { dictionary: new TargetDictionary(this.limits.maxSeries), lastMs: nowMs, series: 0 };
      this.targets.set(key, target);
    }
    target.lastMs = nowMs;
    const { dictionary } = target;
    const { batches } = decodeScrape(record, { dictionary, limits: this.limits });
    const source = { series: dictionary.seriesRow, resource: dictionary.resourceRow };
    const written = joined([writeSamples(batches, source), writeHistograms(batches, source)]);
    target.series = written.points;
    // Series come and go; a target that has shown many more than it shows now starts over from its newest scrape.
    if (dictionary.size > 4 * target.series + 10_000) this.renew(target, record);
    return written;
  }
  private renew(target: Target, record: JournalRecord): void {
    target.dictionary = new TargetDictionary(this.limits.maxSeries);
    decodeScrape(record, { dictionary: target.dictionary, limits: this.limits });
  }
  private forget(nowMs: number): void {
    for (const [key, { lastMs }] of this.targets) if (nowMs - lastMs > FORGET_MS) this.targets.delete(key);
  }
}
/** Requests one after the other are one request: that is how protobuf adds lists up. */
const joined = (parts: readonly WrittenSamples[]): WrittenSamples => ({
  bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
  points: parts.reduce((sum, { points }) => sum + points, 0),
});
