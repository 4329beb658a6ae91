import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';

export interface DataDir {
  readonly path: string;
  readonly readOnly: boolean;
  /** Writes the lock file; called once DuckDB's own lock on the catalog is held. */
  claim(): void;
  release(): void;
}
/** Folders this thread has open. DuckDB's own file lock is per process and would let a second opener in. */
const open = new Set<string>();
interface Holder {
  readonly pid: number;
  /** Start of that process, so that a number used again is not taken for its first owner. */
  readonly startedMs: number;
}
const startedMs = (): number => Math.round(Date.now() - process.uptime() * 1000);

/**
 * Takes the data folder. A folder that cannot be written is opened read-only if it holds a catalog.
 * Against other processes DuckDB's lock on the catalog decides (it goes away with its owner); the lock file tells who
 * it is, and keeps a second thread of this process out.
 * @throws data_dir_locked, data_dir_not_writable
 */
export function openDataDir(dataDir: string): DataDir {
  const path = resolve(dataDir);
  if (open.has(path)) throw new FaultlineError('data_dir_locked', `${path} is already open in this process`);
  const readOnly = !prepare(path);
  const lockPath = join(path, 'store.lock');
  if (!readOnly) {
    const holder = readHolder(lockPath);
    if (holder?.pid === process.pid && Math.abs(holder.startedMs - startedMs()) < 2_000)
      throw new FaultlineError('data_dir_locked', `${path} is already open in this process`);
  }
  open.add(path);
  let claimed = false;
  return {
    path,
    readOnly,
    claim: () => {
      claimed = !readOnly;
      if (claimed) writeFileSync(lockPath, JSON.stringify({ pid: process.pid, startedMs: startedMs() } satisfies Holder));
    },
    release: () => {
      if (open.delete(path) && claimed) rmSync(lockPath, { force: true });
    },
  };
}

/** false: it is there and readable, but cannot be written. */
function prepare(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    mkdirSync(join(path, 'tmp'), { recursive: true });
    return true;
  } catch (cause) {
    if (existsSync(join(path, 'catalog.duckdb'))) return false;
    throw new FaultlineError('data_dir_not_writable', `${path}: ${(cause as Error).message}`, { cause });
  }
}
function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    // Absent, or cut off by a crash: DuckDB's lock decides.
    return null;
  }
}
