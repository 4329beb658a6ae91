import type { ForwardSignal } from '#contracts/forwarding.ts';
import { type JournalRecord, RecordKind } from '#contracts/journal.ts';

const METRICS: readonly number[] = [RecordKind.metrics, RecordKind.scrape, RecordKind.write1, RecordKind.write2];
/** Signal a journal record is forwarded as; null for a kind this version does not know. */
export function signalOf(kind: number): ForwardSignal | null {
  if (kind === RecordKind.traces) return 'traces';
  if (kind === RecordKind.logs) return 'logs';
  return METRICS.includes(kind) ? 'metrics' : null;
}

/**
 * One request is one journal record, so its id needs no state: the same after every retry and restart. The arrival time
 * tells apart two data folders one of which was copied from the other and went on from the same position.
 */
export function batchIdOf(instance: string, record: JournalRecord, signal: ForwardSignal): string {
  return `${instance}.${record.position.toString(36)}.${record.receivedUnixNano.toString(36)}.${signal}`;
}
