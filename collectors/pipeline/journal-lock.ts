import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';

const LOCK_FILE = 'lock';
const ATTEMPTS = 5;

/** What the kernel says of a process (proc_pid_stat(5)): whether it has ended, and when it began, in its own ticks; '' where it does not tell. */
function statOf(pid: number): { readonly ended: boolean; readonly start: string } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // A thread of a zombie may still be in a write that cannot be interrupted.
    return { ended: fields[0] === 'Z' && Number(fields[17]) <= 1, start: fields[19] ?? '' };
  } catch {
    return { ended: false, start: '' };
  }
}
const startOf = (pid: number): string => statOf(pid).start;
/** The start tells a number used again from the old holder. A zombie writes no more, and where process 1 reaps nothing it stays for good. */
function isAlive(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = statOf(pid);
  if (now.ended) return false;
  return start === '' || now.start === '' || now.start === start;
}
function holderOf(file: string): { readonly pid: number; readonly start: string; readonly text: string } | null {
  try {
    const text = readFileSync(file, 'utf8');
    const [pid = '', start = ''] = text.trim().split(' ');
    return { pid: Number(pid), start, text };
  } catch {
    return null;
  }
}

/**
 * One writer per journal folder. A lock whose holder is dead (kill -9) is taken over.
 * @returns what releases it, safe twice
 * @throws FaultlineError data_dir_locked, data_dir_not_writable
 */
export function lockJournal(dir: string): () => void {
  const file = path.join(dir, LOCK_FILE);
  const own = `${process.pid} ${startOf(process.pid)}\n`;
  const draft = `${file}-${process.pid}`;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(draft, own);
  } catch (cause) {
    throw new FaultlineError('data_dir_not_writable', `cannot write into ${dir}: ${(cause as Error).message}`, { cause });
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (tryLink(draft, file)) return () => releaseLock(file, own);
      const holder = holderOf(file);
      if (holder === null) continue;
      if (holder.pid > 0 && isAlive(holder.pid, holder.start)) {
        throw new FaultlineError('data_dir_locked', `process ${holder.pid} is writing the journal in ${dir}`);
      }
      takeAway(file, holder.text);
    }
    throw new FaultlineError('data_dir_locked', `the lock of the journal in ${dir} keeps changing hands`);
  } finally {
    unlinkSync(draft);
  }
}
/** A link appears whole or not at all: no other process reads a half-written holder. */
function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
  }
  // A file system without links (exFAT): exclusive creation instead.
  try {
    writeFileSync(file, readFileSync(draft), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
/** Moves a dead holder's lock away; if another process was quicker and the file is now its own, it is put back. */
function takeAway(file: string, expected: string): void {
  const aside = `${file}-stale-${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== expected) renameSync(aside, file);
    else unlinkSync(aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
function releaseLock(file: string, own: string): void {
  if (holderOf(file)?.text === own) unlinkSync(file);
}
