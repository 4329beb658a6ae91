import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createShop } from '#demo/simulate.ts';
import { Database } from '#store/database/database.ts';
import { SCHEMA_VERSION } from '#store/sql/ddl/ddl.ts';
import { openRig } from './engine-rig.ts';

/** A day file as the version before layout 5 left it. */
async function agedBy(file: string, sql: readonly string[]): Promise<void> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'faultline-aged-'));
  const database = await Database.open(scratch, { threads: 1, memoryLimitBytes: 512 * 1024 ** 2 });
  const connection = await database.connect();
  await connection.run(`ATTACH '${file.replaceAll("'", "''")}' AS aged`);
  for (const statement of sql) await connection.run(statement);
  await connection.run('DETACH aged');
  database.close();
  rmSync(scratch, { recursive: true });
}

it('an engine that brings files to a newer layout opens its door first, says how far it is, and goes on at the same address', async () => {
  const rig = await openRig();
  const endMs = Date.now();
  const shop = createShop({ seed: 7, scenario: 'none', startMs: endMs - 10_000, requestsPerSecond: 10 });
  for (const body of shop.advance(endMs).traces) await rig.append('traces', body);
  await rig.flush(true);
  await rig.running.stop();
  const days = readdirSync(rig.dataDir).filter((name) => /^telemetry-.*\.duckdb$/.test(name));
  for (const day of days)
    await agedBy(path.join(rig.dataDir, day), [
      'ALTER TABLE aged.main.spans DROP COLUMN events_wire',
      'UPDATE aged.main.schema_version SET version = 4',
    ]);
  rig.lines.length = 0;
  await rig.restart();
  const told = rig.lines.filter((line) => line.includes(`from layout 4 to ${SCHEMA_VERSION}`));
  expect(told.length).toBe(2 * days.length);
  expect(rig.lines).toContain(`${rig.running.url} shows how far it is`);
  const [row] = (
    await rig.table('/console/query/sql', { method: 'POST', body: '{"sql":"SELECT count(*)::INTEGER AS n FROM spans"}' })
  ).toArray();
  expect(row?.toJSON()).toEqual({ n: shop.counts.spans });
  await rig.close();
});
