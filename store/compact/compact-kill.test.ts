import { fork } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mulberry32 } from '../test-batches.ts';
import { TestStore } from '../test-store.ts';
import { KILL_ROWS, killRecord } from './kill-child.ts';

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());

/** A child appends, flushes and compacts without pause and is killed with -9 at seeded moments, again and again on the same folder. */
it('kill -9 while samples become blocks loses and doubles nothing', async () => {
  const random = mulberry32(Number(process.env['KILL_SEED'] ?? 23));
  let reached = 0;
  let compacted = 0;
  const lives = Number(process.env['KILL_LIVES'] ?? 4);
  // On a machine under load the lives can all end before the first slice: then some longer ones.
  for (let life = 0; life < lives || (compacted === 0 && life < lives + 5); life++) {
    const end = await killedLife(t.dataDir, 150 + random() * 700 + 1_000 * Math.max(0, life - lives + 1));
    reached = Math.max(reached, end.position);
    compacted = Math.max(compacted, end.compacted);
  }
  await t.open({ compaction: false });
  for (let position = Math.max(1, t.store.released()); position <= reached; position++)
    t.store.append({ position, next: position + 1 }, [killRecord(position)]);
  expect(compacted).toBeGreaterThan(0);
  const all = `SELECT count(*) AS n, count(DISTINCT value) AS d, sum(value) AS s, count(start_time) AS starts FROM samples`;
  const rows = reached * KILL_ROWS;
  const first = KILL_ROWS;
  const want = { n: String(rows), d: String(rows), s: (rows * (first + first + rows - 1)) / 2, starts: String(rows / 10) };
  expect(await t.one(all)).toEqual(want);
  await t.store.flush();
  await t.store.compact();
  expect(await t.one(all)).toEqual(want);
});

interface End {
  readonly position: number;
  readonly compacted: number;
}
/** Lives for `ms` after it opened; gives the last position it appended and the most samples it had in blocks. */
async function killedLife(dataDir: string, ms: number): Promise<End> {
  const child = fork(join(import.meta.dirname, 'kill-child.ts'), [dataDir], { execArgv: [] });
  let end: End = { position: 0, compacted: 0 };
  const gone = new Promise<void>((resolve, reject) => {
    child.on('exit', (_code, signal) => {
      if (signal === 'SIGKILL') resolve();
      else reject(new Error('the child ended by itself'));
    });
  });
  child.on('message', (now: End) => {
    if (end.position === 0) setTimeout(() => child.kill('SIGKILL'), ms);
    end = { position: Math.max(end.position, now.position), compacted: Math.max(end.compacted, now.compacted) };
  });
  await gone;
  return end;
}
