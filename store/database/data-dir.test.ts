import { execFileSync, fork } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../open-store.ts';
import { makeBatch, shiftTimes } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());
const options = (dataDir: string): Parameters<typeof openStore>[0] => ({
  dataDir,
  retentionSeconds: 0,
  maxSizeBytes: 1e12,
  limits: { maxSeries: 10 },
  nowMs: () => 0,
});
/** A small file system of its own; null where that is not permitted. */
function mount(path: string, size: string): (() => void) | null {
  try {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'ignore' });
    return () => execFileSync('umount', ['-l', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
}
const canMount = ((): boolean => {
  const path = mkdtempSync(join(tmpdir(), 'faultline-mount-'));
  const unmount = mount(path, '1m');
  unmount?.();
  rmSync(path, { recursive: true, force: true });
  return unmount !== null;
})();

describe('a data folder has one owner', () => {
  const LOCKED = { code: 'data_dir_locked' };
  it('in this thread', async () => {
    await t.open();
    await expect(openStore(options(t.dataDir))).rejects.toMatchObject(LOCKED);
    await t.reopen();
  });
  it('in another thread of this process', async () => {
    await t.open();
    const source = `import { parentPort, workerData } from 'node:worker_threads'; import { openStore } from '${join(import.meta.dirname, '../open-store.ts')}';
      parentPort.postMessage(await openStore({ ...workerData, nowMs: () => 0 }).then(() => 'opened', (e) => e.code));`;
    const path = join(t.dataDir, 'second.mjs');
    writeFileSync(path, source);
    const { nowMs: _, ...data } = options(t.dataDir);
    const worker = new Worker(path, { workerData: data, execArgv: [] });
    const answer = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    await worker.terminate();
    expect(answer).toBe('data_dir_locked');
  });
  it('in another process; a killed one leaves no lock behind', async () => {
    const child = fork(join(import.meta.dirname, '../write/kill-child.ts'), [t.dataDir], { execArgv: [] });
    await new Promise((resolve) => {
      child.once('message', resolve);
    });
    await expect(openStore(options(t.dataDir))).rejects.toMatchObject(LOCKED);
    child.kill('SIGKILL');
    await new Promise((resolve) => {
      child.once('exit', resolve);
    });
    await t.open();
    expect(await t.count('spans')).toBeGreaterThanOrEqual(0);
  });
});

it('a folder that cannot be made says so', async () => {
  writeFileSync(join(t.dataDir, 'file'), '');
  await expect(openStore(options(join(t.dataDir, 'file', 'data')))).rejects.toMatchObject({ code: 'data_dir_not_writable' });
});

it.skipIf(process.getuid?.() === 0 && !canMount)('a read-only folder is read, and refuses to be written', async () => {
  await t.open();
  t.append(makeBatch({ table: 'logs', rows: 50, seed: 1, startNano: nano('2026-11-21T01:00:00Z') }));
  await t.store.close();
  const path = join(t.dataDir, 'read-only');
  const root = process.getuid?.() === 0;
  const unmount = root ? mount(path, '64m') : null;
  mkdirSync(path, { recursive: true });
  for (const name of ['catalog.duckdb', 'telemetry-2026-11-21.duckdb']) cpSync(join(t.dataDir, name), join(path, name));
  if (root) execFileSync('mount', ['-o', 'remount,ro', path]);
  else chmodSync(path, 0o555);
  try {
    const store = await openStore(options(path));
    expect((await store.query('SELECT count(*) AS n FROM logs')).rows()).toEqual([{ n: '50' }]);
    expect(await store.facts()).toMatchObject({ readOnly: true, problems: [{ code: 'data_dir_not_writable' }] });
    expect(() => store.append({ position: 1, next: 2 }, [])).toThrow('reading only');
    await expect(store.setState('a', '1')).rejects.toMatchObject({ code: 'data_dir_not_writable' });
    await store.close();
  } finally {
    unmount?.();
    if (!root) chmodSync(path, 0o755);
  }
});

it.skipIf(!canMount)('a full disk keeps rows hot and readable, says so, and stores them once there is room', async () => {
  const path = join(t.dataDir, 'small');
  const unmount = mount(path, '24m')!;
  try {
    const ballast = join(path, 'ballast');
    const store = await openStore({ ...options(path), nowMs: () => 0 });
    const batch = makeBatch({ table: 'spans', rows: 5000, seed: 1, startNano: nano('2026-11-21T01:00:00Z') });
    store.append({ position: 1, next: 2 }, [batch]);
    await store.flush();
    writeFileSync(ballast, Buffer.alloc(20 * 1024 * 1024 - 1));
    let stored = 1;
    let failed: unknown = null;
    for (let i = 2; i < 20 && !failed; i++) {
      store.append({ position: i, next: i + 1 }, [shiftTimes(batch, BigInt(i))]);
      stored = i;
      failed = await store.flush().then(
        () => null,
        (cause: unknown) => cause,
      );
    }
    expect(failed).toMatchObject({ code: 'data_dir_not_writable' });
    expect((await store.facts()).problems).toHaveLength(1);
    expect((await store.query('SELECT count(*) AS n, count(DISTINCT start_time) AS d FROM spans')).rows()).toEqual([
      { n: String(stored * 5000), d: String(stored * 5000) },
    ]);
    expect(store.released()).toBeLessThanOrEqual(stored);
    rmSync(ballast);
    await store.flush();
    expect((await store.facts()).problems).toEqual([]);
    expect(store.released()).toBe(stored + 1);
    await store.close();
  } finally {
    unmount();
  }
});
