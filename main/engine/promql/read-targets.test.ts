import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store } from '#contracts/store.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { ruleVector } from '#query/rules/sample.ts';
import type { Queries } from '#store/read/columns-of.ts';
import { TestStore } from '#store/test-store.ts';
import { StoreFeed } from '../../../tests/app/feed-store.ts';
import { readThere } from './read-there.ts';
import { runExpr } from './run-promql.ts';
import { SeriesBook } from './series-book.ts';

/**
 * target_info of resources that send for eight hours, stop and begin again, by series that come and go, as rows and as blocks: at every minute
 * what the points sent say (the specification's "a sample at each export", and a lookback of five minutes).
 */
const test = new TestStore();
const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];
const START = test.nowMs - 10 * HOUR;
const resource = (instance: string, more: Readonly<Record<string, string>> = { 'host.name': 'node-1', 'k8s.pod.name': 'p' }) => ({
  ...{ 'service.name': 'cart', 'service.namespace': 'shop', 'service.instance.id': instance },
  ...more,
});
/** Which series a resource sends at a time; none: it sends nothing. */
const sends: Readonly<Record<string, (ms: number) => readonly string[]>> = {
  // Four of which each knows two hours, and one that has nothing but a point now and then.
  'by-turns': (ms) => [`turn${Math.floor(ms / (40 * MINUTE)) % 4}`, ...(ms % (10 * MINUTE) === 0 ? ['rare'] : [])],
  stops: (ms) => (ms < 2 * HOUR || (ms > 3 * HOUR && ms < 3.1 * HOUR) || ms > 6.55 * HOUR ? ['a', 'b', 'c'] : []),
  seldom: (ms) => (ms % (4 * MINUTE) === 0 ? [`only${(ms / (4 * MINUTE)) % 5}`] : []),
};
const sentMs: Record<string, number[]> = {};
let store: Store;
let book: SeriesBook;
let statements: string[] = [];
const counted: Queries = {
  query: (...args) => {
    statements.push(args[0]);
    return store.query(...args);
  },
};
async function ask(text: string, startMs: number, stepMs = 0, count = 1): Promise<Awaited<ReturnType<typeof runExpr>>> {
  return runExpr({ store: counted, book }, parsePromql(text), { startMs, stepMs, count }, {});
}
const instant = async (text: string, ms: number): Promise<(readonly [Record<string, string>, number])[]> =>
  ruleVector(await ask(text, ms)).map(({ labels, value }) => [
    Object.fromEntries(labels.names.map((n, i) => [n, labels.values[i] as string])),
    value,
  ]);

async function sameAsSent(): Promise<void> {
  const count = 8 * 60 + 30;
  const { answer } = await ask('target_info', START, MINUTE, count);
  const rows = answer.type === 'vector' ? answer.rows : [];
  expect(rows.map(({ labels }) => labels.values[labels.names.indexOf('instance')]).sort()).toEqual(Object.keys(sends).sort());
  for (const { labels, has, values } of rows) {
    const own = sentMs[labels.values[labels.names.indexOf('instance')] as string] as number[];
    for (let i = 0; i < count; i++) {
      const at = START + i * MINUTE;
      const isThere = own.some((ms) => ms > at - 5 * MINUTE && ms <= at);
      expect([i, has[i] !== 0]).toEqual([i, isThere]);
      if (isThere) expect(values[i]).toBe(1);
    }
  }
}

beforeAll(async () => {
  store = await test.open({ compaction: false });
  book = new SeriesBook(store);
  const feed = new StoreFeed(store);
  for (let ms = 0; ms < 8 * HOUR; ms += 30 * SECOND) {
    for (const [instance, names] of Object.entries(sends)) {
      const metrics = names(ms).map((name) => ({ name: `shop.${name}`, value: ms / SECOND, counter: true }));
      if (metrics.length === 0) continue;
      sentMs[instance] = [...(sentMs[instance] ?? []), START + ms];
      feed.otlp(START + ms, resource(instance), metrics);
    }
  }
  // Says nothing more of itself; and nobody's.
  feed.otlp(START, { 'service.name': 'bare' }, [{ name: 'shop.a', value: 1 }]);
  feed.otlp(START, { 'host.name': 'nobody' }, [{ name: 'shop.a', value: 1 }]);
});
afterAll(() => test.end());

it('is there while the resource sends, of rows', sameAsSent);
it('joins, and completes what info() is asked of', async () => {
  const at = START + HOUR;
  const own = { job: 'shop/cart', instance: 'stops' };
  expect(await instant('info(rate(shop_a_total[5m]))', at)).toEqual([
    [{ __name__: 'shop_a_total', ...own, host_name: 'node-1', k8s_pod_name: 'p' }, 1],
  ]);
  expect(await instant('rate(shop_a_total[5m]) * on (job, instance) group_left (host_name) target_info', at)).toEqual([
    [{ ...own, host_name: 'node-1' }, 1],
  ]);
  expect(await instant('target_info{instance="stops"}', at)).toEqual([
    [{ __name__: 'target_info', ...own, host_name: 'node-1', k8s_pod_name: 'p' }, 1],
  ]);
  const select = [{ name: '__name__', operator: '=' as const, value: 'target_info' }];
  const there = await readThere(
    counted,
    book.select(select),
    { matchers: select, startMs: START + 4 * HOUR, endMs: START + 5 * HOUR, readsParts: false },
    {},
  );
  expect(there.map(({ values, names }) => values[names.indexOf('instance')])).toEqual(['by-turns', 'seldom']);
});
it('is the same of blocks, without reading all of them', async () => {
  await store.flush();
  await store.compact();
  expect(await test.count('samples_in_blocks')).toBeGreaterThan(20);
  await sameAsSent();
  statements = [];
  expect(await instant('count_over_time(target_info{instance="stops"}[1h])', START + HOUR)).toMatchObject([[{ instance: 'stops' }, 120]]);
  // Rows, whose times stand for others', and theirs: no gap to look into.
  expect(statements).toHaveLength(3);
});
