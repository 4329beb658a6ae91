import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { makeBatch, shiftTimes } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

let t: TestStore;
const file = (day: string): string => join(t.dataDir, `telemetry-${day}.duckdb`);
const name = (service: string) => () => ({
  name: service,
  version: '',
  attributes: { keys: [], values: [], types: '' },
  droppedAttributesCount: 0,
  schemaUrl: '',
});
/** Written once for each size, and copied: writing is most of what a test here would take. */
const filled = new Map<number, TestStore>();
beforeEach(async () => {
  t = new TestStore();
  await fill(2);
});
/** Two days: `tenThousands` of spans, and 500. */
async function fill(tenThousands: number): Promise<void> {
  const from = filled.get(tenThousands) ?? new TestStore();
  if (!filled.has(tenThousands)) {
    filled.set(tenThousands, from);
    await from.open();
    const batch = makeBatch({ table: 'spans', rows: 10_000, seed: 1, startNano: nano('2026-11-20T01:00:00Z') });
    for (let i = 0; i < tenThousands; i++) from.append(shiftTimes(batch, BigInt(i)));
    from.append(makeBatch({ table: 'spans', rows: 500, seed: 2, startNano: nano('2026-11-21T01:00:00Z') }));
    from.store.dictionary.scope('a', name('a'));
    await from.store.close();
  }
  cpSync(from.dataDir, t.dataDir, { recursive: true });
}
afterEach(() => t.end());
afterAll(async () => {
  for (const each of filled.values()) await each.end();
});
function overwrite(path: string, at: number, bytes: number): void {
  const handle = openSync(path, 'r+');
  writeSync(handle, Buffer.alloc(bytes, 0x5a), 0, bytes, at);
  closeSync(handle);
}
const aside = (): string[] => readdirSync(join(t.dataDir, 'quarantine')).sort();

it.each([
  [
    'overwritten head',
    (path: string) => {
      overwrite(path, 0, 20_000);
    },
  ],
  [
    'cut in half',
    (path: string) => {
      overwrite(path, 4096, statSync(path).size - 4096);
    },
  ],
  [
    'emptied',
    (path: string) => {
      truncateSync(path, 5);
    },
  ],
  [
    'text',
    (path: string) => {
      writeFileSync(path, 'hello'.repeat(10_000));
    },
  ],
])('a day file with %s is set aside and named; the other days answer, and the day takes new rows', async (_what, damage) => {
  damage(file('2026-11-20'));
  await t.open();
  expect(await t.count('spans')).toBe(500);
  const facts = await t.store.facts();
  expect(facts.days.map(({ day, state }) => [day, state])).toEqual([
    ['2026-11-21', 'ok'],
    ['2026-11-20', 'quarantined'],
  ]);
  expect(facts.problems).toMatchObject([{ code: 'file_corrupt' }]);
  expect(facts.pruned).toMatchObject([{ day: '2026-11-20', reason: 'corrupt' }]);
  expect(aside()).toHaveLength(2);
  expect(JSON.parse(readFileSync(join(t.dataDir, 'quarantine', aside().find((f) => f.endsWith('.reason.json'))!), 'utf8'))).toMatchObject({
    file: 'telemetry-2026-11-20.duckdb',
  });
  t.position = 100;
  t.append(makeBatch({ table: 'spans', rows: 7, seed: 3, startNano: nano('2026-11-20T05:00:00Z') }));
  await t.store.flush();
  expect(await t.count('spans')).toBe(507);
});

it('a day file that attaches but does not say what it has taken in is set aside, and its rows are saved', async () => {
  const instance = await DuckDBInstance.create(file('2026-11-20'));
  const connection = await instance.connect();
  await connection.run('DROP TABLE consumed');
  connection.closeSync();
  instance.closeSync();
  await t.open();
  expect(await t.count('spans')).toBe(20_500);
  expect(aside()).toHaveLength(2);
});

it('damage inside of a day file, met by a reader, costs the rows it hit and no others', async () => {
  await fill(26);
  overwrite(file('2026-11-20'), Math.floor(statSync(file('2026-11-20')).size / 4), 300_000);
  await t.open();
  const row = await t.one('SELECT count(*) AS n, sum(hash(spans)) AS all_of_it FROM spans');
  expect(Number(row['n'])).toBeGreaterThan(100_000);
  expect(Number(row['n'])).toBeLessThan(261_000);
  expect((await t.store.facts()).problems).toMatchObject([{ code: 'file_corrupt', message: expect.stringContaining('rows were saved') }]);
  expect(await t.one("SELECT count(DISTINCT start_time) AS n FROM spans WHERE start_time >= TIMESTAMP_NS '2026-11-21'")).toEqual({
    n: '500',
  });
});

it('a day file cut short keeps the rows that are left', async () => {
  await fill(26);
  truncateSync(file('2026-11-20'), Math.floor(statSync(file('2026-11-20')).size * 0.9));
  await t.open();
  const rows = await t.count('spans');
  expect(rows).toBeLessThan(261_000);
  expect(Number((await t.one('SELECT count(*) AS n, sum(hash(spans)) AS h FROM spans'))['n'])).toBe(rows);
  expect((await t.store.facts()).problems).toMatchObject([{ code: 'file_corrupt' }]);
});

it('a file that a checkpoint made shorter is not taken for one cut short', async () => {
  // DuckDB writes the number of blocks first and cuts the free ones off then: until the next checkpoint its header counts them.
  const copy = join(t.dataDir, 'copy.duckdb');
  const instance = await DuckDBInstance.create(file('2026-11-20'));
  const connection = await instance.connect();
  let isShorter = false;
  for (let round = 0; round < 40 && !isShorter; round++) {
    await connection.run(
      `CREATE OR REPLACE TABLE scratch${round % 3} AS SELECT hash(range) AS x FROM range(${((round * 7919) % 13) * 20_000})`,
    );
    await connection.run('CHECKPOINT');
    cpSync(file('2026-11-20'), copy);
    await connection.run(`ATTACH '${copy}' AS copy`);
    const size = await connection.runAndReadAll(
      "SELECT (block_size * total_blocks)::DOUBLE FROM pragma_database_size() WHERE database_name = 'copy'",
    );
    isShorter = statSync(copy).size < Number(size.getRows()[0]?.[0]);
    await connection.run('DETACH copy');
  }
  connection.closeSync();
  instance.closeSync();
  expect(isShorter).toBe(true);
  renameSync(copy, file('2026-11-20'));
  await t.open();
  expect(await t.count('spans')).toBe(20_500);
  expect((await t.store.facts()).problems).toEqual([]);
});

it('a lost catalog never gives an id to two things', async () => {
  overwrite(join(t.dataDir, 'catalog.duckdb'), 0, 20_000);
  await t.open();
  expect(await t.count('spans')).toBe(20_500);
  // The spans use resources 1-8 and scope 1, whose rows are gone.
  expect(t.store.dictionary.scope('b', name('b'))).toBe(2);
  expect((await t.store.facts()).problems).toMatchObject([{ code: 'file_corrupt' }]);
});

// Found by tests/faults (disk): a kill amid the making of a day file left what was taken for a damaged one.
it('a file that was never finished is no damage, and a file that cannot be finished leaves none', async () => {
  const day = file('2026-11-22');
  writeFileSync(`${day}.new`, 'half a header');
  writeFileSync(`${day}.new.wal`, 'x');
  await t.open();
  t.position = 100;
  t.append(makeBatch({ table: 'spans', rows: 7, seed: 3, startNano: nano('2026-11-22T05:00:00Z') }));
  await t.store.flush();
  expect(await t.count('spans')).toBe(20_507);
  expect((await t.store.facts()).problems).toEqual([]);
  // A folder where the draft of the next day should be: it cannot be made.
  mkdirSync(join(`${file('2026-11-23')}.new`, 'x'), { recursive: true });
  t.append(makeBatch({ table: 'spans', rows: 9, seed: 4, startNano: nano('2026-11-23T05:00:00Z') }));
  await expect(t.store.flush()).rejects.toThrow();
  expect(await t.count('spans')).toBe(20_516);
  expect(readdirSync(t.dataDir).filter((name) => name.includes('2026-11-23.duckdb') || name.includes('2026-11-22.duckdb.new'))).toEqual([
    'telemetry-2026-11-23.duckdb.new',
  ]);
});
it('a damaged file is set aside although the reason cannot be written beside it', async () => {
  overwrite(file('2026-11-20'), 0, 20_000);
  const name = `telemetry-2026-11-20.duckdb.${new Date(t.nowMs).toISOString().replaceAll(/[:.]/g, '-')}.reason.json`;
  mkdirSync(join(t.dataDir, 'quarantine', name), { recursive: true });
  await t.open();
  expect(await t.count('spans')).toBe(500);
  expect((await t.store.facts()).problems).toMatchObject([{ code: 'file_corrupt' }]);
});

it('a garbage write-ahead log does not stop the start', async () => {
  writeFileSync(`${file('2026-11-20')}.wal`, Buffer.alloc(5000, 7));
  await t.open();
  expect(await t.count('spans')).toBeGreaterThanOrEqual(500);
});
