import { randomUUID } from 'node:crypto';
import { METRIC_TYPE, SampleBatch, sortLabels } from '#collectors/files/sample-batch.ts';
import { RULES_SOURCE } from '#contracts/forward-headers.ts';
import { sendRecord } from '#main/import/send-record.ts';
import { entriesOf } from '#query/promql/labels.ts';
import type { WrittenSample } from '#query/rules/sample.ts';
import type { PendingSamples } from './pending-samples.ts';
import { staleHistogram, writtenHistogram } from './written-histogram.ts';

/** Samples that wait to be journalled; beyond it new ones are lost, and counted. */
const MAX_WAITING = 500_000;

class Stopped extends Error {}
export interface WriterParts {
  readonly pending: PendingSamples;
  readonly ingestUrl: () => string;
  /** Resolves once all that is journalled is visible. */
  readonly drained: () => Promise<unknown>;
  /** Resolves once series that are visible are found. */
  readonly refreshed: () => Promise<void>;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
/**
 * Sends what rules gave to the collector, as any remote write: it is journalled and kept like what others send, and a restart finds it.
 * Order is kept; a collector that is away is asked again.
 */
export class SampleWriter {
  written = 0;
  lost = 0;
  private readonly parts: WriterParts;
  private readonly run = randomUUID();
  private count = 0;
  /** Keys of series that were written before. */
  private readonly known = new Set<string>();
  /** Schemas of series whose last sample was a histogram, by key: what ends them is one as well, as in Prometheus. */
  private readonly schemas = new Map<string, number>();
  private waiting = 0;
  private last: Promise<void> = Promise.resolve();
  private stopping = false;
  private readonly stopped = Promise.withResolvers<void>();

  constructor(parts: WriterParts) {
    this.parts = parts;
  }
  /** @param batches as they were added to the pending ones, which they leave once the store shows them */
  write(batches: readonly (readonly WrittenSample[])[]): void {
    const samples = batches.flat();
    const { pending, log } = this.parts;
    const forget = (): void => {
      for (const batch of batches) pending.remove(batch);
    };
    if (samples.length === 0) {
      forget();
      return;
    }
    if (this.waiting + samples.length > MAX_WAITING) {
      this.lose(samples.length, `more than ${MAX_WAITING} wait for the journal`);
      forget();
      return;
    }
    this.waiting += samples.length;
    this.last = this.last
      .then(() => this.send(samples))
      .catch((error: unknown) => {
        if (error instanceof Stopped) this.lose(samples.length, 'the engine stops');
        else log(`BUG: samples of rules: ${error instanceof Error ? error.stack : error}`);
      })
      .finally(() => {
        this.waiting -= samples.length;
        forget();
      });
  }
  private lose(count: number, why: string): void {
    this.lost += count;
    this.parts.log(`${count} samples of rules are lost: ${why}`);
  }
  private async send(samples: readonly WrittenSample[]): Promise<void> {
    const { ingestUrl, nowMs, drained, refreshed } = this.parts;
    const batch = new SampleBatch();
    for (const record of [...this.addAll(batch, samples), batch.flush()]) {
      if (!record) continue;
      const origin = { batch: `rules.${this.run}.${++this.count}`, arrival: `${BigInt(nowMs()) * 1_000_000n}`, format: RULES_SOURCE };
      const { accepted, refused } = await sendRecord(record, ingestUrl(), origin, (ms) => this.rest(ms));
      this.written += accepted;
      if (refused) this.lose(record.items - accepted, refused.message);
    }
    await drained().catch(() => undefined);
    if (samples.every(({ labels }) => this.known.has(labels.key))) return;
    // What leaves the pending samples must be found in the store.
    await refreshed().catch(() => undefined);
    if (this.known.size > MAX_WAITING) this.known.clear();
    for (const { labels } of samples) this.known.add(labels.key);
  }
  private *addAll(batch: SampleBatch, samples: readonly WrittenSample[]): Iterable<ReturnType<SampleBatch['flush']>> {
    const { schemas } = this;
    for (const { labels, atMs, value, histogram, isStale } of samples) {
      const { key } = labels;
      const sorted = sortLabels(entriesOf(labels));
      const schema = histogram?.schema ?? (isStale ? schemas.get(key) : undefined);
      if (isStale || !histogram) schemas.delete(key);
      else schemas.set(key, histogram.schema);
      if (schema === undefined) yield batch.add(1, key, sorted, GAUGE, atMs, value, isStale);
      else
        yield batch.addHistogram(1, key, sorted, HISTOGRAM, histogram ? writtenHistogram(histogram, atMs) : staleHistogram(schema, atMs));
    }
  }
  /** Between two tries. A stop waits for no collector that is gone. */
  private async rest(ms: number): Promise<void> {
    await Promise.race([this.stopped.promise, new Promise((done) => setTimeout(done, ms).unref())]);
    if (this.stopping) throw new Stopped();
  }
  async stop(): Promise<void> {
    this.stopping = true;
    this.stopped.resolve();
    await this.last;
  }
}
const GAUGE = { type: METRIC_TYPE.gauge, help: '', unit: '' };
const HISTOGRAM = { type: METRIC_TYPE.histogram, help: '', unit: '' };
