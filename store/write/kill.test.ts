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

/**
 * A child appends and flushes without pause and is killed with -9 at a random moment, again and again on the same
 * folder. Each life starts as the engine does: from released(), appending the journal once more. In the end every row
 * of every record must be there exactly once.
 */
it('kill -9 at any moment loses and doubles nothing', async () => {
  const random = mulberry32(Number(process.env['KILL_SEED'] ?? 11));
  let reached = 0;
  for (let life = 0; life < Number(process.env['KILL_LIVES'] ?? 4); life++) {
    reached = Math.max(reached, await killedLife(t.dataDir, 400 + random() * 900));
  }
  await t.open();
  for (let position = Math.max(1, t.store.released()); position <= reached; position++)
    t.store.append({ position, next: position + 1 }, killRecord(position));
  expect(reached).toBeGreaterThan(10);
  for (const table of ['spans', 'samples'] as const) {
    const row = await t.one(`SELECT count(*) AS n, count(DISTINCT ${table === 'spans' ? 'duration_ns' : 'value'}) AS d FROM ${table}`);
    expect(row).toEqual({ n: String(reached * KILL_ROWS), d: String(reached * KILL_ROWS) });
  }
});

/** Lives for `ms` after it opened; gives the last position it appended. */
async function killedLife(dataDir: string, ms: number): Promise<number> {
  const child = fork(join(import.meta.dirname, 'kill-child.ts'), [dataDir], { execArgv: [] });
  let reached = 0;
  const gone = new Promise<void>((resolve, reject) => {
    child.on('exit', (_code, signal) => {
      if (signal === 'SIGKILL') resolve();
      else reject(new Error('the child ended by itself'));
    });
  });
  child.on('message', (position: number) => {
    if (reached === 0) setTimeout(() => child.kill('SIGKILL'), ms);
    reached = Math.max(reached, position);
  });
  await gone;
  return reached;
}
