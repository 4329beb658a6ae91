import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '#contracts/store.ts';
import { openStore } from '../open-store.ts';
import { evidenceQueries } from '../sql/read/evidence-sql.ts';
import * as judgement from '../sql/read/judgement-sql.ts';
import * as logs from '../sql/read/logs-sql.ts';
import * as metrics from '../sql/read/metrics-sql.ts';
import * as observed from '../sql/read/observe-spans-sql.ts';
import * as services from '../sql/read/services-sql.ts';
import * as traces from '../sql/read/traces-sql.ts';

let store: Store;
const dataDir = mkdtempSync(join(tmpdir(), 'store-sql-'));
beforeAll(async () => {
  writeFileSync(join(dataDir, 'x.csv'), 'a\n1\n');
  store = await openStore({ dataDir, retentionSeconds: 0, maxSizeBytes: 1e12, limits: { maxSeries: 10 }, nowMs: () => 0 });
});
afterAll(async () => {
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('user SQL', () => {
  it.each([
    ['SELECT 1 AS one'],
    ['SELECT 1 AS one; -- only one'],
    ['SELECT 1 -- a; b\n + 1; -- c; d'],
    ["SELECT ';' AS one ;; /* ; */"],
    ['FROM spans'],
    ['SELECT sum(range) FROM range(2000000)'],
    ["SELECT range(0, 100, 10), repeat('-', 40), lpad('12345678', 20, ' '), repeat('99999999', 2), repeat('=', 5)"],
    ["SELECT * FROM generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02', INTERVAL 1 HOUR)"],
    ['TABLE logs'],
    ['VALUES (1), (2)'],
    ['DESCRIBE spans'],
    ['SELECT service, count(*), quantile_cont(duration_ns, 0.95) FROM spans GROUP BY ALL ORDER BY 2 DESC LIMIT 5'],
    ["SELECT trace_id_hex(trace_id) FROM spans WHERE trace_id = trace_id_of('5b8efff798038103d269b633813fc60c')"],
    ['WITH a AS (SELECT * FROM spans), b AS (SELECT * FROM a) SELECT * FROM b JOIN logs USING (trace_id)'],
    ['WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t'],
    ["SELECT * EXCLUDE (events), COLUMNS('http.*') FROM spans"],
    ["SELECT list_transform([1,2], lambda x: x + 1), attributes['a'], CASE WHEN true THEN 1 END FROM logs"],
    ['SELECT lag(value) OVER (PARTITION BY series_id ORDER BY time) FROM samples'],
    ['SELECT * FROM span_events, span_links, series, resources, scopes, changes, incidents, timeline, exemplars, histograms LIMIT 1'],
    ["SELECT 'catalog.main.state', 'read_csv' AS \"BASE_TABLE\""],
    ["SELECT {'type': 'BASE_TABLE', 'table_name': 'x', 'class': 'FUNCTION'}"],
  ])('runs %s', async (sql) => {
    await expect(store.userQuery(sql)).resolves.toBeDefined();
  });

  it('runs what the screens show', async () => {
    const window = { startMs: 0, endMs: 1000 };
    const wide = { startMs: 0, endMs: 120_000 };
    const range = { metric: 'm', ...wide, stepMs: 15_000, by: 'instance', labels: { a: 'b' }, rangeMs: 60_000, maxSeries: 10 };
    const shown = [
      services.serviceNodesSql(wide),
      services.placementsSql(wide),
      services.serviceEdgesSql(wide),
      services.serviceRedSql(wide, 'a', undefined, 1000),
      services.serviceRedSql(wide, 'a', 'b', 1000),
      observed.observeRedSql(wide, 1000),
      observed.observeSelfSql(wide, 1000),
      observed.observeEdgesSql(wide, 1000),
      services.facetsSql(['a'], wide, window, 10),
      traces.searchTracesSql({ ...window, order: 'newest', limit: 10, q: "o'x%" }),
      traces.searchTracesSql({
        ...window,
        order: 'errors',
        limit: 10,
        after: { failed: 1, rank: 5n, traceId: '5b8efff798038103d269b633813fc60c' },
      }),
      traces.countTracesSql({ ...window, filters: [{ scope: 'resource', key: "o'x", value: "o'x", exclude: true }] }),
      logs.searchLogsSql({ ...window, limit: 10, after: { unixNano: 5n, shown: 2 } }),
      traces.traceSpansSql('5b8efff798038103d269b633813fc60c'),
      traces.traceSpansSql('5b8efff798038103d269b633813fc60c', 'eee19b7ec3c1b174'),
      traces.traceOutlineSql('5b8efff798038103d269b633813fc60c'),
      judgement.observeLogsSql(wide, 1000, 5),
      judgement.seenSql({ originMs: wide.startMs, spans: wide, logs: wide, samples: wide }, 1000),
      observed.observeSpansSql({ ...wide, originMs: wide.startMs - 20_000, freshMs: wide.startMs }, 1000),
      judgement.changeLogsSql(wide),
      metrics.metricListSql('a', 10),
      ...(['raw', 'avg', 'rate'] as const).map((fn) => metrics.metricRangeSql({ ...range, fn })),
      metrics.seriesFactsSql([1]),
      metrics.observeMetricsSql(wide, 1000),
      metrics.restartsSql(wide),
      evidenceQueries.service('p95_ms', 'a', 'i', wide, window),
      evidenceQueries.service('self_ms', 'a', null, wide, window),
      evidenceQueries.edge('client_ms', 'a', 'b', wide, window),
      evidenceQueries.metric(1, true, wide, window),
      evidenceQueries.metric(1, false, wide, window),
      evidenceQueries.log('a', 'x <*>', wide, window),
    ];
    for (const sql of shown.flat()) await expect(store.userQuery(sql), sql).resolves.toBeDefined();
  });

  it.each([
    ['SELECT 1; SELECT 2'],
    [''],
    ['SELEC 1'],
    ['DROP VIEW spans'],
    ['INSERT INTO spans SELECT * FROM spans'],
    ["COPY spans TO 'out.csv'"],
    ["ATTACH 'x.duckdb'"],
    ['DETACH catalog'],
    ['PRAGMA database_list'],
    ["SET memory_limit = '1TB'"],
    ['EXPLAIN ANALYZE SELECT 1'],
    ['SHOW TABLES'],
    ['SELECT * FROM (SHOW ALL TABLES)'],
    ["SELECT * FROM 'x.csv'"],
    ["SELECT * FROM read_csv('x.csv')"],
    ["SELECT * FROM read_text('/etc/passwd')"],
    ["SELECT * FROM glob('*')"],
    ["SELECT * FROM query('SELECT 1')"],
    ["SELECT * FROM query_table('spans')"],
    ["SELECT * FROM spans WHERE EXISTS (SELECT 1 FROM read_blob('/etc/passwd'))"],
    ["SELECT (SELECT max(content) FROM read_text('/etc/passwd'))"],
    ["SELECT 1 ORDER BY (SELECT content FROM read_text('/etc/passwd'))"],
    ["SELECT 1 LIMIT (SELECT count(*) FROM read_text('/etc/passwd'))"],
    ["SELECT * FROM spans s, LATERAL (SELECT * FROM read_text('/etc/passwd'))"],
    ["SELECT * FROM spans JOIN logs ON (SELECT count(*) FROM read_text('/etc/passwd')) > 0"],
    ["SELECT count(*) FILTER (WHERE current_setting('threads') = 1) FROM spans"],
    ["SELECT * REPLACE (getenv('HOME') AS service) FROM spans"],
    ["SELECT list_transform([1], lambda x: current_setting('threads'))"],
    ["SELECT sum(1) OVER (ORDER BY getvariable('x'))"],
    ["VALUES (getvariable('x'))"],
    ['SELECT * FROM catalog.main.state'],
    ['SELECT * FROM catalog.state'],
    ['SELECT * FROM memory.main.spans'],
    ['SELECT * FROM main.spans'],
    ['SELECT * FROM duckdb_settings'],
    ['SELECT * FROM duckdb_settings()'],
    ['SELECT * FROM hot_spans()'],
    ['SELECT * FROM information_schema.tables'],
    ['SELECT * FROM pg_catalog.pg_class'],
    ['SELECT * FROM sqlite_master'],
    ['WITH duckdb_settings AS (SELECT * FROM duckdb_settings) SELECT * FROM duckdb_settings'],
    ['SELECT * FROM duckdb_settings, (WITH duckdb_settings AS (SELECT 1) SELECT * FROM duckdb_settings)'],
    ['SELECT * FROM pg_class, (WITH pg_class AS (SELECT 1) SELECT * FROM pg_class)'],
    ['WITH "x.csv" AS (SELECT * FROM "x.csv") SELECT * FROM "x.csv"'],
    ["SELECT json_execute_serialized_sql(json_serialize_sql('SELECT 1'))"],
    ["SELECT system.main.getvariable('x')"],
    ["SELECT nextval('s')"],
    ['SELECT sleep_ms(1000)'],
    ["SELECT repeat('x', 2000000000)"],
    // These filled the machine's memory outside DuckDB's limit, deaf to interrupts, until the engine was killed.
    ['SELECT range(3000000000)'],
    ["SELECT repeat(repeat(repeat('a', 10000), 10000), 10000)"],
    ["SELECT repeat(x, 10000) FROM (SELECT repeat(x, 10000) AS x FROM (SELECT repeat('a', 10000) AS x))"],
    ["SELECT list_transform(range(1000000), lambda x: repeat('a', 1000))"],
    ["SELECT list_resize(['x'], 10000, repeat('a', 10000))"],
    ["SELECT lpad('x', duration_ns) FROM spans"],
    ['SELECT $1'],
    [`SELECT ${'('.repeat(50_000)}1${')'.repeat(50_000)}`],
    [`SELECT ${'1+'.repeat(60_000)}1`],
    ['SELECT \0 1'],
    ['SUMMARIZE catalog.main.state'],
    ['DESCRIBE SELECT * FROM duckdb_settings'],
    ['PIVOT spans ON service USING count(*)'],
    ["FROM read_parquet('x.parquet')"],
    ["SELECT 1 UNION ALL SELECT a FROM 'x.csv'"],
    ["WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM t, read_text('/etc/passwd')) SELECT * FROM t"],
  ])('refuses %s', async (sql) => {
    await expect(store.userQuery(sql)).rejects.toMatchObject({ code: 'sql_refused' });
  });

  it('refuses every system view and table by its bare name, also behind a common table expression', async () => {
    const names = (await store.query('SELECT DISTINCT view_name AS name FROM duckdb_views() WHERE internal')).column('name') as string[];
    expect(names.length).toBeGreaterThan(20);
    for (const name of names.filter(
      (candidate) =>
        ![
          'tables',
          'columns',
          'schemata',
          'key_column_usage',
          'constraint_column_usage',
          'constraint_table_usage',
          'table_constraints',
          'referential_constraints',
          'character_sets',
        ].includes(candidate),
    )) {
      await expect(store.userQuery(`SELECT * FROM ${name}`)).rejects.toMatchObject({ code: 'sql_refused' });
      await expect(store.userQuery(`SELECT * FROM ${name}, (WITH ${name} AS (SELECT 1) SELECT * FROM ${name})`)).rejects.toMatchObject({
        code: 'sql_refused',
      });
    }
  });

  it('cuts at maxRows and says so', async () => {
    const result = await store.userQuery('SELECT * FROM range(100000)', { maxRows: 10 });
    expect([result.rowCount, result.truncated]).toEqual([10, true]);
  });
});
