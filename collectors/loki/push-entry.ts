import { MAX_ROWS } from '#collectors/otlp/check.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';

/** A Loki push as both encodings say it: grafana.com/docs/loki, HTTP API, "Ingest logs"; pkg/push/push.proto. */
export type Labels = readonly (readonly [string, AttributeValue])[];
export interface LokiStream {
  readonly labels: Labels;
  readonly entries: LokiEntry[];
}
export interface LokiEntry {
  /** Unix time; 0n = not said. */
  readonly timeNs: bigint;
  readonly line: string;
  /** Structured metadata. */
  readonly metadata: Labels;
}
const MAX_TIME_NS = 2n ** 63n - 1n;

/** Reads stream by stream, entry by entry: one that cannot be read is counted and takes no other with it. */
export class PushReading {
  readonly streams: LokiStream[] = [];
  unreadable = 0;
  problem = '';
  entries = 0;
  /** @returns false when it was counted as `items` entries that cannot be read */
  attempt(where: () => string, items: number, read: () => void): boolean {
    try {
      read();
      return true;
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      this.count(items);
      this.unreadable += items;
      if (this.problem === '') this.problem = `${where()}: ${error.message}`;
      return false;
    }
  }
  add(stream: LokiStream, timeNs: bigint, line: string, metadata: Labels): void {
    if (timeNs < 0n) throw new OtlpError('malformed', `its time is before 1970: ${timeNs}`);
    if (timeNs > MAX_TIME_NS) throw new OtlpError('malformed', `its time is out of range: ${timeNs}`);
    this.count(1);
    stream.entries.push({ timeNs, line, metadata });
  }
  private count(items: number): void {
    this.entries += items;
    if (this.entries > MAX_ROWS) throw new TooMany();
  }
}
/** Ends the reading, unlike what is wrong with one entry. */
export class TooMany extends Error {}
