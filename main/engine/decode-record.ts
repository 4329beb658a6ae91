import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { type ContentEncoding, DecompressError, decompress } from '#collectors/pipeline/decompress.ts';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { decodeWrite } from '#collectors/prometheus/decode-write.ts';
import type { DecodedRecord, Dictionary } from '#contracts/columns.ts';
import { BodyEncoding, type JournalRecord, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import type { Limits } from '#contracts/settings.ts';
import type { OtlpKind } from '#protos/field-table.ts';

const SIGNAL: Readonly<Record<number, OtlpKind>> = {
  [RecordKind.traces]: 'traces',
  [RecordKind.metrics]: 'metrics',
  [RecordKind.logs]: 'logs',
  [RecordKind.profiles]: 'profiles',
};
const ENCODING: Readonly<Record<number, ContentEncoding>> = {
  [BodyEncoding.identity]: 'identity',
  [BodyEncoding.gzip]: 'gzip',
  [BodyEncoding.zstd]: 'zstd',
};

/**
 * One journal record -> rows. Depends on nothing but the record, the dictionary and the limits, so that a replay gives
 * the same rows in the same order. Throws only on a body the collector should not have acknowledged.
 */
export async function decodeRecord(
  record: JournalRecord,
  context: { readonly dictionary: Dictionary; readonly limits: Limits },
): Promise<DecodedRecord> {
  const { dictionary, limits } = context;
  if (record.kind === RecordKind.scrape) return decodeScrapeRecord(record, context);
  const { receivedUnixNano, retentionSeconds, items } = record;
  if (record.kind === RecordKind.write1 || record.kind === RecordKind.write2) {
    const version = record.kind === RecordKind.write1 ? 1 : 2;
    return decodeWrite(version, record.body, { dictionary, limits, receivedUnixNano, retentionSeconds, items, lend: true });
  }
  const signal = SIGNAL[record.kind];
  if (signal === undefined) throw new Error(`A record of kind ${record.kind} is not known to this version.`);
  const body = await inflated(record, limits.maxDecompressedBytes);
  // Lent: the store copies the rows before the next record is decoded (one record at a time, in order); saves a third.
  return decodeOtlp(signal, body, { dictionary, limits, receivedUnixNano, retentionSeconds, lend: true });
}

async function inflated(record: JournalRecord, maxBytes: number): Promise<Uint8Array> {
  const encoding = ENCODING[record.encoding];
  if (encoding === undefined) throw new Error(`A body in encoding ${record.encoding} is not known to this version.`);
  return encoding === 'identity' ? record.body : decompress(record.body, encoding, maxBytes);
}

/** The collector keeps a target's answer unread, so one that does not inflate is first met here: the target's fault, a failed scrape. */
async function decodeScrapeRecord(
  record: JournalRecord,
  context: { readonly dictionary: Dictionary; readonly limits: Limits },
): Promise<DecodedRecord> {
  try {
    return decodeScrape({ ...record, body: await inflated(record, context.limits.maxScrapeBytes) }, context);
  } catch (error) {
    if (!(error instanceof DecompressError)) throw error;
    const meta: ScrapeMeta = { ...(JSON.parse(record.meta) as ScrapeMeta), up: false, error: error.message };
    const decoded = decodeScrape({ ...record, meta: JSON.stringify(meta), body: new Uint8Array(0) }, context);
    return { ...decoded, dropped: new Map([...decoded.dropped, ['scrape_malformed', 1]]), problem: error.message };
  }
}
