import path from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import type { ExportManifest, ExportRequest, ExportStatus } from '#contracts/parquet-export.ts';
import type { Store } from '#contracts/store.ts';
import { exportParquet } from '#exporters/parquet/export-parquet.ts';
import { orAborted } from './or-aborted.ts';

export interface ExportRunnerOptions {
  readonly store: Store;
  readonly dataDir: string;
  readonly version: string;
  /** Resolves once everything acknowledged is in the store. */
  readonly drained: () => Promise<unknown>;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
const IDLE: ExportStatus = {
  state: 'none',
  dir: '',
  doneFiles: 0,
  totalFiles: 0,
  rows: 0,
  bytes: 0,
  at: '',
  error: '',
  errorCode: '',
  startedMs: 0,
  endedMs: null,
};

/** One Parquet export at a time; what it is at, and how the last one ended. */
export class ExportRunner {
  status: ExportStatus = IDLE;
  /** Of the last export that was finished. */
  manifest: ExportManifest | null = null;
  private readonly options: ExportRunnerOptions;
  private abort = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(options: ExportRunnerOptions) {
    this.options = options;
  }
  /** Begins; `status` tells the rest. @throws FaultlineError bad_request */
  start({ dir, ...request }: ExportRequest): ExportStatus {
    const { dataDir, nowMs } = this.options;
    if (this.status.state === 'running') throw new FaultlineError('bad_request', `An export to ${this.status.dir} is running already.`);
    if (dir !== undefined && !path.isAbsolute(dir)) throw new FaultlineError('bad_request', `"${dir}" is not an absolute path.`);
    if (request.startMs !== undefined && request.endMs !== undefined && request.startMs >= request.endMs)
      throw new FaultlineError('bad_request', 'The start is not before the end.');
    const name = `parquet-${new Date(nowMs()).toISOString().slice(0, 19).replaceAll(':', '-')}`;
    const folder = dir ?? path.join(dataDir, 'exports', name);
    this.abort = new AbortController();
    this.status = { ...IDLE, state: 'running', dir: folder, startedMs: nowMs() };
    this.running = this.run(folder, request);
    return this.status;
  }
  private async run(dir: string, request: Omit<ExportRequest, 'dir'>): Promise<void> {
    const { store, version, drained, nowMs, log } = this.options;
    try {
      // Under load, or with a journal that cannot be read, the end of it may not come.
      await orAborted(drained(), this.abort.signal);
      await store.flush();
      this.manifest = await exportParquet({
        store,
        dir,
        request,
        version,
        schemaVersion: (await store.facts()).schemaVersion,
        nowMs,
        signal: this.abort.signal,
        onProgress: (progress) => {
          this.status = { ...this.status, ...progress };
        },
      });
      this.status = { ...this.status, state: 'done', endedMs: nowMs() };
    } catch (cause) {
      const cancelled = this.abort.signal.aborted;
      const error = cause instanceof Error ? cause.message : String(cause);
      if (!cancelled) log(`export to ${dir} failed: ${error}`);
      const errorCode = cause instanceof FaultlineError ? cause.code : 'internal';
      const how = cancelled ? ({ state: 'cancelled' } as const) : ({ state: 'failed', error, errorCode } as const);
      this.status = { ...this.status, ...how, endedMs: nowMs() };
    }
  }
  /** What is finished stays; the same request goes on with it. */
  async cancel(): Promise<ExportStatus> {
    this.abort.abort();
    await this.running;
    return this.status;
  }
  async stop(): Promise<void> {
    await this.cancel();
  }
}
