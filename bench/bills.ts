import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Bill } from '#contracts/cost.ts';
import { shopBill } from '#demo/bill.ts';
import { openStore } from '#store/open-store.ts';
import type { Row, Scenario } from './run.ts';

/** Rows of a FOCUS 1.3 bill in the store per second: the demo shop's month, repeated with other accounts. */
const WIDE = process.env['FAULTLINE_BILL'];
async function makeBill(path: string, rows: number): Promise<number> {
  const source = WIDE ? gunzipSync(readFileSync(WIDE)).toString() : shopBill(11, Date.UTC(2026, 10, 21)).csv;
  const [head, ...lines] = source.trimEnd().split('\n') as [string, ...string[]];
  const out = createWriteStream(path);
  out.write(`${head},x_copy\n`);
  let written = 0;
  for (let copy = 0; written < rows; copy += 1) {
    const part = lines.slice(0, rows - written);
    written += part.length;
    if (!out.write(`${part.map((line) => `${line},${copy}`).join('\n')}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return head.split(',').length + 1;
}
async function importOnce(
  path: string,
  name: string,
  bytes: number,
): Promise<{ bill: Bill; seconds: number; cpuSeconds: number; fileMb: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'faultline-bills-'));
  const store = await openStore({ dataDir, retentionSeconds: 0, maxSizeBytes: 1e12, limits: { maxSeries: 1000 }, nowMs: Date.now });
  try {
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const bill = await store.importBill({ path, name, sha256: createHash('sha256').update(`${path}${bytes}`).digest('hex') });
    const seconds = (performance.now() - startedMs) / 1000;
    const used = process.cpuUsage(cpu);
    return { bill, seconds, cpuSeconds: (used.user + used.system) / 1e6, fileMb: statSync(join(dataDir, 'bills.duckdb')).size / 1e6 };
  } finally {
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
export const bills: Scenario = {
  name: 'bills',
  about: 'FOCUS import: CSV file on disk to rows in the store, checked and committed; rows per second of wall clock and per CPU-second',
  run: async ({ quick }) => {
    const folder = mkdtempSync(join(tmpdir(), 'faultline-bill-file-'));
    const count = quick ? 300_000 : 1_000_000;
    const plain = join(folder, 'bill.csv');
    const columns = await makeBill(plain, count);
    const packed = join(folder, 'bill.csv.gz');
    writeFileSync(packed, gzipSync(readFileSync(plain), { level: 1 }));
    const rows: Row[] = [];
    try {
      for (const path of [plain, packed]) {
        const { size } = statSync(path);
        const { bill, seconds, cpuSeconds, fileMb } = await importOnce(path, 'bill.csv', size);
        if (bill.rows !== count) throw new Error(`${bill.rows} rows of ${count}: ${JSON.stringify(bill.problems.slice(0, 3))}`);
        rows.push({
          file: path.endsWith('.gz') ? 'CSV.gz' : 'CSV',
          rows: count,
          columns,
          'file MB': Math.round(size / 1e6),
          'k rows/s': Math.round(count / seconds / 1000),
          'k rows/CPU-s': Math.round(count / cpuSeconds / 1000),
          'store bytes/row': Math.round((fileMb * 1e6) / count),
          'RSS MB': Math.round(process.memoryUsage().rss / 1e6),
        });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return rows;
  },
};
