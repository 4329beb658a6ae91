import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { JournalError } from '#collectors/pipeline/journal-error.ts';
import { BodyEncoding, BodyFormat, type JournalEntry, type JournalPosition, RecordKind } from '#contracts/journal.ts';
import type { SourceStatus } from '#contracts/processes.ts';
import { HostSampler } from './host-sample.ts';
import { pointsOf, writeMetricGroups } from './write-metrics.ts';

export interface HostMetricsOptions {
  readonly intervalMs: number;
  readonly dataDir: string;
  readonly append: (entry: JournalEntry) => Promise<JournalPosition>;
  readonly retentionSeconds: number;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
export interface HostMetrics {
  status(): SourceStatus;
  /** Ends after the sample at hand. Safe twice. */
  stop(): Promise<void>;
}

/** Measures the machine at full intervals of the clock; a sample the journal refuses is counted and gone, as a failed scrape. */
export function startHostMetrics({ intervalMs, dataDir, append, retentionSeconds, nowMs, log }: HostMetricsOptions): HostMetrics {
  const account = new SourceAccount('host', 'host', nowMs);
  account.address = 'localhost';
  const sampler = new HostSampler(dataDir);
  let timer: NodeJS.Timeout | null = null;
  let busy: Promise<void> = Promise.resolve();
  let stopped = false;

  async function measure(): Promise<void> {
    const timeMs = nowMs();
    const groups = await sampler.take();
    if (stopped) return;
    const receivedUnixNano = BigInt(timeMs) * 1_000_000n;
    const body = writeMetricGroups(groups, receivedUnixNano);
    const items = pointsOf(groups);
    try {
      const form = {
        kind: RecordKind.metrics,
        format: BodyFormat.protobuf,
        encoding: BodyEncoding.identity,
        source: account.source,
        meta: '',
      };
      await append({ ...form, receivedUnixNano, retentionSeconds, items, body });
      account.accept('metrics', items, body.length);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      account.refuse(error.reason, error.message);
    }
  }
  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(
      () => {
        busy = measure()
          .catch((error: Error) => log(`BUG: host metrics: ${error.stack}`))
          .then(schedule);
      },
      intervalMs - (nowMs() % intervalMs),
    );
  }
  // The first one at once: the next has something to compare with.
  busy = measure()
    .catch((error: Error) => log(`BUG: host metrics: ${error.stack}`))
    .then(schedule);
  return {
    status: () => account.status(),
    stop: async () => {
      stopped = true;
      account.stopped = true;
      if (timer) clearTimeout(timer);
      await busy;
    },
  };
}
