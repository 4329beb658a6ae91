import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { decompress } from '#collectors/pipeline/decompress.ts';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import type { DecodedRecord, Dictionary } from '#contracts/columns.ts';
import { BodyEncoding, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import type { Limits } from '#contracts/settings.ts';

const SIGNAL = { [RecordKind.traces]: 'traces', [RecordKind.metrics]: 'metrics', [RecordKind.logs]: 'logs' } as const;
const ENCODING = { [BodyEncoding.identity]: 'identity', [BodyEncoding.gzip]: 'gzip', [BodyEncoding.zstd]: 'zstd' } as const;

/**
 * One journal record -> rows. Depends on nothing but the record, the dictionary and the limits, so that a replay gives
 * the same rows in the same order. Throws only on a body the collector should not have acknowledged.
 */
export async function decodeRecord(
  record: JournalRecord,
  context: { readonly dictionary: Dictionary; readonly limits: Limits },
): Promise<DecodedRecord> {
  const { dictionary, limits } = context;
  const body =
    record.encoding === BodyEncoding.identity
      ? record.body
      : await decompress(record.body, ENCODING[record.encoding], limits.maxDecompressedBytes);
  if (record.kind === RecordKind.scrape) return decodeScrape(body === record.body ? record : { ...record, body }, { dictionary, limits });
  const { receivedUnixNano, retentionSeconds } = record;
  // Lent: the store copies the rows before the next record is decoded (one record at a time, in order); saves a third.
  return decodeOtlp(SIGNAL[record.kind], body, { dictionary, limits, receivedUnixNano, retentionSeconds, lend: true });
}
