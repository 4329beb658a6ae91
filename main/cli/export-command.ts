import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import type { ExportManifest, ExportStatus } from '#contracts/parquet-export.ts';
import { timeFlag } from './parse-values.ts';
import { say } from './serve.ts';
import { type ConsoleClient, type InstanceFlags, json, withConsole } from './with-console.ts';

export interface ExportFlags extends InstanceFlags {
  readonly out: string;
  readonly start?: string;
  readonly end?: string;
  readonly signals?: string;
  readonly json?: boolean;
}
const POLL_MS = 200;
const TELL_MS = 2_000;

/** `faultline export parquet`: waits for the end, tells progress on stderr, a summary on stdout. Ctrl-C cancels. */
export async function exportTelemetry(flags: ExportFlags): Promise<number> {
  const nowMs = Date.now();
  const request = {
    dir: resolve(flags.out),
    ...(flags.start === undefined ? {} : { startMs: timeFlag('--start', flags.start, nowMs) }),
    ...(flags.end === undefined ? {} : { endMs: timeFlag('--end', flags.end, nowMs) }),
    ...(flags.signals === undefined ? {} : { signals: flags.signals.split(',').map((signal) => signal.trim()) }),
  };
  const { status, manifest } = await withConsole({ flags }, async (console) => {
    await console.call('/console/export/parquet', json(request));
    const ended = await followed(console);
    // From the console, which may run on another machine: the folder is of its disk.
    const answer = await console.call('/console/export/parquet/manifest');
    return { status: ended, ...((await answer.json()) as { manifest: ExportManifest | null }) };
  });
  if (status.state === 'failed') {
    const { errorCode } = status;
    throw new FaultlineError(errorCode in ERRORS ? (errorCode as ErrorCode) : 'internal', status.error);
  }
  if (status.state === 'cancelled' || manifest === null) {
    say(`cancelled after ${status.doneFiles} of ${status.totalFiles} files; the same command goes on`);
    return 1;
  }
  process.stdout.write(flags.json ? `${JSON.stringify(manifest)}\n` : describe(manifest, request.dir));
  return 0;
}
async function followed(console: ConsoleClient): Promise<ExportStatus> {
  let cancelled = false;
  const cancel = (): void => {
    cancelled = true;
    void console.call('/console/export/parquet', { method: 'DELETE' }).catch(() => undefined);
  };
  process.on('SIGINT', cancel);
  try {
    for (let toldMs = Date.now(); ; ) {
      const status = (await (await console.call('/console/export/parquet')).json()) as ExportStatus;
      if (status.state !== 'running') return status;
      if (Date.now() - toldMs > TELL_MS && !cancelled) {
        toldMs = Date.now();
        say(`${status.doneFiles}/${status.totalFiles} files, ${status.rows} rows: ${status.at}`);
      }
      await sleep(POLL_MS);
    }
  } finally {
    process.off('SIGINT', cancel);
  }
}
function describe({ tables, files }: ExportManifest, dir: string): string {
  const lines = Object.entries(tables).map(([table, each]) => `${table}: ${each.rows} rows in ${each.files} files`);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `${[...(lines.length > 0 ? lines : ['no rows in this range']), `${bytes} bytes in ${dir}`].join('\n')}\n`;
}
