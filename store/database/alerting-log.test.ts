import { afterEach, beforeEach, expect, it } from 'vitest';
import { ALERTING_LIMITS, type Delivery, type SilenceRecord } from '#contracts/alerting.ts';
import { TestStore } from '../test-store.ts';

let t: TestStore;
beforeEach(async () => {
  t = new TestStore();
  await t.open();
});
afterEach(() => t.end());
const DAY_MS = 86_400_000;
const silence = (id: string, more: Partial<SilenceRecord> = {}): SilenceRecord => ({
  id,
  matchers: [{ name: 'alertname', value: "it's", isRegex: false, isEqual: true }],
  startsAtMs: t.nowMs,
  endsAtMs: t.nowMs + 1000,
  updatedAtMs: t.nowMs,
  createdBy: 'me',
  comment: 'because',
  annotations: {},
  ...more,
});
const line = (id: string, atMs: number, more: Partial<Delivery> = {}): Delivery => ({
  id,
  atMs,
  receiver: 'ops',
  routeKey: '{}',
  groupKey: '{}:{alertname="a"}',
  groupLabels: { alertname: 'a' },
  reason: 'first',
  outcome: 'sent',
  why: null,
  alerts: [{ fingerprint: 'b7884ecb3944bb42', status: 'firing', labels: { alertname: 'a' }, startsAtMs: atMs, endsAtMs: null }],
  suppressed: [],
  firing: 1,
  resolved: 0,
  suppressedCount: 0,
  others: [],
  targets: [],
  times: 1,
  lastMs: atMs,
  ...more,
});

it('silences are there after a restart, as they were; one of the same id takes the place of the one before', async () => {
  await t.store.alerting.saveSilences([silence('a'), silence('b', { endsAtMs: t.nowMs + 9 })]);
  await t.store.alerting.saveSilences([silence('a', { comment: 'longer', endsAtMs: t.nowMs + 2000 })]);
  await t.reopen();
  expect(await t.store.alerting.silences()).toEqual([
    silence('a', { comment: 'longer', endsAtMs: t.nowMs + 2000 }),
    silence('b', { endsAtMs: t.nowMs + 9 }),
  ]);
  await t.store.alerting.removeSilences(['a', 'none']);
  expect(await t.store.alerting.silences()).toHaveLength(1);
});
it('lines of the log are found by receiver, group, outcome and alert, newest first, page by page', async () => {
  const lines = [1, 2, 2, 3].map((atMs, i) => line(`d${i}`, atMs, i === 3 ? { receiver: "o'", outcome: 'failed', alerts: [] } : {}));
  await t.store.alerting.record({ deliveries: lines, sent: [] });
  await t.store.alerting.record({ deliveries: [line('d0', 1, { times: 5, lastMs: 50 })], sent: [] });
  await t.reopen();
  const ids = async (wanted: object): Promise<string[]> =>
    (await t.store.alerting.deliveries({ limit: 10, ...wanted })).map(({ id, times }) => (times > 1 ? `${id}*${times}` : id));
  expect(await ids({})).toEqual(['d3', 'd2', 'd1', 'd0*5']);
  expect(await ids({ limit: 2 })).toEqual(['d3', 'd2']);
  expect(await ids({ before: { atMs: 2, id: 'd2' } })).toEqual(['d1', 'd0*5']);
  expect(await ids({ receiver: "o'" })).toEqual(['d3']);
  expect(await ids({ outcome: 'failed' })).toEqual(['d3']);
  expect(await ids({ fingerprint: 'b7884ecb3944bb42' })).toEqual(['d2', 'd1', 'd0*5']);
  expect(await ids({ groupKey: 'other' })).toEqual([]);
});
it('what is old goes, and what was sent is known until then', async () => {
  const mark = { key: 'ops/0/{}', atMs: 5, expiresMs: t.nowMs + 10, json: '{}' };
  const old = t.nowMs - ALERTING_LIMITS.keptDays * DAY_MS - 1;
  await t.store.alerting.record({
    deliveries: [line('old', old), line('new', old, { lastMs: t.nowMs })],
    sent: [{ ...mark, atMs: 1 }, mark],
  });
  expect(await t.store.alerting.prune(t.nowMs)).toBe(1);
  expect([await t.store.alerting.countDeliveries(), await t.store.alerting.sent()]).toEqual([1, [mark]]);
  await t.store.alerting.prune(t.nowMs + 11);
  expect(await t.store.alerting.sent()).toEqual([]);
});
