import type { FileFormat } from '#contracts/file-formats.ts';
import type { TableMapping } from '#contracts/import-files.ts';
import type { Bytes, FileReading, ReadContext } from './file-record.ts';
import { FileError } from './open-file.ts';
import { readExposition } from './read-exposition.ts';
import { readHar } from './read-har.ts';
import { readJaeger } from './read-jaeger.ts';
import { readJournalExport } from './read-journal-export.ts';
import { readCloudwatch, readJournalJson, readLogcli, readLokiJson } from './read-log-json.ts';
import { type LineFormat, readLogLines } from './read-log-lines.ts';
import { readOtlpJson, readOtlpLines, readOtlpProtobuf } from './read-otlp.ts';
import { readZipkin } from './read-zipkin.ts';
import { readTable } from './table/read-table.ts';
import { readCsvRows, readObjectRows } from './table/table-rows.ts';

export interface ReadRequest extends ReadContext {
  readonly mapping: TableMapping | null;
}
type Reader = (content: Bytes, request: ReadRequest) => FileReading;
const lines =
  (format: LineFormat): Reader =>
  (content, request) =>
    readLogLines(content, request, format);
/** Formats read from beginning to end; the others need the whole file on disk. */
const READERS: Readonly<Partial<Record<FileFormat, Reader>>> = {
  'otlp-json': readOtlpJson,
  'otlp-jsonl': readOtlpLines,
  'otlp-protobuf': readOtlpProtobuf,
  'jaeger-json': readJaeger,
  'zipkin-json': readZipkin,
  'prometheus-text': (content, request) => readExposition(content, request, 'prometheus'),
  'openmetrics-text': (content, request) => readExposition(content, request, 'openmetrics'),
  'loki-json': readLokiJson,
  'loki-jsonl': readLogcli,
  'cloudwatch-json': readCloudwatch,
  'cloudwatch-export': lines('cloudwatch-export'),
  'kubectl-logs': lines('kubectl-logs'),
  'journal-short': lines('journal-short'),
  'journal-short-iso': lines('journal-short-iso'),
  'journal-json': readJournalJson,
  'journal-export': readJournalExport,
  logfmt: lines('logfmt'),
  'log-text': lines('log-text'),
  har: readHar,
  csv: (content, request) => readTable(readCsvRows(content), request, request.mapping),
  ndjson: (content, request) => readTable(readObjectRows(content), request, request.mapping),
};

export const isReadable = (format: string): boolean => Object.hasOwn(READERS, format);
/** What is in the content, as far as it can be read; then why it goes no further. */
export async function* readContent(format: string, content: Bytes, request: ReadRequest): FileReading {
  let end: FileError | null = null;
  async function* untilBroken(): AsyncGenerator<Uint8Array> {
    try {
      yield* content;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      end = error;
    }
  }
  yield* (READERS[format as FileFormat] as Reader)(untilBroken(), request);
  const { reason, message } = (end ?? {}) as Partial<FileError>;
  if (reason !== undefined && message !== undefined) yield { line: null, reason, message };
}
