import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from './lock-folder.ts';
import { identify, isAlive } from './process-identity.ts';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
function sleeper(script = 'setInterval(() => {}, 1000)'): ChildProcess {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  children.push(child);
  return child;
}
const exited = (child: ChildProcess): Promise<unknown> => new Promise((done) => child.once('exit', done));
const writeLock = (supervisor: object, orphans: object[] = []): void =>
  writeFileSync(join(folder, 'supervisor.lock'), JSON.stringify({ supervisor, children: orphans }));
const silent = (): void => {};

describe('lockFolder', () => {
  it('makes the folder, holds it, and leaves nothing behind', async () => {
    const deep = join(folder, 'a b', 'c');
    const lock = await lockFolder(deep, silent);
    await expect(lockFolder(deep, silent)).rejects.toMatchObject({ code: 'data_dir_locked', message: expect.stringContaining(deep) });
    lock.release();
    lock.release();
    expect(readdirSync(deep)).toEqual([]);
    (await lockFolder(deep, silent)).release();
  });
  it('of many starts at once exactly one gets the folder', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder, silent)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
  it('is refused while another process lives', async () => {
    const other = sleeper();
    writeLock(identify(other.pid as number));
    await expect(lockFolder(folder, silent)).rejects.toThrow(`Process ${other.pid} uses`);
  });
  it('takes over from a dead process, also when its number was given to another', async () => {
    const other = sleeper();
    writeLock({ pid: other.pid, startedTicks: 'of an earlier life' });
    (await lockFolder(folder, silent)).release();
  });
  it.each(['', '{', '{"supervisor":{"pid":-1,"startedTicks":""},"children":[]}', 'null'])(
    'takes over from the unreadable lock %j',
    async (text) => {
      writeFileSync(join(folder, 'supervisor.lock'), text);
      (await lockFolder(folder, silent)).release();
    },
  );
  // Found by tests/faults (disk): the supervisor ended when a child was started again on a full disk.
  it('goes on when the children cannot be written down, and does it as soon as it can', async () => {
    const lines: string[] = [];
    const lock = await lockFolder(folder, (line) => lines.push(line));
    const inTheWay = join(folder, `supervisor.lock.${process.pid}`);
    mkdirSync(inTheWay);
    lock.noteChildren([process.pid]);
    lock.noteChildren([process.pid]);
    expect(lines).toEqual([expect.stringMatching(/^the lock of .* cannot name the processes that run: EISDIR/)]);
    rmSync(inTheWay, { recursive: true });
    const noted = (): unknown => (JSON.parse(readFileSync(join(folder, 'supervisor.lock'), 'utf8')) as { children: unknown }).children;
    await expect.poll(noted, { timeout: 10_000 }).toEqual([identify(process.pid)]);
    lock.release();
  });
  it('waits for the children a killed supervisor left behind', async () => {
    const orphan = sleeper();
    const identity = identify(orphan.pid as number);
    const dead = sleeper();
    const deadIdentity = identify(dead.pid as number);
    dead.kill('SIGKILL');
    await exited(dead);
    writeLock(deadIdentity, [identity]);
    const lines: string[] = [];
    const locking = lockFolder(folder, (line) => lines.push(line));
    setTimeout(() => orphan.kill('SIGKILL'), 100);
    const lock = await locking;
    expect(isAlive(identity)).toBe(false);
    expect(lines).toEqual(['waiting for 1 process that the last run left behind']);
    lock.noteChildren([process.pid]);
    lock.release();
    expect(existsSync(join(folder, 'supervisor.lock'))).toBe(false);
  });
  it('says which folder cannot be written', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const under = lockFolder(join(file, 'under', 'deep'), silent);
    await expect(under).rejects.toMatchObject({ code: 'data_dir_not_writable', message: expect.stringContaining(`written in ${file} (`) });
    mkdirSync(join(folder, 'supervisor.lock'));
    await expect(lockFolder(folder, silent)).rejects.toMatchObject({ code: 'data_dir_not_writable' });
  });
});
