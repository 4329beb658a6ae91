import { Readable } from 'node:stream';
import { FILE_LIMITS, type FileFormat } from '#contracts/file-formats.ts';
import type { TableMapping } from '#contracts/import-files.ts';
import { type FileRecord, isRefused, type RefusedRecord } from './file-record.ts';
import { contentOf, headOf } from './open-file.ts';
import { isReadable, readContent } from './read-file.ts';
import { recognise } from './recognise.ts';

export interface ReadBytes {
  readonly format: string;
  readonly good: readonly FileRecord[];
  readonly bad: readonly RefusedRecord[];
  readonly items: { traces: number; logs: number; metrics: number };
}
/** What an import makes of these bytes, without sending anything: recognised, decompressed, read. */
export async function readBytes(
  bytes: Uint8Array,
  options: { readonly format?: FileFormat; readonly name?: string; readonly chunk?: number; readonly mapping?: TableMapping } = {},
): Promise<ReadBytes> {
  const items = { traces: 0, logs: 0, metrics: 0 };
  const head = headOf(bytes.subarray(0, FILE_LIMITS.headBytes), bytes.length <= FILE_LIMITS.headBytes);
  const told = recognise(head.bytes, head.whole, head.compression);
  const format = options.format ?? told.format;
  const refuse = (reason: string, message: string): ReadBytes => ({
    format: 'unknown',
    good: [],
    bad: [{ line: null, reason, message }],
    items,
  });
  if (head.problem !== '') return refuse('bad_compression', head.problem);
  if (format === null) return refuse('unsupported_content_type', told.says);
  if (!isReadable(format)) throw new Error(`no reader for ${format}`);
  const good: FileRecord[] = [];
  const bad: RefusedRecord[] = [];
  const size = options.chunk ?? 64 * 1024;
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => Buffer.from(bytes.subarray(i * size, (i + 1) * size)));
  const content = contentOf(Readable.from(pieces, { objectMode: false }));
  const context = { name: options.name ?? 'shop.log', arrivalUnixNano: 1_795_255_200_000_000_000n, mapping: options.mapping ?? null };
  for await (const record of readContent(format, content, context)) {
    if (isRefused(record)) bad.push(record);
    else {
      good.push(record);
      items[record.signal] += record.items;
    }
  }
  return { format: head.compression === 'none' ? format : `${format}+${head.compression}`, good, bad, items };
}
