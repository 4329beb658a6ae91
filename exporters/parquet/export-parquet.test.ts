import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExportManifest, ExportRequest } from '#contracts/parquet-export.ts';
import { TABLES } from '#contracts/tables.ts';
import { batchFromRows } from '#store/hot/columns-from-rows.ts';
import { makeBatch, makeRows } from '#store/test-batches.ts';
import { nano, TestStore } from '#store/test-store.ts';
import { type ExportOptions, exportParquet } from './export-parquet.ts';
import { servicePart } from './partition-path.ts';

/** What is written is read by the DuckDB of another process. */
const ODD = [
  'a/b\\c',
  '../../etc',
  'köln ☃ 连接池',
  'it\'s %2F "x" = y',
  'x'.repeat(200),
  '☃'.repeat(200),
  '.',
  'a*?:b',
  ' ',
  'Case',
  'case',
  'end.',
  'nul\0here',
];
let test: TestStore;
let dir: string;
beforeEach(async () => {
  test = new TestStore();
  await test.open();
  dir = path.join(mkdtempSync(path.join(tmpdir(), 'faultline-parquet-')), 'out');
});
afterEach(async () => {
  await test.end();
  rmSync(path.dirname(dir), { recursive: true, force: true });
});
const day = (n: number): bigint => nano(`2026-11-${String(18 + n)}T23:59:00Z`);
const attributes = { keys: ['service.name'], values: ['x'], types: 's' };
/** Two days of every table, spans also of services with odd names. */
async function fill(rows = 300): Promise<void> {
  for (const [i, table] of (['spans', 'logs', 'samples', 'histograms', 'exemplars'] as const).entries())
    test.append(makeBatch({ table, rows, seed: i, startNano: day(0), stepNano: 1_000_000_000n }));
  for (let id = 1; id <= 1000; id++) {
    test.store.dictionary.series(`s${id}`, () => ({
      metric: `m${id}`,
      type: 'gauge',
      unit: '1',
      description: '',
      temporality: '',
      monotonic: false,
      numberType: 'd',
      source: 'otlp',
      service: id % 2 === 0 ? 'even' : 'odd',
      attributes,
      metadata: { keys: [], values: [], types: '' },
      resourceId: 1,
      scopeId: 0,
    }));
  }
  const odd = ODD.flatMap((service, i) =>
    makeRows({ table: 'spans', rows: 3, seed: i, startNano: day(1) }).map((row) => ({ ...row, service })),
  );
  test.append(batchFromRows(TABLES.spans, odd));
  await test.store.flush();
}
it('says that a file of the same name is none of an export', async () => {
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'export.jsonl'), 'not ours\n');
  await expect(run()).rejects.toMatchObject({ code: 'bad_request' });
});
const run = (more: Partial<ExportOptions> & { request?: Partial<ExportRequest> } = {}): Promise<ExportManifest> =>
  exportParquet({
    store: test.store,
    dir,
    version: 'test',
    schemaVersion: 1,
    nowMs: () => test.nowMs,
    onProgress: () => undefined,
    ...more,
    request: { signals: ['traces', 'logs', 'metrics'], ...more.request },
  });
/** Rows of each statement, by one other process. */
function elsewhere(...statements: readonly string[]): Record<string, unknown>[][] {
  const script = path.join(import.meta.dirname, '../../tests/fixtures/read-parquet.mjs');
  return JSON.parse(execFileSync(process.execPath, [script, dir, ...statements], { encoding: 'utf8' })) as Record<string, unknown>[][];
}
const files = (): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet') || name.endsWith('.unfinished'));

describe('exportParquet', () => {
  it('another process reads equal counts and sums, table by table, day by day', async () => {
    await fill();
    const manifest = await run();
    const here = async (table: string, sum: string): Promise<unknown> =>
      (await test.one(`SELECT count(*)::VARCHAR AS n, (${sum})::VARCHAR AS s FROM ${table}`)) as unknown;
    const tables = [
      ['spans', 'duration_ns', 'sum(duration_ns::HUGEINT)'],
      ['logs', 'body_bytes', 'sum(strlen(body)::HUGEINT)'],
      ['samples', 'time_ns', 'sum(epoch_ns("time")::HUGEINT)'],
      ['histograms', 'observations', 'sum("count"::HUGEINT)'],
      ['exemplars', 'time_ns', 'sum(epoch_ns("time")::HUGEINT)'],
    ] as const;
    const rows = (table: string): string => `read_parquet('{dir}/${table}/**/*.parquet', hive_partitioning = true)`;
    const [days, ...sums] = elsewhere(
      `SELECT date::VARCHAR AS date, count(*)::INTEGER AS n FROM ${rows('logs')} GROUP BY 1 ORDER BY 1`,
      ...tables.map(([table, , sum]) => `SELECT count(*)::VARCHAR AS n, (${sum})::VARCHAR AS s FROM ${rows(table)}`),
    );
    for (const [i, [table, name, sum]] of tables.entries()) {
      const there = sums[i]?.[0];
      expect(there).toEqual(await here(table, sum));
      expect(manifest.tables[table]).toMatchObject({ rows: Number(there?.['n']), sums: { [name]: there?.['s'] } });
    }
    expect(days).toEqual([
      { date: '2026-11-18', n: 60 },
      { date: '2026-11-19', n: 240 },
    ]);
  });
  it('writes what it says: sizes and SHA-256 of every file, compressed, values as they were', async () => {
    await fill(50);
    const manifest = await run();
    expect(manifest.files.length).toBe(files().length);
    for (const file of manifest.files) {
      const bytes = readFileSync(path.join(dir, file.path));
      expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([file.bytes, file.sha256]);
    }
    const columns = 'trace_id, span_id, name, duration_ns, attributes::VARCHAR AS a, len(events) AS e';
    const [codecs, there] = elsewhere(
      `SELECT DISTINCT compression AS c FROM parquet_metadata('{dir}/spans/**/*.parquet')`,
      `SELECT ${columns} FROM read_parquet('{dir}/spans/**/*.parquet') ORDER BY ALL LIMIT 20`,
    );
    expect(codecs).toEqual([{ c: 'ZSTD' }]);
    const here = (
      await test.store.query(
        `SELECT trace_id_hex(trace_id) AS trace_id, span_id_hex(span_id) AS span_id, name, duration_ns, attributes::VARCHAR AS a, len(events) AS e FROM spans ORDER BY ALL LIMIT 20`,
      )
    ).rows();
    expect(JSON.stringify(there)).toBe(
      JSON.stringify(here.map((row) => ({ ...row, duration_ns: String(row['duration_ns']), e: String(row['e']) }))),
    );
  });
  it('takes services of any name, and readers get the name back from the folder where it fits', async () => {
    await fill(10);
    const manifest = await run({ request: { signals: ['traces'] } });
    const [there = []] = elsewhere(
      `SELECT service_name, service, count(*)::INTEGER AS n FROM read_parquet('{dir}/spans/**/*.parquet', hive_partitioning = true, hive_types_autocast = false) WHERE date = '2026-11-19' GROUP BY ALL`,
    );
    for (const name of ODD) {
      const found = there.find((row) => row['service_name'] === name);
      expect(found, name).toMatchObject({ n: 3 });
      if (servicePart(name).length < 180) expect(found?.['service']).toBe(name);
      expect(manifest.files.filter(({ service }) => service === name)).toHaveLength(1);
    }
    // Nothing may leave the folder, whatever a service calls itself.
    expect(manifest.files.every(({ path: file }) => !file.split('/').includes('..') && existsSync(path.join(dir, file)))).toBe(true);
    expect(new Set(ODD.map(servicePart)).size).toBe(ODD.length);
  });
  it('takes the range and the signals asked for, to the nanosecond of its bounds', async () => {
    await fill();
    const startMs = Date.parse('2026-11-18T23:59:10Z');
    const manifest = await run({ request: { startMs, endMs: startMs + 20_000, signals: ['logs'] } });
    expect(Object.keys(manifest.tables)).toEqual(['logs']);
    expect(manifest.tables['logs']?.rows).toBe(20);
  });
  it('a signal that is named twice is there once', async () => {
    await fill(5);
    const manifest = await run({ request: { signals: ['logs', 'logs'] } });
    expect([manifest.signals, manifest.tables['logs']?.rows]).toEqual([['logs'], 5]);
  });
  it('takes a folder with signs of a glob in its name', async () => {
    await fill(5);
    dir = path.join(path.dirname(dir), 'out [a-z]*?{1}');
    const manifest = await run({ request: { signals: ['logs'] } });
    expect(manifest.tables['logs']?.rows).toBe(5);
    expect(manifest.files.every(({ path: file, bytes }) => readFileSync(path.join(dir, file)).length === bytes)).toBe(true);
  });
  it('of nothing is a manifest that says so', async () => {
    const manifest = await run();
    expect([manifest.files, manifest.tables]).toEqual([[], {}]);
    expect(JSON.parse(readFileSync(path.join(dir, 'manifest.json'), 'utf8'))).toEqual(manifest);
  });
  it('killed before its first file was whole, it begins again', async () => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, 'export.jsonl.new'), '{');
    await run();
    expect(readdirSync(dir)).not.toContain('export.jsonl.new');
  });
  it('cancelled or broken off in the middle it leaves whole files only, and goes on with them', async () => {
    await fill(60);
    const abort = new AbortController();
    await expect(run({ signal: abort.signal, onProgress: ({ doneFiles }) => doneFiles === 5 && abort.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(existsSync(path.join(dir, 'manifest.json'))).toBe(false);
    expect(files().filter((name) => name.endsWith('.unfinished'))).toEqual([]);
    expect(files()).toHaveLength(5);
    let writes = 0;
    const { store } = test;
    const counting: ExportOptions['store'] = {
      partitions: store.partitions.bind(store),
      writePartition: (...args) => {
        writes++;
        return store.writePartition(...args);
      },
    };
    const manifest = await run({ store: counting });
    expect(writes).toBe(manifest.files.length - 5);
    rmSync(dir, { recursive: true });
    expect((await run()).tables).toEqual(manifest.tables);
  });
  it('a file that is not what its line says is written again', async () => {
    await fill(20);
    const abort = new AbortController();
    await run({ signal: abort.signal, onProgress: ({ doneFiles }) => doneFiles === 3 && abort.abort() }).catch(() => undefined);
    writeFileSync(path.join(dir, files()[0] as string), 'cut');
    const manifest = await run();
    const [read] = elsewhere(`SELECT count(*)::INTEGER AS n FROM read_parquet('{dir}/spans/**/*.parquet')`);
    expect(read?.[0]?.['n']).toBe(manifest.tables['spans']?.rows);
  });
  it('refuses a folder that holds something else, or another export', async () => {
    await fill(5);
    await run();
    await expect(run()).rejects.toThrow(/holds a finished export/);
    rmSync(path.join(dir, 'manifest.json'));
    await expect(run()).rejects.toThrow(/not empty/);
    rmSync(dir, { recursive: true });
    const abort = new AbortController();
    abort.abort();
    await run({ signal: abort.signal }).catch(() => undefined);
    await expect(run({ request: { signals: ['logs'] } })).rejects.toThrow(/another range, signals or version/);
    const file = path.join(path.dirname(dir), 'a-file');
    writeFileSync(file, '');
    await expect(run({ dir: file })).rejects.toMatchObject({ code: 'data_dir_not_writable' });
    if (process.platform === 'linux')
      await expect(run({ dir: '/proc/nowhere/x' })).rejects.toMatchObject({ code: 'data_dir_not_writable' });
  });
});
