import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

const identitySchema = z.object({ pid: z.number().int().positive(), startedTicks: z.string() });
const lockSchema = z.object({ supervisor: identitySchema, children: z.array(identitySchema) });
type Lock = z.infer<typeof lockSchema>;

/** Longest wait for children that a killed supervisor left behind: they drain, then end. */
const ORPHAN_MS = 9_000;
/** Between tries to write the lock on a full disk. */
const NOTE_AGAIN_MS = 1_000;
const lockFile = (dataDir: string): string => join(dataDir, 'supervisor.lock');

export interface FolderLock {
  /** Notes the children, so that whoever comes after a kill -9 of this process waits for them. */
  noteChildren(pids: readonly number[]): void;
  /** Safe twice. */
  release(): void;
}

function readLock(dataDir: string): Lock | null {
  try {
    return lockSchema.safeParse(parseJson(readFileSync(lockFile(dataDir), 'utf8'))).data ?? null;
  } catch {
    return null;
  }
}
/** The system names neither the folder above that refuses nor, under /proc for one, the right reason. */
function makeFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    let above = dirname(dataDir);
    while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
    const says = `The data folder ${dataDir} cannot be made: nothing can be written in ${above} (${(error as NodeJS.ErrnoException).code}).`;
    throw new FaultlineError('data_dir_not_writable', says, { cause: error });
  }
}
function refuseUnwritable(dataDir: string, error: unknown): never {
  throw new FaultlineError('data_dir_not_writable', `The data folder ${dataDir} cannot be written: ${(error as Error).message}.`, {
    cause: error,
  });
}
/** One write that either makes the file or finds it there: two starts at once cannot both succeed. */
function tryLock(dataDir: string, lock: Lock): boolean {
  makeFolder(dataDir);
  try {
    writeFileSync(lockFile(dataDir), JSON.stringify(lock), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    return refuseUnwritable(dataDir, error);
  }
}
/** Removes a stale lock. Two takers may have seen the same one: what was moved aside is looked at again. */
function takeAway(dataDir: string): void {
  const aside = `${lockFile(dataDir)}.stale-${process.pid}`;
  try {
    renameSync(lockFile(dataDir), aside);
    const moved = lockSchema.safeParse(parseJson(readFileSync(aside, 'utf8')));
    if (moved.success && isAlive(moved.data.supervisor)) {
      renameSync(aside, lockFile(dataDir));
      throw new FaultlineError('data_dir_locked', `Process ${moved.data.supervisor.pid} has just taken the data folder ${dataDir}.`);
    }
    rmSync(aside, { force: true });
  } catch (error) {
    if (error instanceof FaultlineError) throw error;
    // Gone already: another taker was faster, and the next step finds its lock.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') refuseUnwritable(dataDir, error);
  }
}
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
async function outliveOrphans(orphans: readonly ProcessIdentity[], log: (line: string) => void): Promise<void> {
  const deadlineMs = Date.now() + ORPHAN_MS;
  let left = orphans.filter(isAlive);
  if (left.length > 0) log(`waiting for ${left.length} process${left.length > 1 ? 'es' : ''} that the last run left behind`);
  while (left.length > 0 && Date.now() < deadlineMs) {
    await new Promise((done) => setTimeout(done, 50));
    left = left.filter(isAlive);
  }
  for (const { pid } of left) {
    log(`process ${pid} of the last run does not end: ended by force`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }
}

/**
 * Takes the data folder for this supervisor. A lock whose owner is gone is taken over, after its children have ended.
 * @throws FaultlineError data_dir_locked, data_dir_not_writable
 */
export async function lockFolder(dataDir: string, log: (line: string) => void): Promise<FolderLock> {
  const supervisor = identify(process.pid);
  const write = (children: readonly ProcessIdentity[]): void => {
    const fresh = `${lockFile(dataDir)}.${process.pid}`;
    writeFileSync(fresh, JSON.stringify({ supervisor, children }), { mode: 0o600 });
    renameSync(fresh, lockFile(dataDir));
  };
  if (!tryLock(dataDir, { supervisor, children: [] })) {
    const old = readLock(dataDir);
    if (old && isAlive(old.supervisor)) {
      throw new FaultlineError('data_dir_locked', `Process ${old.supervisor.pid} uses the data folder ${dataDir}.`);
    }
    takeAway(dataDir);
    if (!tryLock(dataDir, { supervisor, children: old?.children ?? [] })) {
      throw new FaultlineError('data_dir_locked', `Another Faultline has just taken the data folder ${dataDir}.`);
    }
    await outliveOrphans(old?.children ?? [], log);
  }
  let held = true;
  let again: NodeJS.Timeout | null = null;
  // Full disks must not end the one process that starts all others: until it is written, a start after a kill meets the locks of
  // the journal and the store instead.
  const note = (children: readonly ProcessIdentity[], told: boolean): void => {
    if (again) clearTimeout(again);
    again = null;
    if (!held) return;
    try {
      write(children);
    } catch (error) {
      if (!told) log(`the lock of ${dataDir} cannot name the processes that run: ${(error as Error).message}; trying again`);
      again = setTimeout(() => note(children, true), NOTE_AGAIN_MS).unref();
    }
  };
  return {
    noteChildren: (pids) => note(pids.map(identify), again !== null),
    release: () => {
      if (again) clearTimeout(again);
      if (held && readLock(dataDir)?.supervisor.pid === process.pid) rmSync(lockFile(dataDir), { force: true });
      held = false;
    },
  };
}
