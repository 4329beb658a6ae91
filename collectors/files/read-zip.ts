import { Readable } from 'node:stream';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { FILE_LIMITS } from '#contracts/file-formats.ts';
import type { FileReading, FileRecord, ReadContext, RefusedRecord } from './file-record.ts';
import { contentOf, FileError, headOf } from './open-file.ts';
import { isReadable, readContent } from './read-file.ts';
import { recognise } from './recognise.ts';
import { blocksIn, readZippedBlock } from './tsdb/zipped-block.ts';

/** Files in an archive; nothing is ever written under a name that stands in it. */
const MAX_ENTRIES = 10_000;
/** The Aspire dashboard's export (aspire export) describes its resources beside what they sent: no telemetry. */
const NO_TELEMETRY = /^resources\/[^/]+\.json$/;
const ASPIRE = /^(?:traces|structuredlogs|consolelogs|metrics)\//;

export async function* readZip(path: string, context: ReadContext): FileReading {
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
  } catch (error) {
    yield { line: null, reason: 'bad_compression', message: `the archive cannot be read: ${(error as Error).message}` };
    return;
  }
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('/')) entries.push(entry);
      if (entries.length > MAX_ENTRIES) throw new FileError('malformed', `the archive has more than ${MAX_ENTRIES} files`);
    }
    const isAspire = entries.some(({ fileName }) => ASPIRE.test(fileName));
    let left: number = FILE_LIMITS.plainBytes;
    const take = (entry: Entry): void => {
      left -= entry.uncompressedSize;
      if (left < 0) throw new FileError('decompressed_too_large', `the archive becomes more than ${FILE_LIMITS.plainBytes} bytes`);
    };
    const blocks = blocksIn(entries);
    for (const [folder, parts] of blocks) {
      parts.forEach(take);
      yield* readParts(zip, folder, parts);
    }
    const inBlocks = new Set([...blocks.values()].flat());
    for (const entry of entries) {
      if (inBlocks.has(entry) || (isAspire && NO_TELEMETRY.test(entry.fileName))) continue;
      take(entry);
      yield* readEntry(zip, entry, context);
    }
  } catch (error) {
    yield refusedBy(error, '');
  } finally {
    zip.close();
  }
}
function refusedBy(error: unknown, name: string): RefusedRecord {
  const reason = error instanceof FileError ? error.reason : 'bad_compression';
  return { line: null, reason, message: `${name}${(error as Error).message}` };
}
/** Shown to people: as it stands in the archive, but short and without control characters. */
const shownName = (name: string): string => name.replace(/\p{Cc}/gu, '?').slice(0, 200);
async function* readParts(zip: ZipFile, folder: string, parts: readonly Entry[]): FileReading {
  const where = folder === '' ? '' : `${shownName(folder)}: `;
  try {
    if (parts.some((entry) => entry.isEncrypted())) throw new FileError('unsupported_encoding', 'it is encrypted');
    for await (const record of readZippedBlock(zip, folder, parts)) yield withName(record, where);
  } catch (error) {
    yield refusedBy(error, where);
  }
}
async function* readEntry(zip: ZipFile, entry: Entry, context: ReadContext): FileReading {
  const name = shownName(entry.fileName);
  const where = `${name}: `;
  let stream: Readable | null = null;
  try {
    if (entry.isEncrypted()) throw new FileError('unsupported_encoding', 'it is encrypted');
    stream = await zip.openReadStreamPromise(entry);
    const { head, rest } = await headOfStream(stream, entry.uncompressedSize);
    const looked = headOf(head, head.length >= entry.uncompressedSize);
    if (looked.problem !== '') throw new FileError('bad_compression', looked.problem);
    const told = recognise(looked.bytes, looked.whole, looked.compression);
    if (told.format === null || !isReadable(told.format))
      throw new FileError(
        'unsupported_content_type',
        told.format === null ? told.says : `${told.format} in an archive cannot be read: take it out`,
      );
    for await (const record of readContent(told.format, contentOf(rest), { ...context, name, mapping: null }))
      yield withName(record, where);
  } catch (error) {
    yield refusedBy(error, where);
  } finally {
    stream?.destroy();
  }
}
const withName = (record: FileRecord | RefusedRecord, where: string): FileRecord | RefusedRecord =>
  'reason' in record ? { ...record, message: `${where}${record.message}` } : record;

/** First bytes of a stream, and the stream with them. */
async function headOfStream(stream: Readable, size: number): Promise<{ readonly head: Buffer; readonly rest: Readable }> {
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const begin: Buffer[] = [];
  let length = 0;
  while (length < Math.min(size, FILE_LIMITS.headBytes)) {
    const { done, value } = await chunks.next();
    if (done) break;
    begin.push(value);
    length += value.length;
  }
  const head = Buffer.concat(begin);
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { head, rest: Readable.from(all(), { objectMode: false }) };
}
