import { expect, it } from 'vitest';
import type { AlertTrace, Delivery } from '#contracts/alerting.ts';
import { mergeLines, routeSteps, ruleSteps } from './why-model.ts';

const rule: NonNullable<AlertTrace['rule']> = {
  ...{ file: 'f', group: 'g', name: 'Slow', line: 3, expr: 'p99 > 1', health: 'ok', lastError: '', lastEvaluationMs: 9, forMs: 60_000 },
  ...{ keepFiringForMs: 0, state: 'pending', value: 2, activeAtMs: 1, firesAtMs: 60_001, firedAtMs: null },
  ...{ keepFiringSinceMs: null, resolvedAtMs: null },
};
const received = { firstMs: 5, updatedMs: 5, startsAtMs: 1, endsAtMs: 99, isResolved: false, from: 'rules' as const };
const trace = (more: Partial<AlertTrace>): AlertTrace => ({
  ...{ fingerprint: 'f1', labels: {}, annotations: {}, rule, received: null, routes: [], deliveries: [] },
  ...more,
});
const kinds = (more: Partial<AlertTrace>): string =>
  ruleSteps(trace(more))
    .map(({ kind, tone }) => `${kind}:${tone}`)
    .join(' ');
it.each<[string, Partial<AlertTrace>, string]>([
  ['waits for its time', {}, 'rule:done waits:waiting'],
  ['fired', { rule: { ...rule, state: 'firing', firedAtMs: 4 }, received }, 'rule:done waited:done fired:done received:done'],
  ['fired just now', { rule: { ...rule, forMs: 0, state: 'firing', firedAtMs: 4 } }, 'rule:done fired:done not_received:waiting'],
  ['has a rule that fails', { rule: { ...rule, health: 'err', lastError: 'no' } }, 'rule_fails:bad waits:waiting'],
  ['was posted', { rule: null, received: { ...received, from: 'api' } }, 'posted:done received:done'],
])('an alert that %s', (_, more, wanted) => expect(kinds(more)).toBe(wanted));

const delivery = (id: string, outcome: Delivery['outcome'], fingerprint: string, atMs: number): Delivery => ({
  ...{ id, atMs, receiver: 'pager', routeKey: '{}', groupKey: '{}:{}', groupLabels: {}, reason: 'first', outcome, why: null },
  ...{ alerts: [], suppressed: [], firing: 1, resolved: 0, suppressedCount: 0, others: [fingerprint], targets: [], times: 1, lastMs: atMs },
});
it('a route tells what holds it back, its own turns in order, and the next one', () => {
  const steps = routeSteps(
    {
      ...{ routeKey: '{}', receiver: 'pager', path: ['{}'], groupKey: '{}:{}', groupLabels: { alertname: 'Slow' }, groupAlerts: 2 },
      ...{ nextFlushMs: 90, inhibitedBy: [], mutedBy: ['night'], verdict: 'silenced', verdictMs: 7 },
      silencedBy: [{ id: 's1', comment: 'c', createdBy: 'me', endsAtMs: 80 }],
      deliveries: [delivery('3', 'silent', 'f1', 30), delivery('2', 'sent', 'another', 20), delivery('1', 'sent', 'f1', 10)],
    },
    'f1',
  );
  expect(steps.map(({ kind, tone, delivery: line }) => `${kind}:${tone}${line ? `:${line.id}` : ''}`)).toEqual([
    ...['route:done', 'group:done', 'silenced:stop', 'muted:stop', 'turn:done:1', 'turn:stop:3', 'next:waiting'],
  ]);
});
it('lines of several pages are one list', () =>
  expect(
    mergeLines([delivery('b', 'sent', '', 2)], [delivery('b', 'failed', '', 2), delivery('a', 'sent', '', 1)]).map(({ id, outcome }) => [
      id,
      outcome,
    ]),
  ).toEqual([
    ['b', 'sent'],
    ['a', 'sent'],
  ]));
