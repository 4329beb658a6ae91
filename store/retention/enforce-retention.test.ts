import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PrunedDay } from '#contracts/store.ts';
import { makeBatch } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';
import { type BesideFile, besideToRemove } from './beside-files.ts';
import { daysToPrune } from './enforce-retention.ts';

const DAY_MS = 86_400_000;
describe('daysToPrune', () => {
  const days = [100, 101, 102, 103].map((day) => ({ day, bytes: 10 }));
  const at = (day: number, hours = 12): number => day * DAY_MS + hours * 3_600_000;
  it.each([
    ['off keeps all', 0, 1e9, at(5000), []],
    ['a day goes once all of it is too old', 86_400, 1e9, at(102), [100]],
    ['not an hour before', 86_400, 1e9, at(102, 0) - 1, []],
    ['and exactly then', 86_400, 1e9, at(102, 0), [100]],
    ['all may be too old', 86_400, 1e9, at(200), [100, 101, 102, 103]],
    ['by size the oldest go', 0, 25, at(103), [100, 101]],
    ['the newest stays, however big', 0, 1, at(103), [100, 101, 102]],
    ['age first, then size', 86_400, 20, at(102), [100, 101]],
    ['what lies beside them counts', 0, 40, at(103), [100], 10],
  ])('%s', (_what, retentionSeconds, maxSizeBytes, nowMs, gone, otherBytes = 0) => {
    expect(daysToPrune({ days, otherBytes, retentionSeconds, maxSizeBytes, nowMs }).map(({ day }) => day)).toEqual(gone);
  });
});

describe('besideToRemove', () => {
  const file = (name: string, atMs: number, day: number | null = null, family = 'telemetry'): BesideFile => ({
    path: name,
    family,
    day,
    bytes: 10,
    atMs,
  });
  const nowMs = at103();
  const files = [
    file('b', 2, 101),
    file('a', 1, 100),
    file('c', 3, 102),
    file('cat', 0, null, 'catalog.duckdb'),
    file('e', 4, null, 'export'),
  ];
  it.each([
    ['nothing goes while all fits', 0, 150, []],
    ['the oldest go first', 0, 140, ['a']],
    ['and on', 0, 130, ['a', 'b']],
    ['the newest copy of each kind stays, however little room there is', 0, 1, ['a', 'b', 'e']],
    ['copies of days that retention took go', 2 * 86_400, 1e9, ['a']],
  ])('%s', (_what, retentionSeconds, maxSizeBytes, gone) => {
    expect(besideToRemove({ files, storeBytes: 100, retentionSeconds, maxSizeBytes, nowMs }).map(({ path }) => path)).toEqual(gone);
  });
  it('an export that may still be written stays', () => {
    const written = [file('e', nowMs - 60_000, null, 'export')];
    expect(besideToRemove({ files: written, storeBytes: 100, retentionSeconds: 0, maxSizeBytes: 1, nowMs })).toEqual([]);
  });
});
function at103(): number {
  return 103 * DAY_MS + 12 * 3_600_000;
}

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());
const logs = (day: string): ReturnType<typeof makeBatch> =>
  makeBatch({ table: 'logs', rows: 100, seed: 1, startNano: nano(`${day}T10:00:00Z`) });

/** What is gone by now, whoever was first: the store also looks by itself, a second after it was opened. */
async function goneNow(): Promise<readonly PrunedDay[]> {
  await t.store.enforceRetention(t.nowMs);
  return (await t.store.facts()).pruned;
}

it('deletes old days with their files, says so, and a replay does not bring them back', async () => {
  await t.open({ retentionSeconds: 2 * 86_400 });
  const old = logs('2026-11-15');
  t.append(old);
  t.append(logs('2026-11-21'));
  await t.store.flush();
  t.append(old);
  // A statement that is running while its day goes still ends well.
  const running = t.store.query('SELECT count(*) AS n FROM logs a, range(300000)');
  expect(await goneNow()).toMatchObject([{ day: '2026-11-15', reason: 'age', atMs: t.nowMs }]);
  expect((await running).rowCount).toBe(1);
  expect(existsSync(join(t.dataDir, 'telemetry-2026-11-15.duckdb'))).toBe(false);
  expect(await t.count('logs')).toBe(100);
  expect(t.store.hot().logs.rows).toBe(0);
  await t.reopen({ retentionSeconds: 2 * 86_400 });
  t.store.append({ position: 1, next: 2 }, [old]);
  expect(await t.count('logs')).toBe(100);
  expect(await t.store.facts()).toMatchObject({
    pruned: [{ day: '2026-11-15', reason: 'age' }],
    days: [{ day: '2026-11-21' }],
    minTimeMs: Date.parse('2026-11-21T10:00:00Z'),
  });
});

it('keeps within its size by dropping the oldest days', async () => {
  await t.open({ maxSizeBytes: 1 });
  for (const day of ['2026-11-19', '2026-11-20', '2026-11-21']) t.append(logs(day));
  await t.store.flush();
  expect((await goneNow()).map(({ day, reason }) => [day, reason])).toEqual([
    ['2026-11-19', 'size'],
    ['2026-11-20', 'size'],
  ]);
  expect(await t.count('logs')).toBe(100);
});

it('backups and exports count, and go before any day does', async () => {
  await t.open({ maxSizeBytes: 9_000_000 });
  for (const day of ['2026-11-20', '2026-11-21']) t.append(logs(day));
  await t.store.flush();
  const put = (path: string, atSeconds: number): string => {
    const file = join(t.dataDir, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, Buffer.alloc(5_000_000));
    utimesSync(file, atSeconds, atSeconds);
    utimesSync(join(file, '..'), atSeconds, atSeconds);
    return file;
  };
  const older = put('backups/telemetry-2026-11-20.duckdb.v2', 1000);
  const log = put('backups/telemetry-2026-11-20.duckdb.v2.wal', 1000);
  const newer = put('backups/telemetry-2026-11-21.duckdb.v2', 2000);
  const exported = put('exports/parquet-1/a.parquet', 3000);
  expect(await goneNow()).toEqual([]);
  expect([older, log, exported, newer].filter((path) => existsSync(path))).toEqual([newer]);
  const facts = await t.store.facts();
  expect(facts.beside).toEqual({ bytes: 5_000_000, removed: 2 });
  expect(facts.bytes).toBeGreaterThan(5_000_000);
  expect(await t.count('logs')).toBe(200);
});

it('an import over many days keeps a bounded number of files attached, and named days still answer', async () => {
  await t.open({ maxAttached: 5 });
  for (let day = 0; day < 20; day++) {
    t.append(makeBatch({ table: 'samples', rows: 10, seed: 1, startNano: BigInt(day) * 86_400_000_000_000n + 5n }));
    if (day % 4 === 3) await t.store.flush();
  }
  const attached = async (): Promise<number> =>
    Number((await t.one("SELECT count(*) AS n FROM duckdb_databases() WHERE database_name LIKE 'd19%'"))['n']);
  expect(await attached()).toBe(5);
  expect(await t.count('samples')).toBe(50);
  expect(await t.count("(FROM samples WHERE time >= TIMESTAMP_NS '1970-01-01' AND time < TIMESTAMP_NS '1970-01-03')")).toBe(20);
  expect(await attached()).toBe(5);
  await t.reopen({ maxAttached: 5 });
  expect((await t.store.facts()).days).toHaveLength(20);
  expect(await attached()).toBe(5);
});
