import { expect, it } from 'vitest';
import type { FlushAlert } from '#query/alerting/dispatcher.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { titleOf } from './mail-text.ts';
import { webhookPayload } from './webhook-payload.ts';

const alert = (
  labels: Record<string, string>,
  more: Partial<FlushAlert['alert']> = {},
  status: FlushAlert['status'] = 'firing',
): FlushAlert => ({
  status,
  alert: {
    ...{ labels: labelsOf(Object.entries(labels)), annotations: new Map(), generatorUrl: '', updatedAtMs: 0, isTimeout: false },
    ...{ startsAtMs: Date.parse('2026-11-20T10:57:29.802Z'), endsAtMs: Date.parse('2026-11-20T11:57:29.802Z') },
    ...more,
  },
});
const message = (alerts: readonly FlushAlert[]) => ({
  ...{ receiver: 'hook', groupKey: '{}:{alertname="HighErr", cluster="a"}', externalUrl: 'http://vm:9193', alerts },
  groupLabels: labelsOf([
    ['alertname', 'HighErr'],
    ['cluster', 'a'],
  ]),
});
const both = { alertname: 'HighErr', cluster: 'a', severity: 'critical' };
it('is, to the byte, what Alertmanager 0.25 posted (shared/data/slo; times there have nanoseconds)', () => {
  const second = Date.parse('2026-11-20T00:00:01Z');
  const alerts = [
    alert({ ...both, instance: '1' }, { startsAtMs: second, endsAtMs: second }, 'resolved'),
    alert({ ...both, instance: '2' }, { annotations: new Map([['summary', 's1']]), generatorUrl: 'http://x/g' }),
  ];
  expect(webhookPayload(message(alerts), 0)).toBe(
    '{"receiver":"hook","status":"firing","alerts":[{"status":"resolved","labels":{"alertname":"HighErr","cluster":"a","instance":"1","severity":"critical"},"annotations":{},"startsAt":"2026-11-20T00:00:01Z","endsAt":"2026-11-20T00:00:01Z","generatorURL":"","fingerprint":"b7884ecb3944bb42"},{"status":"firing","labels":{"alertname":"HighErr","cluster":"a","instance":"2","severity":"critical"},"annotations":{"summary":"s1"},"startsAt":"2026-11-20T10:57:29.802Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://x/g","fingerprint":"d8c6fe22c45c10b5"}],"groupLabels":{"alertname":"HighErr","cluster":"a"},"commonLabels":{"alertname":"HighErr","cluster":"a","severity":"critical"},"commonAnnotations":{},"externalURL":"http://vm:9193","version":"4","groupKey":"{}:{alertname=\\"HighErr\\", cluster=\\"a\\"}","truncatedAlerts":0}\n',
  );
});
it('holds max_alerts of them, says how many are left out, and writes < > & as Go does', () => {
  const alerts = ['1', '2', '3'].map((instance) => alert({ ...both, instance }, { annotations: new Map([['summary', 'a < b & c']]) }));
  const text = webhookPayload(message(alerts), 2);
  expect(text).toContain('"summary":"a \\u003c b \\u0026 c"');
  expect(JSON.parse(text)).toMatchObject({ truncatedAlerts: 1, alerts: [{}, {}], commonAnnotations: { summary: 'a < b & c' } });
});
it('subjects are Alertmanager’s', () => {
  const two = ['1', '2'].map((instance) => alert({ ...both, instance }));
  expect(titleOf(message(two), 0)).toBe('[FIRING:2] HighErr a (critical)');
  const over = [alert({ alertname: 'HighErr', cluster: 'a' }, {}, 'resolved')];
  expect(titleOf(message(over), 0)).toBe('[RESOLVED] HighErr a');
});
