import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DiskBook } from './disk-parts.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-disk-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const put = (name: string, bytes: number): void => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), Buffer.alloc(bytes));
};

it('every file is in one part, whatever it is', async () => {
  const files = {
    'telemetry-2026-11-21.duckdb': 1_000,
    'telemetry-2026-11-21.duckdb.wal': 200,
    'catalog.duckdb': 30,
    'bills.duckdb.wal': 4,
    'journal/0000.journal': 50_000,
    'backups/catalog.duckdb.v5': 600,
    'exports/e1/spans/part-0.parquet': 7_000,
    'quarantine/record-1.bin': 80,
    'tmp/import/piece': 9,
    'demo/plan.json': 3,
    'runtime.json': 2,
  };
  for (const [name, bytes] of Object.entries(files)) put(name, bytes);
  const book = new DiskBook(folder);
  await book.look();
  const parts = book.parts();
  expect(parts).toEqual({
    days: 1_200,
    catalog: 30,
    bills: 4,
    journal: 50_000,
    backups: 600,
    exports: 7_000,
    quarantine: 80,
    temporary: 9,
    other: 5,
  });
  put('journal/0001.journal', 1_000);
  expect(book.parts().journal).toBe(51_000);
});
