import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './rig.ts';
import type { Round } from './round.ts';

let missing: string | null | undefined;
/** Why nothing can be injected here; null when it can. */
export function straceMissing(): string | null {
  if (missing !== undefined) return missing;
  try {
    // The right to trace is what containers lack.
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    missing = null;
  } catch (error) {
    missing = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no strace here: apt-get install strace' : 'strace may not trace here';
  }
  return missing;
}
export interface Injection {
  /** Calls that were changed so far. */
  count(): number;
  stop(): Promise<void>;
}
/**
 * Changes system calls of a running process: `pwritev:error=EIO:when=3+4`, `fdatasync:delay_enter=300000`,
 * `rename:signal=SIGKILL:when=2` (strace(1), "Tampering"). Resolves when it is in force.
 */
export async function inject(round: Round, pid: number, what: string): Promise<Injection> {
  const file = join(round.folder(), 'strace.txt');
  const calls = what.slice(0, what.indexOf(':'));
  const args = ['-f', '-qq', '-o', file, '-e', `trace=${calls}`, '-e', `inject=${what}`, '-p', String(pid)];
  const tracer: ChildProcess = spawn('strace', args, { stdio: 'ignore' });
  const gone = new Promise<void>((done) => tracer.once('exit', () => done()));
  let ended = false;
  void gone.then(() => {
    ended = true;
  });
  const stop = async (): Promise<void> => {
    tracer.kill('SIGINT');
    // It was seen to stay when its process was killed amid a delay. Without a tracer the calls are as they were.
    const last = setTimeout(() => tracer.kill('SIGKILL'), 2_000);
    await gone;
    clearTimeout(last);
  };
  round.atEnd(stop);
  const tracedBy = (): number => Number(/^TracerPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  await until('strace to be attached', () => ended || tracedBy() === tracer.pid, 10);
  const text = (): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  return { count: () => (text().match(/\(INJECTED\)|\(DELAYED\)|killed by SIGKILL/g) ?? []).length, stop };
}
