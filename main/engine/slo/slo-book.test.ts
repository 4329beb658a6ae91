import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NewSlo, type SloQuery, sloDetailSchema, sloListSchema } from '#contracts/slo.ts';
import type { Store } from '#contracts/store.ts';
import { SPANS } from '#contracts/tables.ts';
import { Alerting } from '#main/engine/alerting/alerting.ts';
import { IncidentBook } from '#main/engine/incident-book.ts';
import { runExpr } from '#main/engine/promql/run-promql.ts';
import { SeriesBook } from '#main/engine/promql/series-book.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { ruleVector } from '#query/rules/sample.ts';
import { batchFromRows } from '#store/hot/columns-from-rows.ts';
import { makeRows } from '#store/test-batches.ts';
import { TestStore } from '#store/test-store.ts';
import { SloBook } from './slo-book.ts';
import { SloFiles, sloSettings } from './slo-files.ts';

/** An hour of a shop: a request a second, in which 40 of 60 fail for five minutes, and what the objectives over it say. */
const test = new TestStore();
const MINUTE = 60_000;
const END = Math.floor(test.nowMs / MINUTE) * MINUTE;
const START = END - 60 * MINUTE;
const BROKEN = END - 20 * MINUTE;
const isBroken = (ms: number): boolean => ms >= BROKEN && ms < BROKEN + 5 * MINUTE;
let store: Store;
let alerting: Alerting;
let book: SloBook;

const requests = () =>
  makeRows({ table: 'spans', rows: 3_600, seed: 1, startNano: BigInt(START) * 1_000_000n, stepNano: 1_000_000_000n }).map((row, i) => ({
    ...{ ...row, kind: 2, service: 'checkout', name: i % 2 === 0 ? 'POST /orders' : 'GET /orders', parent_span_id: null },
    ...{ status_code: isBroken(START + i * 1000) && i % 3 !== 0 ? 2 : 0, duration_ns: i % 10 === 0 ? 900_000_000n : 20_000_000n },
  }));
const newSlo = (more: Partial<NewSlo> = {}): NewSlo => ({ service: 'checkout', operation: '', kind: 'errors', target: 99, ...more });
function add(wanted: NewSlo): string {
  const id = book.parts.files.add(wanted, new Set(alerting.slos.flatMap(({ objectives }) => objectives.map((each) => each.id))));
  alerting.look();
  book.forget();
  return id;
}
async function again({ language, query, atMs }: SloQuery): Promise<number[]> {
  if (language === 'sql') return (await store.query(query)).rows().map((row) => Number(row['bad']));
  const answer = await runExpr({ store, book: book.parts.series }, parsePromql(query), { startMs: atMs, stepMs: 0, count: 1 }, {});
  return ruleVector(answer).map(({ value }) => value);
}

describe('objectives over stored requests', () => {
  beforeAll(async () => {
    store = await test.open();
    test.append(batchFromRows(SPANS, requests()));
    const settings = { dataDir: test.dataDir, slo: null };
    const nowMs = (): number => END + 6_000;
    const series = new SeriesBook(store);
    const log = (line: string): number => test.lines.push(line);
    alerting = new Alerting({
      ...{ store, series, nowMs, log, version: 'dev', rules: { pattern: null, prometheusConfig: null, slos: sloSettings(settings) } },
      ...{
        ingestUrl: () => '',
        externalUrl: () => '',
        drained: async () => {},
        send: () => {},
        adoptedFile: join(test.dataDir, 'adopted.yml'),
      },
    });
    const incidents = new IncidentBook({ store, nowMs, log });
    book = new SloBook({ store, series, alerting, book: incidents, files: new SloFiles(settings), version: 'dev', nowMs });
    alerting.look();
  });
  afterAll(() => test.end());

  it('there are none, and then one of the page, as a file that Sloth reads', async () => {
    expect(await book.list()).toMatchObject({ slos: [], files: [] });
    expect(add(newSlo())).toBe('checkout-availability');
    expect(readFileSync(join(test.dataDir, 'slo/checkout-availability.yml'), 'utf8')).toMatch(
      /^# Made .*\nversion: prometheus\/v1\nservice: checkout\n/,
    );
    expect(() => add(newSlo())).toThrow('already');
    expect(() => add(newSlo({ kind: 'latency' }))).toThrow('thresholdMs');
    // 17 rules in three groups are evaluated with the others.
    expect(alerting.groups.map(({ run }) => run.runs.length)).toEqual([8, 7, 2]);
  });
  it('say how much of the budget is left, exactly', async () => {
    const list = sloListSchema.parse(await book.list());
    expect(list.slos[0]).toMatchObject({
      source: 'spans',
      total: 3_600,
      bad: 200,
      knownMs: 60 * MINUTE,
      sli: 1 - 200 / 3_600,
      isOwn: true,
      error: '',
    });
    expect(list.slos[0]?.budgetLeft).toBeCloseTo(1 - 200 / 36, 9);
    expect(list.slos[0]?.state).toBe('exhausted');
  });
  it('say when it burned, and what used it up; each figure can be had again by its query', async () => {
    const detail = sloDetailSchema.parse(await book.detail('checkout-availability'));
    expect(detail.burns).toEqual([{ startMs: BROKEN, endMs: BROKEN + 5 * MINUTE, share: 1 }]);
    expect(detail.windows.map(({ isBurning, long }) => [isBurning, long.lengthMs / MINUTE])).toEqual([
      [false, 60],
      [false, 360],
      [true, 1_440],
      [true, 4_320],
    ]);
    expect(detail.windows[0]?.long.burnRate).toBeCloseTo(200 / 36, 9);
    expect(detail.series.left.at(-1)).toBe(detail.slo.budgetLeft);
    expect(detail.series.bad.reduce<number>((all, each) => all + (each ?? 0), 0)).toBe(200);
    const { labels, places } = detail.consumers;
    expect(labels.filter(({ key }) => key === 'span_name').map(({ value, bad, total }) => [value, bad, total])).toEqual([
      ['GET /orders', 100, 150],
      ['POST /orders', 100, 150],
    ]);
    expect(places.map(({ service, operation, bad }) => [service, operation, bad])).toEqual([
      ['checkout', 'GET /orders', 100],
      ['checkout', 'POST /orders', 100],
    ]);
    for (const { bad, query } of [...labels, ...places]) expect(await again(query)).toContain(bad);
    const [short] = detail.windows.map((window) => window.short);
    expect(await again((short as { query: SloQuery }).query)).toEqual([0]);
    expect(detail.rules).toContain('record: slo:sli_error:ratio_rate5m');
    expect(detail.text).toContain('faultline_requests');
    expect(detail.notes).toEqual([]);
  });
  it('count what is slow, of one operation', async () => {
    const id = add(newSlo({ kind: 'latency', thresholdMs: 500, operation: 'POST /orders', target: 95 }));
    const { slos } = await book.list();
    expect(slos.find((slo) => slo.id === id)).toMatchObject({ name: 'post-orders-latency-500ms', total: 1_800, bad: 360 });
  });
  it('read files of others with what is wrong in them, and what cannot be measured says why', async () => {
    mkdirSync(join(test.dataDir, 'demo'), { recursive: true });
    const slo = (name: string, query: string): string =>
      `  - {name: ${name}, objective: 99, sli: {raw: {error_ratio_query: '${query}'}}, alerting: {name: A}}\n`;
    const text = `version: prometheus/v1\nservice: x\nslos:\n${slo('bad', 'x[{{.window}}')}${slo('refused', 'avg_over_time(faultline_requests{job="x"}[{{.window}}])')}`;
    writeFileSync(join(test.dataDir, 'demo/slo.yml'), text);
    alerting.look();
    const { slos, files } = await book.list();
    expect(files.find(({ file }) => file.endsWith('demo/slo.yml'))?.problems).toMatchObject([{ line: 4 }]);
    expect(slos.find(({ id }) => id === 'x-refused')).toMatchObject({ state: 'unknown', sli: null, isOwn: false });
    expect(slos.find(({ id }) => id === 'x-refused')?.error).toContain('it takes service_name');
    expect(() => book.parts.files.remove(join(test.dataDir, 'demo/slo.yml'))).toThrow('not made here');
    await expect(book.detail('nothing')).rejects.toThrow('There is no objective "nothing"');
  });
});
