import { readFileSync } from 'node:fs';

/** A process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to its start (Linux); '' where that is not to be had. */
  readonly startedTicks: string;
}
export function identify(pid: number): ProcessIdentity {
  try {
    // The name in parentheses may hold anything: fields count from the last ")".
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { pid, startedTicks: fields[0] === 'Z' ? 'ended' : (fields[19] ?? '') };
  } catch {
    return { pid, startedTicks: '' };
  }
}
/** Whether that very process still runs. */
export function isAlive(process_: ProcessIdentity): boolean {
  try {
    process.kill(process_.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return identify(process_.pid).startedTicks === process_.startedTicks;
}
