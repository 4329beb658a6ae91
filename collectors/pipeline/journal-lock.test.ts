import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { lockJournal } from './journal-lock.ts';

const statOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');

// Found by tests/faults (kill, seed 2): killed with its supervisor, a collector is a zombie until process 1 has time for it.
it.skipIf(process.platform !== 'linux')('takes over the lock of a process that has ended and that nobody has reaped', async () => {
  // The shell becomes a program that never waits for its child.
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const dir = mkdtempSync(path.join(tmpdir(), 'faultline-lock-'));
  try {
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    await expect.poll(() => statOf(pid)[0]).toBe('Z');
    writeFileSync(path.join(dir, 'lock'), `${pid} ${statOf(pid)[19]}\n`);
    lockJournal(dir)();
  } finally {
    parent.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
});
