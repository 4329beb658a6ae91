/**
 * Rows per CPU-second of append + flush, bytes per row on disk, longest pause of the JavaScript thread.
 * Run: node store/append.bench.ts [rows] [rows per record]. The batches are made beforehand: decoding is not in it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ColumnBatch } from '#contracts/columns.ts';
import type { TableName } from '#contracts/tables.ts';
import { openStore } from './open-store.ts';
import { makeBatch } from './test-batches.ts';

const total = Number(process.argv[2] ?? 122_880 * 6);
const perRecord = Number(process.argv[3] ?? 500);
const START = BigInt(Date.UTC(2026, 10, 21)) * 1_000_000n;

async function measure(table: TableName, rows: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'store-bench-'));
  const store = await openStore({
    dataDir,
    retentionSeconds: 0,
    maxSizeBytes: 1e12,
    limits: { maxSeries: 1e6 },
    nowMs: () => Date.now(),
    log: console.error,
  });
  const batches: ColumnBatch[] = Array.from({ length: 40 }, (_, i) =>
    makeBatch({ table, rows: perRecord, seed: i, startNano: START + BigInt(i * perRecord) * 10_000n, stepNano: 10_000n }),
  );
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const before = process.cpuUsage();
  const wall = performance.now();
  let appended = 0;
  let appendMs = 0;
  for (let position = 1; appended < rows; position++) {
    const batch = batches[position % batches.length]!;
    const t = performance.now();
    store.append({ position, next: position + 1 }, [batch]);
    appendMs += performance.now() - t;
    appended += batch.rows;
    // As the engine does: let the flush run, and do not outrun it.
    if (position % 4 === 0) await new Promise(setImmediate);
    while (store.hot()[table].rows > 2 * 122_880) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await store.flush();
  const cpu = process.cpuUsage(before);
  const seconds = (cpu.user + cpu.system) / 1e6;
  delay.disable();
  const facts = await store.facts();
  const bytes = facts.days.reduce((sum, day) => sum + day.bytes, 0);
  const stored = Number((await store.query(`SELECT count(*)::DOUBLE AS n FROM ${table}`)).column('n')[0]);
  if (stored !== appended) throw new Error(`${appended} appended, ${stored} stored`);
  console.log(
    `${table.padEnd(10)} ${Math.round(appended / seconds / 1000)}k rows/CPU-s  ${Math.round(appended / (performance.now() - wall))}k rows/s wall  append ${((appendMs * 1e6) / appended).toFixed(0)} ns/row  ${(bytes / appended).toFixed(1)} B/row  pause max ${(delay.max / 1e6).toFixed(0)} ms p99 ${(delay.percentile(99) / 1e6).toFixed(0)} ms  rss ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
  );
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
}
const tables = (process.argv[4]?.split(',') ?? ['spans', 'logs', 'samples', 'histograms']) as TableName[];
for (const table of tables) await measure(table, total);
