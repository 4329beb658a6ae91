import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import type { DecodedRecord } from '#contracts/columns.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import type { Store } from '#contracts/store.ts';

const limits = limitsSchema.parse(undefined);

/** Puts scraped text and OTLP metrics into a store, decoded by the real decoders, without sockets or a journal. */
export class StoreFeed {
  private position = 1;
  private readonly store: Store;
  constructor(store: Store) {
    this.store = store;
  }
  /** @param text a Prometheus exposition */
  scrape(atMs: number, text: string, labels: Readonly<Record<string, string>> = {}): void {
    const meta = {
      job: 'node',
      labels: { job: 'node', ...labels },
      scrapeUnixMs: atMs,
      durationSeconds: 0.01,
      up: true,
      error: '',
      contentType: 'text/plain',
      honorLabels: false,
      honorTimestamps: true,
      sampleLimit: 0,
      metricRelabelConfigs: [],
    };
    const record = {
      kind: RecordKind.scrape,
      format: BodyFormat.text,
      encoding: BodyEncoding.identity,
      receivedUnixNano: BigInt(atMs) * 1_000_000n,
      retentionSeconds: 0,
      items: 0,
      source: 'scrape:node',
      meta: JSON.stringify(meta),
      body: Buffer.from(text),
      position: this.position,
      next: this.position + 1,
    };
    this.take(decodeScrape(record, { dictionary: this.store.dictionary, limits }));
  }
  /** One gauge or cumulative sum with one point, of a resource. */
  otlp(
    atMs: number,
    resource: Readonly<Record<string, string>>,
    metrics: readonly {
      readonly name: string;
      readonly value: number;
      readonly counter?: boolean;
      readonly attributes?: Record<string, string>;
    }[],
  ): void {
    const attributes = (from: Readonly<Record<string, string>>) =>
      Object.entries(from).map(([key, stringValue]) => ({ key, value: { stringValue } }));
    const all = metrics.map(({ name, value, counter, attributes: labels }) => {
      const dataPoints = [{ timeUnixNano: `${atMs}000000`, asDouble: value, attributes: attributes(labels ?? {}) }];
      return counter ? { name, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } } : { name, gauge: { dataPoints } };
    });
    const request = { resourceMetrics: [{ resource: { attributes: attributes(resource) }, scopeMetrics: [{ metrics: all }] }] };
    const body = transcodeJson('metrics', Buffer.from(JSON.stringify(request)), limits);
    const context = { dictionary: this.store.dictionary, limits, receivedUnixNano: BigInt(atMs) * 1_000_000n, retentionSeconds: 0 };
    this.take(decodeOtlp('metrics', body, context));
  }
  private take(decoded: DecodedRecord): void {
    const position = this.position++;
    this.store.append({ position, next: this.position }, decoded.batches);
  }
}
