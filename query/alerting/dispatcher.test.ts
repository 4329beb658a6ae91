import { describe, expect, it } from 'vitest';
import { labelsOf } from '#query/promql/labels.ts';
import { fingerprintOf, type PostedAlert } from './alert.ts';
import { DEFAULT_CONFIG } from './config.ts';
import { Dispatcher, flushesUntil } from './dispatcher.ts';

const MINUTE = 60_000;
function alertOf(labels: Record<string, string>, startsAtMs: number, endsAtMs: number | null = null): PostedAlert {
  return { labels: labelsOf(Object.entries(labels)), annotations: new Map(), startsAtMs, endsAtMs, generatorUrl: '' };
}
/** Posts every minute, delivers at once. @returns minute, reason, statuses */
function run(dispatcher: Dispatcher, minutes: number, posts: (minute: number) => PostedAlert[]): string[] {
  const said: string[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    for (const flush of flushesUntil(dispatcher, minute * MINUTE)) {
      said.push(`${flush.atMs / MINUTE} ${flush.reason} ${flush.alerts.map(({ status }) => status).join(',')}`);
      dispatcher.sent(flush);
    }
    for (const post of posts(minute)) dispatcher.put(post, minute * MINUTE);
  }
  return said;
}

describe('a dispatcher with the default route', () => {
  it('waits, tells once, repeats after four hours, tells the end once', () => {
    const dispatcher = new Dispatcher({ config: DEFAULT_CONFIG, silences: () => [] });
    const said = run(dispatcher, 320, (minute) =>
      minute < 250
        ? [alertOf({ alertname: 'Down' }, 0, (minute + 4) * MINUTE)]
        : minute === 250
          ? [alertOf({ alertname: 'Down' }, 0, 250 * MINUTE)]
          : [],
    );
    expect(said.filter((each) => !each.includes('nothing-new'))).toEqual([
      '0.5 first firing',
      '240.5 repeat firing',
      '250.5 resolved resolved',
    ]);
    expect(dispatcher.groups()).toEqual([]);
    expect(dispatcher.nextMs).toBeNull();
  });
  it('an alert nobody speaks of any more is resolved after resolve_timeout', () => {
    const dispatcher = new Dispatcher({ config: DEFAULT_CONFIG, silences: () => [] });
    const said = run(dispatcher, 30, (minute) => (minute === 0 ? [alertOf({ alertname: 'Down' }, 0)] : []));
    expect(said).toEqual(['0.5 first firing', '5.5 resolved resolved']);
  });
  it('what was not delivered is told again', () => {
    const dispatcher = new Dispatcher({ config: DEFAULT_CONFIG, silences: () => [] });
    dispatcher.put(alertOf({ alertname: 'Down' }, 0, 60 * MINUTE), 0);
    expect(dispatcher.advance(30_000).map(({ reason }) => reason)).toEqual(['first']);
    expect(dispatcher.nextMs).toBe(330_000);
    expect(dispatcher.advance(330_000).map(({ reason }) => reason)).toEqual(['first']);
  });
});
/** Captured from Alertmanager 0.25 (shared/data/slo/alertmanager_0.25_webhook_payloads.jsonl). */
it.each([
  [{ alertname: 'Lat', cluster: 'b', severity: 'warning' }, '4f86e7ae413cf922'],
  [{ alertname: 'HighErr', cluster: 'a', instance: '1', severity: 'critical' }, 'b7884ecb3944bb42'],
  [{ alertname: 'HighErr', cluster: 'a', instance: '2', severity: 'critical' }, 'd8c6fe22c45c10b5'],
])('fingerprint of %j', (labels, fingerprint) => {
  expect(fingerprintOf(labelsOf(Object.entries(labels)))).toBe(fingerprint);
});
