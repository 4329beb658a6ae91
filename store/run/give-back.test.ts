import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeBatch } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

let test: TestStore;
beforeEach(async () => {
  test = new TestStore();
  await test.open();
});
afterEach(() => test.end());

const attachedAs = async (): Promise<unknown> =>
  (await test.one("SELECT database_oid AS oid FROM duckdb_databases() WHERE database_name = 'd20261121'"))['oid'];
async function write(times: number): Promise<void> {
  for (let seed = 0; seed < times; seed++) {
    const startNano = nano('2026-11-21T01:00:00Z');
    test.append(...(['spans', 'logs', 'samples'] as const).map((table) => makeBatch({ table, rows: 50, seed, startNano })));
    await test.store.flush();
  }
}

it('at rest, a file written to for long is attached once more: what is in it stays, and is written on', async () => {
  await write(8);
  const before = await attachedAs();
  const sum = 'SELECT sum(hash(span_id))::VARCHAR AS sum FROM spans';
  const sumBefore = await test.one(sum);
  // A look that meets the question itself is followed by another, half a second later by this clock.
  const later = async (): Promise<unknown> => {
    test.nowMs += 30_000;
    return attachedAs();
  };
  await expect.poll(later, { timeout: 20_000, interval: 400 }).not.toBe(before);
  expect(await test.one(sum)).toEqual(sumBefore);
  await write(2);
  expect(await test.count('spans')).toBe(500);
  await test.reopen();
  expect(await test.count('spans')).toBe(500);
});
