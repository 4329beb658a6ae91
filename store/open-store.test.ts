import { tableFromIPC } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Incident } from '#contracts/judgement.ts';
import { TABLES, type TableName } from '#contracts/tables.ts';
import { makeBatch } from './test-batches.ts';
import { nano, TestStore } from './test-store.ts';

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());
const TELEMETRY = Object.keys(TABLES) as TableName[];
const batch = (table: TableName, rows: number, at = '2026-11-20T23:59:59Z', seed = 7): ReturnType<typeof makeBatch> =>
  makeBatch({ table, rows, seed, startNano: nano(at) });
/** Everything in a table, in an order of its own, as one digest. */
const digest = async (table: TableName): Promise<unknown> =>
  await t.one(
    `SELECT count(*) AS n, md5(string_agg(r, chr(10) ORDER BY r)) AS h FROM (SELECT ${TABLES[table].columns.map((c) => `coalesce("${(c.shownAs ?? c).name}"::VARCHAR, 'NULL')`).join(` || '|' || `)} AS r FROM ${table})`,
  );

describe('rows', () => {
  it.each(TELEMETRY)('%s reads the same hot, stored, reopened, and through the slow path', async (table) => {
    await t.open();
    t.append(batch(table, 5000));
    const hot = await digest(table);
    expect(hot).toMatchObject({ n: '5000' });
    await t.store.flush();
    expect(t.store.hot()[table]).toEqual({ rows: 0, bytes: 0 });
    expect(await digest(table)).toEqual(hot);
    await t.reopen();
    expect(await digest(table)).toEqual(hot);
    const slow = new TestStore();
    await slow.open({ direct: false });
    slow.append(batch(table, 5000));
    const fast = t;
    t = slow;
    try {
      expect(await digest(table)).toEqual(hot);
      await slow.store.flush();
      expect(await digest(table)).toEqual(hot);
    } finally {
      t = fast;
      await slow.end();
    }
  });

  it('lie in the day of their time, to the nanosecond', async () => {
    await t.open();
    const midnight = nano('2026-11-21T00:00:00Z');
    for (const [startNano, stepNano] of [
      [midnight - 3n, 1n],
      [0n, 86_400_000_000_000n],
    ] as const)
      t.append(makeBatch({ table: 'samples', rows: 6, seed: 1, startNano, stepNano }));
    await t.store.flush();
    const rows = Object.fromEntries((await t.store.facts()).days.map((day) => [day.day, day.rows.samples]));
    expect(rows).toEqual({
      '1970-01-01': 1,
      '1970-01-02': 1,
      '1970-01-03': 1,
      '1970-01-04': 1,
      '1970-01-05': 1,
      '1970-01-06': 1,
      '2026-11-20': 3,
      '2026-11-21': 3,
    });
    expect(await t.count('samples')).toBe(12);
  });

  it('of a batch whose heap a cell points out of are refused as a bug, not read', async () => {
    await t.open();
    const broken = batch('logs', 10);
    expect(() => t.append({ ...broken, heap: broken.heap.subarray(0, 20) })).toThrow('BUG');
  });
});

describe('replay', () => {
  it('skips exactly the stored rows, also in the middle of a record', async () => {
    await t.open();
    const record = [batch('spans', 3000), batch('logs', 100), batch('logs', 50, '2026-11-21T08:00:00Z', 8)];
    const at = t.append(...record);
    await t.store.flush();
    const before = await digest('spans');
    t.store.append({ position: at, next: at + 1 }, record);
    expect(t.store.hot().spans.rows + t.store.hot().logs.rows).toBe(0);
    // The record came with more rows than were stored: a flush had cut it.
    t.store.append({ position: at, next: at + 1 }, [batch('spans', 3000), batch('spans', 5, '2026-11-21T09:00:00Z')]);
    expect(t.store.hot().spans.rows).toBe(5);
    t.store.append({ position: at, next: at + 1 }, [batch('spans', 0)]);
    expect(before).toMatchObject({ n: '3000' });
    expect(await t.count('spans')).toBe(3005);
    expect(await t.count('logs')).toBe(150);
  });

  it('gives the same rows when it starts from released() after a close', async () => {
    await t.open();
    const released: number[] = [];
    t.store.onReleased((position) => released.push(position));
    for (let i = 0; i < 10; i++) t.append(batch('samples', 100, '2026-11-21T08:00:00Z', i));
    expect(t.store.released()).toBe(0);
    await t.store.flush();
    expect(released.at(-1)).toBe(11);
    await t.reopen();
    expect(t.store.released()).toBe(11);
    for (let i = 0; i < 10; i++) t.store.append({ position: i + 1, next: i + 2 }, [batch('samples', 100, '2026-11-21T08:00:00Z', i)]);
    expect(await t.count('samples')).toBe(1000);
  });
});

describe('dictionary', () => {
  const resource = (service: string) => () => ({
    service,
    serviceNamespace: null,
    serviceInstanceId: 'i',
    serviceVersion: null,
    attributes: { keys: ['host.name'], values: ['h'.repeat(30)], types: 's' },
    droppedAttributesCount: 0,
    schemaUrl: '',
    entityRefs: '',
  });
  it('rows are seen at once, stored with the rows, and keep their ids', async () => {
    await t.open();
    const key = 'a\0ÿ\x80 key longer than twelve bytes';
    expect([
      t.store.dictionary.resource(key, resource('a')),
      t.store.dictionary.resource('b', resource('b')),
      t.store.dictionary.resource(key, () => {
        throw new Error('asked twice');
      }),
    ]).toEqual([1, 2, 1]);
    expect((await t.store.query('SELECT service, attributes FROM resources ORDER BY resource_id')).rows()).toEqual([
      { service: 'a', attributes: JSON.stringify({ 'host.name': 'h'.repeat(30) }) },
      { service: 'b', attributes: JSON.stringify({ 'host.name': 'h'.repeat(30) }) },
    ]);
    t.append(batch('spans', 10));
    await t.reopen();
    expect(
      t.store.dictionary.resource(key, () => {
        throw new Error('forgotten');
      }),
    ).toBe(1);
    expect(t.store.dictionary.resource('c', resource('c'))).toBe(3);
    expect(await t.count('resources')).toBe(3);
  });
  it('gives 0 beyond its limit', async () => {
    await t.open({ limits: { maxSeries: 2 } });
    expect(['a', 'b', 'c', 'a'].map((key) => t.store.dictionary.resource(key, resource(key)))).toEqual([1, 2, 0, 1]);
  });
});

describe('queries', () => {
  it('take parameters, give typed arrays, NULL and Arrow', async () => {
    await t.open();
    t.append(batch('logs', 3000));
    const sql =
      'SELECT time, trace_id, severity_number, body, attributes, $1 AS a, $2 AS b, $3::BOOLEAN AS c, $4 AS d, (NULL::DOUBLE) AS e FROM logs ORDER BY time';
    const result = await t.store.query(sql, ["o'x", 5, true, 18446744073709551615n]);
    expect(result.rowCount).toBe(3000);
    expect(result.column('time')).toBeInstanceOf(BigInt64Array);
    expect((result.column('time') as BigInt64Array)[2999]).toBe(nano('2026-11-21T00:00:01.999Z'));
    expect(result.rows()[0]).toMatchObject({
      time: '2026-11-20T23:59:59.000000000Z',
      a: "o'x",
      b: '5',
      c: true,
      d: '18446744073709551615',
      e: null,
    });
    expect(Number.isNaN(result.column('e')[0])).toBe(true);
    const nulls = (result.column('trace_id') as (string | null)[]).filter((id) => id === null).length;
    expect(nulls).toBeGreaterThan(100);
    const arrow = tableFromIPC(result.toArrow({ query: sql }));
    expect([
      arrow.numRows,
      arrow.schema.metadata.get('query'),
      arrow.getChild('body')?.get(2999),
      arrow.getChild('trace_id')?.nullCount,
      arrow.getChild('c')?.get(5),
    ]).toEqual([3000, sql, (result.column('body') as string[])[2999], nulls, true]);
    expect(tableFromIPC((await t.store.query('SELECT 1 AS x WHERE false')).toArrow()).schema.fields.map((f) => f.name)).toEqual(['x']);
  });
  it('are cut at maxRows', async () => {
    await t.open();
    const result = await t.store.query('SELECT * FROM range(1000000)', [], { maxRows: 3000 });
    expect([result.rowCount, result.truncated, result.column('range').length]).toEqual([3000, true, 3000]);
    const long = 'SELECT range FROM range(1000001)';
    await expect(t.store.query(long)).rejects.toMatchObject({ code: 'answer_too_long' });
    expect((await t.store.query('SELECT range FROM range(1000000)')).rowCount).toBe(1_000_000);
    expect(await t.store.userQuery(long)).toMatchObject({ rowCount: 1_000_000, truncated: true });
  });
  it.each([
    ['SELECT 1 AS a, 2 AS b -- and a comment;', ['a', 'b'], [[1, 2]]],
    ['SELECT 1 AS a, 2 AS a, 3 AS A', ['a', 'a', 'A'], [[1, 2, 3]]],
    ['SELECT 1 AS a, 2 AS a_1', ['a', 'a_1'], [[1, 2]]],
    ['SELECT range AS r FROM range(5) ORDER BY r DESC;', ['r'], [[4], [3]]],
    ['VALUES (1, [2])', ['col0', 'col1'], [[1, '[2]']]],
    ['SELECT $1 AS given, 5 AS other', ['given', 'other'], [['x', 5]]],
  ])('with a limit have the names, order and rows they have without: %s', async (sql, names, rows) => {
    await t.open();
    const result = await t.store.query(sql, sql.includes('$1') ? ['x'] : [], { maxRows: 2 });
    expect(result.columns.map(({ name }) => name)).toEqual(names);
    const arrow = tableFromIPC(result.toArrow());
    const given = Array.from({ length: result.rowCount }, (_, row) => names.map((_, i) => arrow.getChildAt(i)?.get(row) as unknown));
    expect(given.map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)))).toEqual(rows);
  });
  const ENDLESS = 'SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 7';
  it('end at their time limit, and the connection goes on', async () => {
    await t.open({ readers: 1 });
    await expect(t.store.query(ENDLESS, [], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'query_timeout' });
    expect(await t.one('SELECT 1 AS x')).toEqual({ x: 1 });
  });
  it('end when their caller goes', async () => {
    await t.open({ readers: 1 });
    const abort = new AbortController();
    const running = t.store.query(ENDLESS, [], { signal: abort.signal });
    setTimeout(() => {
      abort.abort();
    }, 30);
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await expect(t.store.query('SELECT 1', [], { signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' });
    expect(await t.one('SELECT 1 AS x')).toEqual({ x: 1 });
  });
  it('that stalled while streaming end (a UNION ALL of groups and windows over joined hot rows)', async () => {
    await t.open();
    const none = { keys: [], values: [], types: '' };
    for (let i = 0; i < 1100; i++) {
      const kind = i % 2 ? ('sum' as const) : ('gauge' as const);
      t.store.dictionary.series(`k${i}`, () => ({
        metric: `m${i % 40}`,
        type: kind,
        unit: '',
        description: '',
        temporality: 'cumulative',
        monotonic: i % 2 === 1,
        numberType: 'd',
        source: 'otlp',
        service: 'a',
        attributes: none,
        metadata: none,
        resourceId: 1,
        scopeId: 1,
      }));
    }
    for (let i = 0; i < 10; i++) {
      for (const table of ['samples', 'histograms'] as const) {
        t.append(
          makeBatch({
            table,
            rows: 20_000,
            seed: i,
            startNano: nano('2026-11-21T10:00:00Z') + BigInt(i) * 180_000_000_000n,
            stepNano: 9_000_000n,
          }),
        );
      }
    }
    const counter = `(d.type = 'sum' AND d.monotonic)`;
    const cell = '((epoch_ns(time) - 1795255200000000000) // 15000000000)::INTEGER AS cell';
    const lagged = (
      table: string,
      value: string,
    ): string => `SELECT x.series_id, x.time, ${value} AS value, d.temporality, lag(${value}) OVER w AS before, lag(epoch_ns(x.time)) OVER w AS before_at
      FROM ${table} x JOIN series d ON d.series_id = x.series_id WHERE x.time >= TIMESTAMP_NS '2026-11-21 09:57:30' AND x.time < TIMESTAMP_NS '2026-11-21 11:00:00'
      ${table === 'samples' ? `AND NOT isnan(x.value) AND ${counter} AND d.metric NOT LIKE '%bucket'` : ''} WINDOW w AS (PARTITION BY x.series_id ORDER BY x.time)`;
    const sql = `WITH counted AS (${lagged('samples', 'x.value')}), observed AS (${lagged('histograms', 'x.sum')})
      SELECT x.series_id::DOUBLE AS series_id, ${cell}, avg(x.value) AS value FROM samples x JOIN series d ON d.series_id = x.series_id
        WHERE x.time >= TIMESTAMP_NS '2026-11-21 10:00:00' AND x.time < TIMESTAMP_NS '2026-11-21 11:00:00' AND NOT isnan(x.value) AND NOT ${counter} GROUP BY ALL
      UNION ALL SELECT series_id::DOUBLE, ${cell}, sum(CASE WHEN value >= before THEN value - before ELSE value END) FILTER (before IS NOT NULL) / (sum(epoch_ns(time) - before_at) / 1e9) FROM counted GROUP BY series_id, cell
      UNION ALL SELECT series_id::DOUBLE, ${cell}, sum(value) FROM observed WHERE temporality = 'delta' OR before IS NOT NULL GROUP BY series_id, cell`;
    expect((await t.store.query(sql, [], { timeoutMs: 25_000 })).rowCount).toBeGreaterThan(50_000);
  });
  it('under way are stopped by close', async () => {
    await t.open({ readers: 1 });
    const running = [t.store.query(ENDLESS), t.store.query(ENDLESS)].map((query) =>
      expect(query).rejects.toMatchObject({ code: 'cancelled' }),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await t.store.close();
    await Promise.all(running);
  });
  it.each([['SELECT nothing FROM spans'], ['SELEC'], ['SELECT 1; SELECT 2'], ['CREATE TABLE x (a INTEGER)'], ['SELECT $1']])(
    'that cannot be run say so: %s',
    async (sql) => {
      await t.open();
      await expect(t.store.query(sql)).rejects.toMatchObject({ code: 'query_failed' });
    },
  );
});

describe('small state', () => {
  it('outlives a restart; incidents become views', async () => {
    await t.open();
    const incident = {
      id: 'i1',
      title: 't',
      status: 'open',
      severity: 'major',
      openedMs: 5000,
      onsetMs: 4000.5,
      resolvedMs: null,
      acknowledgedMs: null,
      services: ['a'],
      symptom: { service: 'a', kind: 'x' },
      anomalies: [],
      rca: null,
      timeline: [{ atMs: 4000, kind: 'change', service: 'a', says: 'deployed', messageKey: '', params: {} }],
    } as unknown as Incident;
    await t.store.saveIncident(incident);
    await t.store.saveIncident({ ...incident, title: "it's later" });
    await t.store.setState('k', '{"a":1}');
    await t.store.setState('k', '{"a":2}');
    await t.reopen();
    expect(await t.store.incidents(5)).toEqual([{ ...incident, title: "it's later" }]);
    expect([await t.store.getState('k'), await t.store.getState('none')]).toEqual(['{"a":2}', null]);
    expect(await t.one('SELECT title, opened, resolved FROM incidents')).toEqual({
      title: "it's later",
      opened: '1970-01-01T00:00:05.000000000Z',
      resolved: null,
    });
    expect(await t.one('SELECT incident_id, time, says FROM changes')).toEqual({
      incident_id: 'i1',
      time: '1970-01-01T00:00:04.000000000Z',
      says: 'deployed',
    });
  });
});
