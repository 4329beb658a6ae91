import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import duckdb from '@duckdb/node-bindings';
import { expect, it } from 'vitest';
import { Database } from '#store/database/database.ts';
import { provesLayout } from '#store/native/self-test.ts';

/**
 * What the store believes of DuckDB beyond its documented interface. When one of these fails after an update, the fast
 * path has to be looked at again (store/native); until then the store takes the slow one by itself.
 */
it('DuckDB 1.5.5: string_t, MAP and nested lists lie in memory as the fast path writes them', async () => {
  expect(duckdb.library_version()).toBe('v1.5.5');
  const dir = mkdtempSync(join(tmpdir(), 'faultline-canary-'));
  const database = await Database.open(dir, { threads: 1, memoryLimitBytes: 512 * 1024 ** 2 });
  try {
    expect(await provesLayout(database)).toBe(true);
  } finally {
    database.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

it('resetting a chunk gives its string memory back (or flushed rows would stay in memory)', () => {
  const chunk = duckdb.create_data_chunk([duckdb.create_logical_type(duckdb.Type.BLOB)]);
  const big = new Uint8Array(16 * 1024 * 1024).fill(1);
  duckdb.vector_assign_string_element_len(duckdb.data_chunk_get_vector(chunk, 0), 0, big);
  duckdb.data_chunk_reset(chunk);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 40; i++) {
    duckdb.vector_assign_string_element_len(duckdb.data_chunk_get_vector(chunk, 0), 0, big);
    duckdb.data_chunk_reset(chunk);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(160 * 1024 * 1024);
});
