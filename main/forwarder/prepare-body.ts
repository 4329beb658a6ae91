import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type ContentEncoding, DecompressError, decompress } from '#collectors/pipeline/decompress.ts';
import type { ForwardSignal } from '#contracts/forwarding.ts';
import { BodyEncoding, type JournalRecord, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import type { Limits } from '#contracts/settings.ts';
import type { PreparedBody } from '#exporters/forward/destination-queue.ts';
import { signalOf } from '#exporters/otlp/batch-id.ts';
import type { ScrapeConverter } from './scrape-converter.ts';

const ENCODING: Readonly<Record<number, ContentEncoding>> = {
  [BodyEncoding.identity]: 'identity',
  [BodyEncoding.gzip]: 'gzip',
  [BodyEncoding.zstd]: 'zstd',
};
const pack = promisify(gzip);
/** The quickest level: a third of the bytes for a few microseconds a kilobyte. Smaller bodies go as they are. */
const GZIP = { level: 1 };
const MIN_GZIP_BYTES = 1024;

/**
 * What a journal record becomes on the wire. A body received as gzip passes untouched; OTLP demands no other encoding of a
 * receiver, so zstd is unpacked first.
 */
export async function prepareBody(
  record: JournalRecord,
  {
    converter,
    limits,
    compression,
  }: { readonly converter: ScrapeConverter; readonly limits: Limits; readonly compression: 'gzip' | 'none' },
): Promise<PreparedBody> {
  const signal = signalOf(record.kind);
  if (record.kind === RecordKind.write1 || record.kind === RecordKind.write2) return prepareWrite(record, converter, compression);
  const encoding = ENCODING[record.encoding];
  if (signal === null || encoding === undefined) return { unreadable: `A record of kind ${record.kind} is not known to this version.` };
  if (record.kind !== RecordKind.scrape && encoding === 'gzip' && compression === 'gzip')
    return { signal, bytes: record.body, encoding: 'gzip', items: record.items };
  try {
    const scrape = record.kind === RecordKind.scrape;
    const plain = scrape ? null : await decompress(record.body, encoding, limits.maxDecompressedBytes);
    const { bytes, items } = plain === null ? await convert(record, encoding, converter, limits) : { bytes: plain, items: record.items };
    return await packed(signal, bytes, items, compression);
  } catch (error) {
    return { unreadable: `A stored body cannot be read: ${(error as Error).message}` };
  }
}
async function prepareWrite(record: JournalRecord, converter: ScrapeConverter, compression: 'gzip' | 'none'): Promise<PreparedBody> {
  try {
    const { bytes, points } = converter.convertWrite(record);
    return await packed('metrics', bytes, points, compression);
  } catch (error) {
    return { unreadable: `A stored body cannot be read: ${(error as Error).message}` };
  }
}
async function packed(signal: ForwardSignal, bytes: Uint8Array, items: number, compression: 'gzip' | 'none'): Promise<PreparedBody> {
  if (compression === 'none' || bytes.length < MIN_GZIP_BYTES) return { signal, bytes, encoding: 'identity', items };
  return { signal, bytes: await pack(bytes, GZIP), encoding: 'gzip', items };
}
/** A target's answer that does not inflate counts as a failed scrape, as it does in the engine. */
async function convert(
  record: JournalRecord,
  encoding: ContentEncoding,
  converter: ScrapeConverter,
  limits: Limits,
): Promise<{ readonly bytes: Uint8Array; readonly items: number }> {
  const written = await decompress(record.body, encoding, limits.maxScrapeBytes).then(
    (body) => converter.convert({ ...record, body }),
    (error: unknown) => {
      if (!(error instanceof DecompressError)) throw error;
      const meta: ScrapeMeta = { ...(JSON.parse(record.meta) as ScrapeMeta), up: false, error: error.message };
      return converter.convert({ ...record, meta: JSON.stringify(meta), body: new Uint8Array(0) });
    },
  );
  return { bytes: written.bytes, items: written.points };
}
