import { createHash } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { FileError, hashFile, readHead } from '#collectors/files/open-file.ts';
import { recognise } from '#collectors/files/recognise.ts';
import { parseMapping } from '#collectors/files/table/propose-mapping.ts';
import { blockFiles, isBlockFolder } from '#collectors/files/tsdb/read-block.ts';
import type { Bill } from '#contracts/cost.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { FORMATS, isFileFormat, TABLE_FORMATS } from '#contracts/file-formats.ts';
import type { BeginImport, ImportMeter, ImportResult, ImportTicket, Recognition, TableMapping } from '#contracts/import-files.ts';
import { previewFile } from './open-records.ts';
import { type ImportControl, runImport } from './run-import.ts';

/** The console's book of imports, here or behind its API. */
export interface ImportBookDoor {
  begin(request: BeginImport): Promise<ImportTicket>;
  progress(id: string, doneRequests: number): Promise<unknown>;
  end(id: string, result: ImportResult): Promise<unknown>;
  /** Takes a FOCUS bill; it goes to the store, not through the receiver. */
  takeBill(name: string, path: string): Promise<Bill>;
}
export interface PathImport {
  readonly path: string;
  /** As it is shown; its last part names the service of lines that name none. */
  readonly name: string;
  readonly book: ImportBookDoor;
  readonly ingestUrl: string;
  /** Said by a person; null: told by the content. */
  readonly format?: string | null;
  readonly mapping?: TableMapping | null;
  /** "time=ts,body=message" over what is proposed. */
  readonly map?: string | null;
  readonly again?: boolean;
  readonly control?: ImportControl;
  readonly onMeter?: (meter: ImportMeter & { readonly totalBytes: number }) => void;
}
/** How often the console is told how far an import came. */
const SAVE_MS = 2_000;

const refusedFile = (file: string, format: string, reason: string, message: string): ImportResult => ({
  file,
  format,
  accepted: { traces: 0, logs: 0, metrics: 0 },
  refused: [{ line: null, reason, message }],
  refusedCount: 1,
  minTimeMs: null,
  maxTimeMs: null,
});
/** @param isWhole nothing will be added to it */
export async function recogniseFile(path: string, isWhole = true): Promise<Recognition> {
  const head = await readHead(path);
  if (head.problem !== '') return { format: null, candidates: [], compression: head.compression, says: head.problem, why: 'compression' };
  return recognise(head.bytes, head.whole && isWhole, head.compression);
}

/**
 * One file from disk: told by its content, looked up by its content, sent, and put down. Never throws for what is in the file.
 * @throws FaultlineError bad_request for a format there is not, import_stopped when the console takes nothing more
 */
export async function importPath(request: PathImport): Promise<ImportResult> {
  const { path, name, book } = request;
  if (request.format && !isFileFormat(request.format))
    throw new FaultlineError('bad_request', `There is no format "${request.format}". Known: ${Object.keys(FORMATS).join(', ')}.`);
  try {
    const isBlock = isBlockFolder(path);
    const facts = statSync(path);
    if (!isBlock && !facts.isFile()) throw new FileError('unreadable', whyNoFile(facts));
    // A file that is being written is imported as far as it goes now.
    const bytes = isBlock ? blockFiles(path).reduce((sum, file) => sum + statSync(file).size, 0) : facts.size;
    const recognition: Recognition = isBlock
      ? { format: 'tsdb-block', candidates: ['tsdb-block'], compression: 'none', says: '', why: '' }
      : await recogniseFile(path);
    const format = request.format ?? recognition.format;
    if (format === null) return refusedFile(name, 'unknown', 'unsupported_content_type', hint(recognition));
    if (format === 'focus-csv') return billResult(name, await book.takeBill(name, path));
    const suffix = recognition.compression === 'none' ? '' : `+${recognition.compression}`;
    const sha256 = await hashOf(path, format, bytes);
    const mapping = request.map ? parseMapping(request.map, await proposed(path, format)) : (request.mapping ?? null);
    const ticket = await book.begin({ name, bytes, sha256, format, mapping, again: request.again ?? false });
    if (ticket.before) return alreadyThere(name, ticket.before);
    const result = { ...(await send({ ...request, mapping }, format, ticket, bytes)), format: `${format}${suffix}` };
    await book.end(ticket.id, result);
    return result;
  } catch (error) {
    if (error instanceof FileError) return refusedFile(name, 'unknown', error.reason, error.message);
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof FaultlineError || code === undefined) throw error;
    return refusedFile(name, 'unknown', 'unreadable', (error as Error).message);
  }
}
function whyNoFile(facts: Stats): string {
  if (facts.isDirectory()) return 'it is a folder that cannot be listed';
  return 'it is no regular file (a pipe, a socket or a device); what comes by a pipe is imported with: faultline import - < PIPE';
}
/** Of all files of a block; of an archive and a Parquet file as they are. */
async function hashOf(path: string, format: string, bytes: number): Promise<string> {
  if (format !== 'tsdb-block') return hashFile(path, { bytes });
  const hashes: string[] = [];
  for (const file of blockFiles(path)) hashes.push(await hashFile(file));
  return createHash('sha256').update(hashes.join()).digest('hex');
}
async function proposed(path: string, format: string): Promise<TableMapping | null> {
  return isTable(format) ? (await previewFile(path, format, null)).mapping : null;
}
const isTable = (format: string): boolean => (TABLE_FORMATS as readonly string[]).includes(format);
const hint = ({ says, candidates }: Recognition): string =>
  candidates.length > 1 ? `${says} (faultline import --format ${candidates[0]})` : says;
async function send(request: PathImport, format: string, ticket: ImportTicket, totalBytes: number): Promise<ImportResult> {
  const { book } = request;
  let savedMs = performance.now();
  let saving: Promise<unknown> = Promise.resolve();
  const result = await runImport({
    path: request.path,
    name: request.name,
    format,
    bytes: totalBytes,
    mapping: request.mapping ?? null,
    ticket,
    ingestUrl: request.ingestUrl,
    ...(request.control ? { control: request.control } : {}),
    onMeter: (meter) => {
      request.onMeter?.({ ...meter, totalBytes });
      if (performance.now() - savedMs < SAVE_MS) return;
      savedMs = performance.now();
      // Only spares sending again what is there: a failure costs nothing but that.
      saving = saving.then(() => book.progress(ticket.id, meter.doneRequests)).catch(() => undefined);
    },
  });
  await saving;
  return result;
}
export function alreadyThere(file: string, before: NonNullable<ImportTicket['before']>): ImportResult {
  const { format, minTimeMs, maxTimeMs } = before.result;
  const accepted = { traces: 0, logs: 0, metrics: 0 };
  return { file, format, accepted, refused: [], refusedCount: 0, minTimeMs, maxTimeMs, alreadyImportedMs: before.finishedMs };
}
export function billResult(file: string, bill: Bill): ImportResult {
  const refused = bill.problems
    .filter((problem) => problem.refused)
    .map(({ line, code, says, todo }) => ({ line, reason: code, message: `${says} ${todo}` }));
  const nothing = { traces: 0, logs: 0, metrics: 0 };
  const format = bill.focusVersion === '' ? 'focus-csv' : `focus-${bill.focusVersion}-csv`;
  return { file, format, accepted: nothing, refused, refusedCount: refused.length, minTimeMs: null, maxTimeMs: null, bill };
}
