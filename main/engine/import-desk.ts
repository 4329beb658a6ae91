import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { writeAt } from '#collectors/pipeline/disk-file.ts';
import type { Bill } from '#contracts/cost.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { FILE_LIMITS, isFileFormat } from '#contracts/file-formats.ts';
import type { FileJob, ImportMeter, ImportTicket, StartJob, TableMapping, TablePreview } from '#contracts/import-files.ts';
import type { ImportCall, ImportNews } from '#contracts/import-process.ts';
import type { ParentPort } from '#contracts/processes.ts';
import { alreadyThere, billResult, recogniseFile } from '#main/import/import-path.ts';
import type { ImportBook } from './import-book.ts';

export interface ImportDeskOptions {
  readonly dataDir: string;
  readonly diskReserveBytes: number;
  readonly book: ImportBook;
  readonly send: ParentPort['send'];
  readonly ingestUrl: () => string;
  readonly takeBill: (name: string, path: string) => Promise<Bill>;
  /** Makes what came in queryable. */
  readonly drained: () => Promise<unknown>;
  readonly nowMs: () => number;
}
type Job = { -readonly [K in keyof FileJob]: FileJob[K] };
interface Own {
  readonly job: Job;
  readonly path: string;
  file: FileHandle | null;
  /** One part at a time. */
  writing: Promise<unknown>;
  start: StartJob | null;
  /** What is under way for it. */
  doing: 'hash' | 'import' | 'bill' | null;
  ticket: ImportTicket | null;
  /** When somebody last asked for it. */
  touchedMs: number;
  mark: { readonly ms: number; readonly bytes: number; readonly items: number };
  savedMs: number;
}
/** The importer is ended this long after its last call. */
const IDLE_MS = 30_000;
const PREVIEW_MS = 30_000;
const SAVE_MS = 2_000;
/** A file that nobody sends on, starts or asks for is forgotten after that. */
const ABANDONED_MS = 24 * 3600 * 1_000;
const ENDED: readonly FileJob['state'][] = ['done', 'failed', 'cancelled'];

/**
 * Files a page sends in pieces, and what becomes of them. Kept in tmp/ until they are in; one is imported at a time, by a process of its
 * own. A restart of the engine forgets them: the page sends them again, and nothing comes in twice.
 */
export class ImportDesk {
  private readonly options: ImportDeskOptions;
  private readonly jobs = new Map<string, Own>();
  private readonly previews = new Map<string, { resolve: (preview: TablePreview) => void; reject: (error: Error) => void }>();
  private running: string | null = null;
  private idle: NodeJS.Timeout | null = null;

  constructor(options: ImportDeskOptions) {
    this.options = options;
  }
  list(): FileJob[] {
    return [...this.jobs.values()].map(({ job }) => ({ ...job }));
  }
  /** @throws FaultlineError bad_request, temp_full */
  async create(name: string, bytes: number): Promise<FileJob> {
    const { dataDir, diskReserveBytes } = this.options;
    this.forgetAbandoned();
    if (this.jobs.size >= FILE_LIMITS.jobs) this.forgetOldest();
    const folder = path.join(dataDir, 'tmp');
    await mkdir(folder, { recursive: true });
    const { bavail, bsize } = await statfs(folder);
    if (bytes > bavail * bsize - diskReserveBytes)
      throw new FaultlineError('temp_full', `${name} has ${bytes} bytes: there is not enough free disk to keep it while it is read.`);
    const id = randomUUID();
    const job: Job = {
      id,
      name,
      bytes,
      receivedBytes: 0,
      state: 'receiving',
      recognition: null,
      format: null,
      readBytes: 0,
      items: 0,
      refusedCount: 0,
      bytesPerSecond: 0,
      itemsPerSecond: 0,
      error: '',
      result: null,
    };
    const own: Own = {
      job,
      path: path.join(folder, `upload-${id}`),
      file: null,
      writing: Promise.resolve(),
      start: null,
      doing: null,
      ticket: null,
      touchedMs: this.options.nowMs(),
      mark: { ms: this.options.nowMs(), bytes: 0, items: 0 },
      savedMs: 0,
    };
    own.file = await open(own.path, 'w', 0o600);
    this.jobs.set(id, own);
    if (bytes === 0) await this.received(own);
    return { ...job };
  }
  private forgetAbandoned(): void {
    const before = this.options.nowMs() - ABANDONED_MS;
    for (const own of this.jobs.values())
      if (['receiving', 'ready', 'failed'].includes(own.job.state) && own.touchedMs < before) void this.finish(own, 'cancelled');
  }
  private forgetOldest(): void {
    const [oldest] = [...this.jobs.values()].filter(({ job }) => ENDED.includes(job.state));
    if (!oldest) throw new FaultlineError('bad_request', `${FILE_LIMITS.jobs} files are being imported already.`);
    this.jobs.delete(oldest.job.id);
    void rm(oldest.path, { force: true });
  }
  /** The next piece; one that was sent before, after a lost answer, is passed over. @throws FaultlineError conflict, not_found */
  part(id: string, offset: number, bytes: Uint8Array): Promise<FileJob> {
    const own = this.of(id);
    const result = own.writing.then(async () => {
      const { job } = own;
      if (job.state !== 'receiving' || offset + bytes.length <= job.receivedBytes) return { ...job };
      if (offset !== job.receivedBytes)
        throw new FaultlineError('conflict', `The next piece of ${job.name} begins at byte ${job.receivedBytes}.`);
      if (offset + bytes.length > job.bytes) throw new FaultlineError('bad_request', `${job.name} was said to have ${job.bytes} bytes.`);
      await this.write(own, bytes, offset);
      job.receivedBytes += bytes.length;
      if (job.recognition === null && (job.receivedBytes >= FILE_LIMITS.headBytes || job.receivedBytes === job.bytes)) await this.look(own);
      if (job.receivedBytes === job.bytes) await this.received(own);
      return { ...job };
    });
    own.writing = result.catch(() => undefined);
    return result;
  }
  private async write({ job, file }: Own, bytes: Uint8Array, offset: number): Promise<void> {
    try {
      if (file) await writeAt(file.fd, [bytes], offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw new FaultlineError('temp_full', `${job.name}: the disk is full after ${job.receivedBytes} bytes of it.`);
    }
  }
  private async look({ job, path: file }: Own): Promise<void> {
    job.recognition = await recogniseFile(file, job.receivedBytes === job.bytes);
    job.format = job.recognition.format;
  }
  private async received(own: Own): Promise<void> {
    await own.file?.close();
    own.file = null;
    await this.look(own);
    own.job.state = 'ready';
  }
  preview(id: string, format: string, mapping: TableMapping | null): Promise<TablePreview> {
    const own = this.of(id);
    if (own.job.state === 'receiving') throw new FaultlineError('bad_request', `${own.job.name} is not here as a whole yet.`);
    return new Promise((resolve, reject) => {
      const call = randomUUID();
      const timer = setTimeout(() => this.previews.get(call)?.reject(new Error('it took too long')), PREVIEW_MS);
      const end = (): void => {
        clearTimeout(timer);
        this.previews.delete(call);
        this.rest();
      };
      this.previews.set(call, {
        resolve: (preview) => {
          end();
          resolve(preview);
        },
        reject: (error) => {
          end();
          reject(new FaultlineError('bad_request', `${own.job.name} cannot be shown as a table: ${error.message}.`));
        },
      });
      this.call({ call: 'preview', id: call, path: own.path, format, mapping });
    });
  }
  /** @throws FaultlineError bad_request, not_found */
  start(id: string, request: StartJob): FileJob {
    const own = this.of(id);
    const { job } = own;
    const format = request.format ?? job.format;
    const isAgain = job.state === 'done' && Boolean(job.result?.alreadyImportedMs);
    if (job.state !== 'ready' && job.state !== 'failed' && !isAgain)
      throw new FaultlineError('bad_request', `${job.name} is ${job.state}.`);
    if (format === null || !isFileFormat(format))
      throw new FaultlineError('bad_request', `It is not known what ${job.name} is: say a format.`);
    Object.assign(job, { format, state: 'waiting', error: '', result: null, readBytes: 0, items: 0, refusedCount: 0 });
    own.start = request;
    this.next();
    return { ...job };
  }
  control(id: string, action: 'pause' | 'resume' | 'cancel'): FileJob {
    const own = this.of(id);
    const { job } = own;
    if (this.running !== id) {
      if (action === 'cancel' && (!ENDED.includes(job.state) || job.state === 'failed')) void this.finish(own, 'cancelled');
    } else if (own.doing === 'hash' || own.doing === 'import') {
      // A bill is one transaction: it neither rests nor ends half-way.
      this.options.send({ type: 'import-call', call: { call: 'control', id, action } });
      if (action === 'cancel' && own.doing === 'hash') void this.finish(own, 'cancelled');
      if (action === 'pause' && job.state === 'running') job.state = 'paused';
      if (action === 'resume' && job.state === 'paused') job.state = 'running';
      own.mark = { ms: this.options.nowMs(), bytes: job.readBytes, items: job.items };
    }
    return { ...job };
  }

  hear(news: ImportNews): void {
    if (news.news === 'preview') this.previews.get(news.id)?.resolve(news.preview);
    else if (news.news === 'error' && news.call === 'preview') this.previews.get(news.id)?.reject(new Error(news.message));
    const own = this.running === news.id ? this.jobs.get(news.id) : undefined;
    if (!own || own.doing === null) return;
    if (news.news === 'hashed') void this.hashed(own, news.sha256).catch((error: Error) => this.fail(own, error.message));
    else if (news.news === 'progress') this.progress(own, news.meter);
    else if (news.news === 'error') this.fail(own, news.message);
    else if (news.news === 'done') void this.done(own, news.result).catch((error: Error) => this.fail(own, error.message));
  }
  /** The importer ended without being told to. */
  ended(reason: string): void {
    for (const { reject } of [...this.previews.values()]) reject(new Error(`the process that reads it ended (${reason})`));
    const own = this.running === null ? undefined : this.jobs.get(this.running);
    if (own?.doing) this.fail(own, `The process that reads files ended (${reason}). Started again, it goes on behind what is in.`);
  }
  async stop(): Promise<void> {
    if (this.idle) clearTimeout(this.idle);
    this.options.send({ type: 'import-stop' });
    for (const own of this.jobs.values()) await own.file?.close().catch(() => undefined);
  }

  private of(id: string): Own {
    const own = this.jobs.get(id);
    if (!own) throw new FaultlineError('not_found', 'This file is no longer known: send it again.');
    own.touchedMs = this.options.nowMs();
    return own;
  }
  private call(call: ImportCall): void {
    if (this.idle) clearTimeout(this.idle);
    this.idle = null;
    this.options.send({ type: 'import-call', call });
  }
  private rest(): void {
    if (this.running !== null || this.previews.size > 0) return;
    if (this.idle) clearTimeout(this.idle);
    this.idle = setTimeout(() => this.options.send({ type: 'import-stop' }), IDLE_MS);
    this.idle.unref();
  }
  private next(): void {
    if (this.running !== null) return;
    const own = [...this.jobs.values()].find(({ job }) => job.state === 'waiting');
    if (!own) {
      this.rest();
      return;
    }
    const { job } = own;
    this.running = job.id;
    job.state = 'running';
    own.mark = { ms: this.options.nowMs(), bytes: 0, items: 0 };
    own.ticket = null;
    own.doing = job.format === 'focus-csv' ? 'bill' : 'hash';
    if (own.doing === 'bill') void this.takeBill(own);
    else this.call({ call: 'hash', id: job.id, path: own.path });
  }
  private async takeBill(own: Own): Promise<void> {
    try {
      own.job.result = billResult(own.job.name, await this.options.takeBill(own.job.name, own.path));
      await this.finish(own, 'done');
    } catch (error) {
      this.fail(own, (error as Error).message);
    }
  }
  private async hashed(own: Own, sha256: string): Promise<void> {
    const { job, start } = own;
    const { book, ingestUrl } = this.options;
    const format = job.format as string;
    const mapping = start?.mapping ?? null;
    const ticket = await book.begin({ name: job.name, bytes: job.bytes, sha256, format, mapping, again: start?.again ?? false });
    // Cancelled meanwhile.
    if (own.doing !== 'hash') return;
    own.ticket = ticket;
    if (ticket.before) {
      job.result = alreadyThere(job.name, ticket.before);
      await this.finish(own, 'done');
      return;
    }
    own.doing = 'import';
    this.call({ call: 'import', id: job.id, path: own.path, name: job.name, format, mapping, ticket, ingestUrl: ingestUrl() });
    if (job.state === 'paused') this.call({ call: 'control', id: job.id, action: 'pause' });
  }
  private progress(own: Own, meter: ImportMeter): void {
    const now = this.options.nowMs();
    const { job, mark, ticket } = own;
    Object.assign(job, { readBytes: meter.readBytes, items: meter.items, refusedCount: meter.refusedCount });
    const seconds = (now - mark.ms) / 1_000;
    if (seconds >= 1) {
      job.bytesPerSecond = Math.max(0, (meter.readBytes - mark.bytes) / seconds);
      job.itemsPerSecond = Math.max(0, (meter.items - mark.items) / seconds);
      own.mark = { ms: now, bytes: meter.readBytes, items: meter.items };
    }
    if (ticket && now - own.savedMs > SAVE_MS) {
      own.savedMs = now;
      // Only spares sending again what is there.
      void this.options.book.progress(ticket.id, meter.doneRequests).catch(() => undefined);
    }
  }
  private async done(own: Own, result: NonNullable<FileJob['result']>): Promise<void> {
    // All of it is read: whatever becomes of the importer now.
    own.doing = null;
    if (own.ticket) await this.options.book.end(own.ticket.id, result);
    await this.options.drained();
    own.job.result = result;
    await this.finish(own, result.cancelled ? 'cancelled' : 'done');
  }
  private async finish(own: Own, state: 'done' | 'cancelled'): Promise<void> {
    own.doing = null;
    own.job.state = state;
    await own.file?.close().catch(() => undefined);
    own.file = null;
    // Imported before: it may be asked for again.
    if (!own.job.result?.alreadyImportedMs) await rm(own.path, { force: true });
    this.free(own);
  }
  private fail(own: Own, message: string): void {
    own.job.state = 'failed';
    own.job.error = message;
    this.free(own);
  }
  private free(own: Own): void {
    own.doing = null;
    if (this.running === own.job.id) this.running = null;
    this.next();
  }
}
