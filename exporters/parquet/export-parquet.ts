import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { appendFile, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FaultlineError } from '#contracts/errors.ts';
import {
  EXPORT_FORMAT,
  EXPORT_TABLES,
  type ExportedFile,
  type ExportManifest,
  type ExportRequest,
  exportedFileSchema,
  type Partition,
} from '#contracts/parquet-export.ts';
import type { QueryOptions, Store } from '#contracts/store.ts';
import { partitionPaths } from './partition-path.ts';

/** Of an export that is not finished: its request, then a line per finished file. A second run goes on after them. */
const JOURNAL = 'export.jsonl';
const MANIFEST = 'manifest.json';

export interface ExportOptions {
  readonly store: Pick<Store, 'partitions' | 'writePartition'>;
  readonly dir: string;
  readonly request: Omit<ExportRequest, 'dir'>;
  readonly version: string;
  readonly schemaVersion: number;
  readonly nowMs: () => number;
  readonly signal?: QueryOptions['signal'];
  readonly onProgress: (progress: ExportProgress) => void;
}
export interface ExportProgress {
  readonly doneFiles: number;
  readonly totalFiles: number;
  readonly rows: number;
  readonly bytes: number;
  readonly at: string;
}
interface Header {
  readonly format: number;
  readonly schemaVersion: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly signals: ExportRequest['signals'];
}

/**
 * Writes everything of a time range as Parquet, one file a table, day and service. Each file is written under another name
 * and renamed when whole; manifest.json comes last, so its presence says that the export is complete.
 * @throws FaultlineError bad_request (the folder holds something else), cancelled, data_dir_not_writable
 */
export async function exportParquet(options: ExportOptions): Promise<ExportManifest> {
  const { store, dir, nowMs, signal, onProgress } = options;
  const { header, done } = await openFolder(options);
  const { startMs, endMs, signals } = header;
  let partitions: readonly Partition[] = [];
  for (const each of signals)
    for (const table of EXPORT_TABLES[each]) partitions = [...partitions, ...(await store.partitions(table, startMs, endMs, signal))];
  const files: ExportedFile[] = [];
  const tell = (at: string): void =>
    onProgress({ doneFiles: files.length, totalFiles: partitions.length, rows: total(files, 'rows'), bytes: total(files, 'bytes'), at });
  const paths = partitionPaths(partitions);
  for (const [i, partition] of partitions.entries()) {
    if (signal?.aborted) throw new FaultlineError('cancelled', 'The export was cancelled; the same command goes on with it.');
    tell(`${partition.table} ${partition.date} ${partition.service}`);
    const relative = paths[i] as string;
    files.push(done.get(relative) ?? (await writeFile(options, header, partition, relative)));
  }
  tell('');
  const manifest: ExportManifest = {
    format: EXPORT_FORMAT,
    version: options.version,
    schemaVersion: options.schemaVersion,
    startMs,
    endMs,
    signals: [...signals],
    createdMs: nowMs(),
    tables: tablesOf(files),
    files,
  };
  await replace(path.join(dir, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(path.join(dir, JOURNAL), { force: true });
  return manifest;
}

async function openFolder({
  dir,
  request,
  schemaVersion,
  nowMs,
}: ExportOptions): Promise<{ header: Header; done: Map<string, ExportedFile> }> {
  const journal = path.join(dir, JOURNAL);
  // Named twice, its rows would be there twice.
  const signals = [...new Set(request.signals)];
  let present: readonly string[];
  try {
    makeFolder(dir);
    // Half a file of a run that was killed; it says nothing about what the folder holds.
    for (const file of [JOURNAL, MANIFEST]) rmSync(path.join(dir, draftOf(file)), { force: true });
    present = readdirSync(dir);
  } catch (cause) {
    throw new FaultlineError('data_dir_not_writable', `${dir}: ${(cause as Error).message}`, { cause });
  }
  const fresh: Header = {
    format: EXPORT_FORMAT,
    schemaVersion,
    startMs: request.startMs ?? 0,
    // Not "everything": what arrives while this runs would be in some partitions and not in others.
    endMs: request.endMs ?? nowMs() + 86_400_000,
    signals,
  };
  if (!present.includes(JOURNAL)) {
    if (present.length > 0)
      throw new FaultlineError(
        'bad_request',
        `${dir} is not empty${present.includes(MANIFEST) ? ': it holds a finished export' : ''}. Choose another folder.`,
      );
    await replace(journal, `${JSON.stringify(fresh)}\n`);
    return { header: fresh, done: new Map() };
  }
  const [first = '{}', ...lines] = readFileSync(journal, 'utf8').split('\n');
  const header = headerOf(first);
  const same =
    header !== null &&
    header.format === EXPORT_FORMAT &&
    header.schemaVersion === schemaVersion &&
    String(header.signals) === String(signals) &&
    (request.startMs === undefined || request.startMs === header.startMs) &&
    (request.endMs === undefined || request.endMs === header.endMs);
  if (!same)
    throw new FaultlineError(
      'bad_request',
      `${dir} holds an unfinished export of another range, signals or version, or none. Choose another folder.`,
    );
  return { header, done: new Map(lines.flatMap((line) => finished(dir, line)).map((file) => [file.path, file])) };
}
function headerOf(line: string): Header | null {
  try {
    return JSON.parse(line) as Header | null;
  } catch {
    return null;
  }
}
/** Node's own recursive mkdir never comes back where a folder is there and takes none (/proc), and the engine with it. */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return;
  makeFolder(path.dirname(dir));
  mkdirSync(dir);
}
/** A file counts when its line is whole and it is there at its size. */
function finished(dir: string, line: string): ExportedFile[] {
  try {
    const file = exportedFileSchema.parse(JSON.parse(line));
    return existsSync(path.join(dir, file.path)) && statSync(path.join(dir, file.path)).size === file.bytes ? [file] : [];
  } catch {
    return [];
  }
}

async function writeFile(
  { store, dir, signal }: ExportOptions,
  { startMs, endMs }: Header,
  partition: Partition,
  relative: string,
): Promise<ExportedFile> {
  const { table, date, service } = partition;
  const file = path.join(dir, relative);
  const unfinished = `${file}.unfinished`;
  mkdirSync(path.dirname(file), { recursive: true });
  try {
    const { rows, sums } = await store.writePartition(partition, startMs, endMs, unfinished, signal);
    const bytes = statSync(unfinished).size;
    const sha256 = await hashOf(unfinished);
    await rename(unfinished, file);
    const exported: ExportedFile = { path: relative, table, date, service, rows, bytes, sha256, sums: { ...sums } };
    await appendFile(path.join(dir, JOURNAL), `${JSON.stringify(exported)}\n`);
    return exported;
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
const total = (files: readonly ExportedFile[], key: 'rows' | 'bytes'): number => files.reduce((sum, file) => sum + file[key], 0);
function tablesOf(files: readonly ExportedFile[]): ExportManifest['tables'] {
  const tables: ExportManifest['tables'] = {};
  for (const { table, rows, sums } of files) {
    const known = tables[table] ?? { rows: 0, files: 0, sums: {} };
    const added = Object.entries(sums).map(([name, sum]) => [name, String(BigInt(sum) + BigInt(known.sums[name] ?? '0'))]);
    tables[table] = { rows: known.rows + rows, files: known.files + 1, sums: Object.fromEntries(added) };
  }
  return tables;
}
const draftOf = (file: string): string => `${file}.new`;
async function replace(file: string, text: string): Promise<void> {
  const handle = await open(draftOf(file), 'w');
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(draftOf(file), file);
}
