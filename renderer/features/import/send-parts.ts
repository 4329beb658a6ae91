import { FILE_LIMITS } from '#contracts/file-formats.ts';
import type { FileJob } from '#contracts/import-files.ts';
import { ApiError, api, apiPath } from '../../lib/api.ts';
import { m } from '../../paraglide/messages.js';

/** How long a console that is away or restarting is asked again. */
const PATIENCE_MS = 60_000;
const sleep = (ms: number): Promise<void> => new Promise((done) => window.setTimeout(done, ms));

export interface SendOptions {
  /** Resolves when the sending may go on; null: it may. */
  readonly rest: () => Promise<void> | null;
  readonly stopped: () => boolean;
  readonly onJob: (job: FileJob) => void;
}
/** Sends a file piece by piece: memory holds one of them, a lost answer is asked for again. @returns null when it was stopped */
export async function sendParts(file: File, { rest, stopped, onJob }: SendOptions): Promise<FileJob | null> {
  let job = await api.post<FileJob>('/console/uploads', { name: file.name, bytes: file.size });
  onJob(job);
  while (job.state === 'receiving') {
    await rest();
    if (stopped()) return null;
    const offset = job.receivedBytes;
    const piece = await pieceOf(file, offset);
    job = await patiently(() => api.send<FileJob>(apiPath(`uploads/${job.id}/part`, { offset }), piece));
    onJob(job);
  }
  return job;
}
/** Read before it is sent: of a request that fails for its file the browser says no more than that it failed. */
async function pieceOf(file: File, offset: number): Promise<Blob> {
  try {
    return new Blob([await file.slice(offset, offset + FILE_LIMITS.partBytes).arrayBuffer()]);
  } catch (error) {
    throw new Error(m.import_unreadable({ says: (error as Error).message }), { cause: error });
  }
}
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (let waitMs = 250; ; waitMs = Math.min(waitMs * 2, 4_000)) {
    try {
      return await call();
    } catch (error) {
      const passes = error instanceof ApiError && (error.status === 0 || error.status === 503);
      if (!passes || Date.now() + waitMs > until) throw error;
      await sleep(waitMs);
    }
  }
}
