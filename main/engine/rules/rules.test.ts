import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import type { ColumnBatch, DecodedRecord } from '#contracts/columns.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { TABLES } from '#contracts/tables.ts';
import type { RuleAction, RuleCounts, VolumeRule } from '#contracts/volume-rules.ts';
import { volumeRuleSchema } from '#contracts/volume-rules.ts';
import { batchFromRows } from '#store/hot/columns-from-rows.ts';
import { readRulePreview } from '#store/read/read-rule-preview.ts';
import { makeBatch, makeRows, mulberry32 } from '#store/test-batches.ts';
import { TestStore } from '#store/test-store.ts';
import { HeldRecords } from '#store/write/held-records.ts';
import { decodeRecord } from '../decode-record.ts';
import { OTHER_PATTERNS, RuleSet } from './apply-rules.ts';
import { MAX_TARGETS } from './windows.ts';

const limits = limitsSchema.parse(undefined);
const START = Date.UTC(2026, 10, 21, 12);
const kinds = { metrics: RecordKind.metrics, traces: RecordKind.traces, logs: RecordKind.logs } as const;
const record = (kind: keyof typeof kinds, body: Uint8Array, position: number, receivedMs: number): JournalRecord => ({
  kind: kinds[kind],
  format: BodyFormat.protobuf,
  encoding: BodyEncoding.identity,
  receivedUnixNano: BigInt(receivedMs) * 1_000_000n,
  retentionSeconds: 0,
  items: 1,
  source: 'otlp-http',
  meta: '',
  body,
  position,
  next: position + 1,
});
const rule = (more: Pick<VolumeRule, 'signal' | 'match' | 'action'>): VolumeRule =>
  volumeRuleSchema.parse({ id: 'r', name: 'r', enabled: true, ...more });
const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
/** Gauges, cumulative and delta sums of a few instances, routes and codes at one time. */
function metricsBody(random: () => number, ms: number, value: number): Uint8Array {
  const timeUnixNano = String(BigInt(ms) * 1_000_000n);
  const points = Array.from({ length: 8 }, (_, i) => ({
    timeUnixNano,
    asDouble: value + i + Math.floor(random() * 3),
    attributes: [attribute('route', `/r${i % 4}`), attribute('code', String(200 + (i >> 2)))],
  }));
  const resourceMetrics = ['a', 'b'].map((instance) => ({
    resource: { attributes: [attribute('service.name', 'shop'), attribute('service.instance.id', instance)] },
    scopeMetrics: [
      {
        metrics: [
          { name: 'queue.length', gauge: { dataPoints: points } },
          { name: 'requests', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points } },
          { name: 'requests.delta', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: points } },
          {
            name: 'duration',
            histogram: {
              aggregationTemporality: 2,
              dataPoints: [{ timeUnixNano, count: '3', sum: 2, bucketCounts: ['1', '2'], explicitBounds: [1] }],
            },
          },
        ],
      },
    ],
  }));
  return transcodeJson('metrics', Buffer.from(JSON.stringify({ resourceMetrics })), limits);
}

const raw = new TestStore();
const bodies: { readonly record: JournalRecord; readonly batches: readonly ColumnBatch[] | null }[] = [];
let plainRows = 0;
const window = { startMs: START, endMs: START + 3_600_000 };
beforeAll(async () => {
  const store = await raw.open();
  const random = mulberry32(11);
  let position = 1;
  for (let i = 0; i < 20; i++) {
    const ms = START + i * 7_000;
    const taken = record('metrics', metricsBody(random, ms, i * 10), position++, ms + 500);
    const decoded = await decodeRecord(taken, { dictionary: store.dictionary, limits });
    store.append(taken, decoded.batches);
    bodies.push({ record: taken, batches: null });
  }
  for (const table of ['spans', 'logs'] as const) {
    const batch = makeBatch({ table, rows: 1_000, seed: 5, startNano: BigInt(START) * 1_000_000n, stepNano: 37_000_003n });
    const taken = record(table === 'spans' ? 'traces' : 'logs', new Uint8Array(0), position++, START + 200_000);
    store.append(taken, [batch]);
    bodies.push({ record: taken, batches: [batch] });
  }
  plainRows = (await run([])).rows;
});
afterAll(() => raw.end());

/** What a set of rules leaves of everything. */
async function run(rules: readonly VolumeRule[]): Promise<{ counts: RuleCounts; rows: number; batches: ColumnBatch[] }> {
  const counts = new Map<string, RuleCounts>();
  const set = new RuleSet(rules, raw.store.dictionary, 1e6, counts, null);
  const batches: ColumnBatch[] = [];
  const take = async (one: JournalRecord, given: readonly ColumnBatch[] | null): Promise<void> => {
    set.dictionary.source = one.source;
    const decoded: DecodedRecord = given
      ? { batches: given, dropped: new Map(), noted: new Map() }
      : await decodeRecord(one, { dictionary: set.dictionary, limits });
    batches.push(...set.apply(one, decoded, START).decoded.batches);
  };
  for (const each of bodies) await take(each.record, each.batches);
  // A record long after all: every window is over.
  await take(record('logs', new Uint8Array(0), 1e6, START + 86_400_000), []);
  const none: RuleCounts = { matched: 0, leftOut: 0, written: 0, lastMs: null };
  return { counts: counts.get('r') ?? none, rows: batches.reduce((sum, batch) => sum + batch.rows, 0), batches };
}
const sample = (keepOneIn: number, keepErrors: boolean) => ({ kind: 'sample', keepOneIn, keepErrors }) as const;
const fold = (without: readonly string[], op: 'sum' | 'avg' | 'last', intervalSeconds: number): RuleAction => ({
  kind: 'aggregate',
  without: [...without],
  op,
  intervalSeconds,
});

describe('a preview on stored data says what the rule does to the same data', () => {
  it.each<[string, Pick<VolumeRule, 'signal' | 'match' | 'action'>]>([
    ['a metric', { signal: 'metrics', match: { metric: 'requests' }, action: { kind: 'drop' } }],
    ['metrics by a wildcard, with histograms', { signal: 'metrics', match: { metric: '*u*' }, action: { kind: 'drop' } }],
    [
      'a label',
      { signal: 'metrics', match: { service: 'shop', labels: [{ key: 'route', op: '!=', value: '/r[12]*' }] }, action: { kind: 'drop' } },
    ],
    [
      'two labels',
      {
        signal: 'metrics',
        match: {
          labels: [
            { key: 'route', op: '=', value: '/r1' },
            { key: 'code', op: '!=', value: '200' },
          ],
        },
        action: { kind: 'drop' },
      },
    ],
    [
      'a label that is not there',
      { signal: 'metrics', match: { labels: [{ key: 'nope', op: '=', value: '' }] }, action: { kind: 'drop' } },
    ],
    ['routes folded', { signal: 'metrics', match: { metric: '*' }, action: fold(['route'], 'sum', 30) }],
    ['instances folded', { signal: 'metrics', match: { metric: 'requests*' }, action: fold(['service.instance.id', 'code'], 'sum', 60) }],
    ['gauges averaged', { signal: 'metrics', match: { metric: 'queue.length' }, action: fold(['code', 'route'], 'avg', 20) }],
    ['thinned out', { signal: 'metrics', match: { metric: 'requests' }, action: fold([], 'last', 60) }],
    ['a service of spans', { signal: 'traces', match: { service: 'cart' }, action: { kind: 'drop' } }],
    ['spans by name and status', { signal: 'traces', match: { span: 'GET', status: 'error' }, action: { kind: 'drop' } }],
    ['every 3rd trace', { signal: 'traces', match: { service: '*' }, action: sample(3, false) }],
    ['every 10th trace and all errors', { signal: 'traces', match: { span: '*order*' }, action: sample(10, true) }],
    ['a severity', { signal: 'logs', match: { severity: 'debug' }, action: { kind: 'drop' } }],
    [
      'a pattern',
      { signal: 'logs', match: { pattern: 'order <*> of user <*> accepted in <*> ms by <*>; 连接池 ok' }, action: { kind: 'drop' } },
    ],
    ['every 7th line, all errors', { signal: 'logs', match: { service: 'c*' }, action: sample(7, true) }],
    ['every 2nd line', { signal: 'logs', match: { service: '*' }, action: sample(2, false) }],
    ['lines counted', { signal: 'logs', match: { severity: 'info' }, action: fold([], 'sum', 30) }],
    ['nothing', { signal: 'logs', match: { service: 'nobody' }, action: { kind: 'drop' } }],
  ])('%s', async (_, about) => {
    const one = rule(about);
    const { counts, rows } = await run([one]);
    const preview = await readRulePreview(raw.store, one, window, [], {});
    expect([preview.matched, preview.leftOut, preview.written]).toEqual([counts.matched, counts.leftOut, counts.written]);
    expect(plainRows - rows).toBe(counts.leftOut - counts.written);
    expect(preview.examples.length).toBe(Math.min(5, counts.leftOut));
  });
  it('the first rule that matches decides', async () => {
    const keepErrors = rule({ signal: 'logs', match: { severity: 'error' }, action: sample(1_000_000, true) });
    const dropRest = { ...rule({ signal: 'logs', match: { service: '*' }, action: { kind: 'drop' } }), id: 'rest' };
    const { batches } = await run([keepErrors, dropRest]);
    const kept = batches.filter(({ table }) => table === 'logs').reduce((sum, { rows }) => sum + rows, 0);
    expect(kept).toBe(Number((await raw.one('SELECT count(*) AS n FROM logs WHERE severity_number >= 17'))['n']));
  });
});

describe('what is folded', () => {
  const folded = async (about: Pick<VolumeRule, 'signal' | 'match' | 'action'>): Promise<Record<string, unknown>[]> => {
    const { batches } = await run([rule(about)]);
    const into = new TestStore();
    const store = await into.open();
    const written = batches.filter(({ table, columns }) => table === 'samples' && columns[0]?.kind === 'u32');
    store.append({ position: 1, next: 2 }, written);
    const rows = (await store.query('SELECT series_id, epoch_ms(time)::DOUBLE AS ms, value FROM samples ORDER BY ALL')).rows();
    await into.end();
    const names = (await raw.store.query('SELECT series_id, metric, temporality, attributes FROM series')).rows();
    return rows.map((row) => ({ ...row, ...names.find((each) => each['series_id'] === row['series_id']) }));
  };
  it('counters: the increase of their members, from one interval to the next, as a delta', async () => {
    const rows = (
      await folded({ signal: 'metrics', match: { metric: 'requests' }, action: fold(['route', 'code', 'service.instance.id'], 'sum', 60) })
    ).filter(({ metric, temporality, attributes }) => metric === 'requests' && temporality === 'delta' && attributes === '{}');
    const [total] = (
      await raw.store.query(
        `SELECT sum(value - first)::DOUBLE AS n FROM (SELECT arg_max(value, time) AS value, arg_min(value, time) AS first FROM samples JOIN series USING (series_id) WHERE metric = 'requests' AND temporality = 'cumulative' GROUP BY series_id)`,
      )
    ).rows();
    expect(rows.length).toBe(3);
    expect(rows.reduce((sum, { value }) => sum + Number(value), 0)).toBe(Number(total!['n']));
  });
  it('gauges: the newest of each member in the interval, averaged', async () => {
    const rows = (
      await folded({
        signal: 'metrics',
        match: { metric: 'queue.length' },
        action: fold(['route', 'code', 'service.instance.id'], 'avg', 60),
      })
    ).filter(({ metric, attributes }) => metric === 'queue.length' && attributes === '{}');
    const expected = (
      await raw.store.query(
        `SELECT avg(value)::DOUBLE AS value FROM (SELECT (epoch_ms(time) // 60000) AS cell, arg_max(value, time) AS value FROM samples JOIN series USING (series_id) WHERE metric = 'queue.length' GROUP BY cell, series_id) GROUP BY cell ORDER BY cell`,
      )
    ).rows();
    expect(rows.map(({ value }) => value)).toEqual(expected.map(({ value }) => value));
  });
  it('a span kept for others says for how many', async () => {
    const { batches } = await run([rule({ signal: 'traces', match: { service: '*' }, action: sample(3, true) })]);
    const into = new TestStore();
    const store = await into.open();
    store.append(
      { position: 1, next: 2 },
      batches.filter(({ table }) => table === 'spans'),
    );
    expect((await store.query(`SELECT DISTINCT trace_state, status_code = 2 AS failed FROM spans ORDER BY ALL`)).rows()).toEqual([
      { trace_state: 'fl=n:3', failed: false },
      { trace_state: null, failed: true },
    ]);
    await into.end();
  });
});

it('patterns without end are counted together, and no line is lost', async () => {
  const rows = MAX_TARGETS + 500;
  const lines = makeRows({ table: 'logs', rows, seed: 4, startNano: BigInt(START) * 1_000_000n, stepNano: 1n });
  const word = (i: number): string => [...String(i)].map((digit) => String.fromCharCode(97 + Number(digit))).join('');
  const batch = batchFromRows(
    TABLES.logs,
    lines.map((row, i) => ({ ...row, service: 'cart', severity_number: 9, body: `said ${word(i)}` })),
  );
  const set = new RuleSet(
    [rule({ signal: 'logs', match: { service: 'cart' }, action: fold([], 'sum', 60) })],
    raw.store.dictionary,
    1e6,
    new Map(),
    null,
  );
  set.apply(record('logs', new Uint8Array(0), 1, START), { batches: [batch], dropped: new Map(), noted: new Map() }, START);
  const [windows] = set.windows.values();
  const { rows: counted } = windows!.close(2, START + 3_600_000, false);
  expect(counted.length).toBe(MAX_TARGETS + 1);
  expect(counted.reduce((sum, { value }) => sum + value, 0)).toBe(rows);
  expect(counted.find(({ target }) => target.row.attributes.values[0] === OTHER_PATTERNS)?.value).toBe(500);
});
it('a replay from where the store releases the journal writes the same rows at every record that is not stored', async () => {
  const random = mulberry32(3);
  const rules = [rule({ signal: 'metrics', match: { metric: '*' }, action: fold(['route', 'service.instance.id'], 'sum', 20) })];
  const records: JournalRecord[] = [];
  let ms = START;
  for (let i = 1; i <= 40; i++) {
    // Late points, silence, and a clock that goes back.
    ms += random() < 0.1 ? -9_000 : Math.floor(random() * 12_000);
    const late = random() < 0.15 ? 60_000 : 0;
    records.push(record('metrics', metricsBody(random, ms - late, i * 5), i * 10, ms + 300));
  }
  const play = async (from: number, each: (at: JournalRecord, rows: string, set: ReturnType<RuleSet['apply']>) => void): Promise<void> => {
    const set = new RuleSet(rules, raw.store.dictionary, 1e6, new Map(), null);
    for (const one of records.filter(({ position }) => position >= from)) {
      set.dictionary.source = one.source;
      const ruled = set.apply(one, await decodeRecord(one, { dictionary: set.dictionary, limits }), START);
      const rows = ruled.decoded.batches.map(({ table, rows: n, columns }) => [
        table,
        ...columns.map((column) => ('data' in column ? [...(column.data as Float64Array).slice(0, n)].map(String) : '')),
      ]);
      each(one, JSON.stringify(rows), ruled);
    }
  };
  const first = new Map<number, string>();
  const releases: { readonly stored: number; readonly released: number }[] = [];
  const held = new HeldRecords();
  let done = 0;
  await play(0, (one, rows, { needs }) => {
    first.set(one.position, rows);
    held.append(one.position, needs);
    // Flushed up to some record before.
    if (random() < 0.6) {
      done = Math.max(done, one.position - 10 * Math.floor(random() * 4));
      releases.push({ stored: done, released: held.before(done) });
    }
  });
  expect(releases.length).toBeGreaterThan(10);
  expect([...first.values()].some((rows) => rows.includes('"samples"'))).toBe(true);
  for (const { stored, released } of releases) {
    await play(released, (one, rows) => {
      if (one.position >= stored)
        expect({ stored, at: one.position, rows }).toEqual({ stored, at: one.position, rows: first.get(one.position) });
    });
  }
});
