import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mulberry32 } from '../test-batches.ts';
import { TestStore } from '../test-store.ts';

const ROWS = 60_000;
let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());

/** A child imports a bill and is killed with -9 somewhere in it, again and again on the same folder: all of it or nothing. */
it('kill -9 within an import leaves all of a bill or nothing', async () => {
  const random = mulberry32(Number(process.env['KILL_SEED'] ?? 5));
  const header = 'BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ResourceId';
  const rows = Array.from({ length: ROWS }, (_, i) => `1,1,USD,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,Usage,r-${i}`);
  const csv = `${header}\n${rows.join('\n')}\n`;
  const path = join(t.dataDir, 'bill.csv');
  await t.open();
  await t.store.close();
  writeFileSync(path, csv);
  const sha256 = createHash('sha256').update(csv).digest('hex');
  const seen = new Set<number>();
  for (let life = 0; life < Number(process.env['KILL_LIVES'] ?? 6); life++) {
    await killedImport(path, sha256, 20 + random() * 500);
    await t.open();
    const count = await t.count('bill');
    seen.add(count);
    expect([0, ROWS]).toContain(count);
    expect(await t.store.bills()).toHaveLength(count === 0 ? 0 : 1);
    for (const bill of await t.store.bills()) await t.store.removeBill(bill.id);
    await t.store.close();
  }
  await t.open();
  expect((await t.store.importBill({ path, name: 'bill.csv', sha256 })).rows).toBe(ROWS);
  expect(existsSync(join(t.dataDir, 'quarantine'))).toBe(false);
  // At least one life must have been cut short, or the test shows nothing.
  expect(seen.has(0)).toBe(true);
});

async function killedImport(path: string, sha256: string, ms: number): Promise<void> {
  const child = fork(join(import.meta.dirname, 'bill-kill-child.ts'), [join(path, '..'), path, sha256], { execArgv: [] });
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  child.on('message', () => setTimeout(() => child.kill('SIGKILL'), ms));
  await gone;
}
