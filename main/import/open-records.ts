import type { FileReading } from '#collectors/files/file-record.ts';
import { type OpenFile, openFile } from '#collectors/files/open-file.ts';
import { isReadable, type ReadRequest, readContent } from '#collectors/files/read-file.ts';
import { readZip } from '#collectors/files/read-zip.ts';
import { previewTable, readTable } from '#collectors/files/table/read-table.ts';
import { type Cell, cellOf, readCsvRows, readObjectRows, type TableRow, type TableRows } from '#collectors/files/table/table-rows.ts';
import { readBlock } from '#collectors/files/tsdb/read-block.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { TableMapping, TablePreview } from '#contracts/import-files.ts';

/** What is in a file, and how much of it has been read. */
export interface OpenRecords {
  readonly records: FileReading;
  readBytes(): number;
  close(): void;
}
/** @param bytes how much of the file counts @returns null for a format nothing reads */
export function openRecords(path: string, format: string, request: ReadRequest, bytes?: number): OpenRecords | null {
  const whole = (records: FileReading): OpenRecords => ({ records, readBytes: () => 0, close: () => undefined });
  if (format === 'zip') return whole(readZip(path, request));
  if (format === 'tsdb-block') return whole(readBlock(path));
  if (format === 'parquet') return whole(readTable(parquetRows(path), request, request.mapping));
  if (!isReadable(format)) return null;
  const file = openFile(path, { bytes });
  return { records: readContent(format, file.content(), request), readBytes: () => file.readBytes(), close: () => file.close() };
}
/** The columns of a table, its first rows, and what they are read as. @throws FaultlineError bad_request for what is no table */
export async function previewFile(path: string, format: string, mapping: TableMapping | null): Promise<TablePreview> {
  if (format === 'parquet') return previewTable(parquetRows(path), mapping);
  if (format !== 'csv' && format !== 'ndjson')
    throw new FaultlineError('bad_request', `A file of the format "${format}" has no columns to map.`);
  const file: OpenFile = openFile(path);
  try {
    return await previewTable((format === 'csv' ? readCsvRows : readObjectRows)(file.content()), mapping);
  } finally {
    file.close();
  }
}
async function* parquetRows(path: string): TableRows {
  // DuckDB is large: loaded for the files that need it only.
  const { readParquetRows } = await import('#store/files/parquet-rows.ts');
  let line = 0;
  try {
    for await (const rows of readParquetRows(path))
      for (const row of rows) {
        const cells = Object.fromEntries(Object.entries(row).map(([name, value]): [string, Cell] => [name, cellOf(value)]));
        yield { line: ++line, offset: 0, cells } satisfies TableRow;
      }
  } catch (error) {
    yield { line: line + 1, reason: 'malformed', message: `the Parquet file cannot be read: ${(error as Error).message.split('\n')[0]}` };
  }
}
