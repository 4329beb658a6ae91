import { readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import { bytesText } from '#contracts/figure-text.ts';

/** Intermediate results of all statements together, bytes. */
const MAX_TEMP_BYTES = 32 * 1024 ** 3;

/** What DuckDB may put on disk: half of what is free, so that the journal and the store can go on beside it. */
export const tempLimitBytes = (freeBytes: number): number => Math.min(MAX_TEMP_BYTES, Math.floor(freeBytes / 2));
export const tempLimitSql = (bytes: number): string => `SET max_temp_directory_size = '${Math.floor(bytes / 1024)}KiB'`;
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
/** No room on the disk or in memory: DuckDB says so in four paragraphs about settings that are not the user's. */
export function orNoRoom(cause: unknown): unknown {
  const says = cause instanceof Error ? cause.message : '';
  const temp = /failed to offload data block[^(]*\(([^)]*) used\)/.exec(says)?.[1];
  if (temp) return new FaultlineError('temp_full', `There is no more disk for intermediate results (${decimal(temp)} used).`, { cause });
  const memory = /^Out of Memory Error: [^(]*\(([^)]*) used\)/.exec(says)?.[1];
  if (memory)
    return new FaultlineError('query_memory', `There is no more memory for what a query holds (${decimal(memory)} used).`, { cause });
  return cause;
}
/** "4.0 MiB/4.0 MiB" as sizes read here. */
const decimal = (text: string): string =>
  text.replace(/([\d.]+) ([KMGT])iB/g, (_, amount: string, letter: string) =>
    bytesText(Number(amount) * 1024 ** (1 + 'KMGT'.indexOf(letter))),
  );
/** What a killed process left in tmp/: bills handed in, and blocks of a DuckDB that is no more. */
export function sweepTemp(dataDir: string): void {
  const folder = join(dataDir, 'tmp');
  const startedMs = Date.now() - process.uptime() * 1000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!name.startsWith('bill-') && !name.startsWith('duckdb_temp_')) continue;
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? startedMs) < startedMs) rmSync(path, { force: true });
  }
}
