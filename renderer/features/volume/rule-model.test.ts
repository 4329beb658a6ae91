import { expect, it } from 'vitest';
import { RULE_SIGNALS, volumeRuleSchema } from '#contracts/volume-rules.ts';
import { ACTIONS, cleanMatch, draftOf, idFor, labelsOf, labelsText, matchText, newAction, savedPerDay } from './rule-model.ts';
import { levelOf } from './volume-model.ts';

const draft = (params: Record<string, string>, name: string, sub = '') =>
  draftOf(
    levelOf((key) => params[key] ?? ''),
    { name, sub },
  );
it.each([
  [{}, 'up', 'metrics', 'metric=up', 'drop'],
  [{ by: 'metric-service' }, 'cart', 'metrics', 'service=cart', 'drop'],
  [{ by: 'label' }, 'pod', 'metrics', 'metric=*', 'aggregate'],
  [{ metric: 'up', service: 'cart' }, 'pod', 'metrics', 'service=cart  metric=up', 'aggregate'],
  [{ metric: 'up', label: 'pod' }, 'p1', 'metrics', 'metric=up  pod=p1', 'drop'],
  [{ view: 'traces' }, 'cart', 'traces', 'service=cart', 'sample'],
  [{ view: 'traces', service: 'cart' }, 'GET /', 'traces', 'service=cart  span=GET /', 'sample'],
  [{ view: 'logs' }, 'cart', 'logs', 'service=cart', 'sample'],
  [{ view: 'logs', service: 'cart' }, 'GET <*>', 'logs', 'service=cart  pattern=GET <*>  severity=info', 'drop'],
] as const)('a row of %o makes a rule the engine takes', (params, name, signal, match, kind) => {
  const made = draft(params, name, params && 'view' in params && params.view === 'logs' ? 'info' : '');
  expect([made.signal, matchText(made.match), made.action.kind]).toEqual([signal, match, kind]);
  expect(volumeRuleSchema.safeParse({ id: 'x', name: 'x', enabled: true, ...made }).success).toBe(true);
});
it('every action offered is one the engine takes', () => {
  for (const signal of RULE_SIGNALS)
    for (const kind of ACTIONS[signal])
      expect(
        volumeRuleSchema.safeParse({ id: 'x', name: 'x', enabled: true, signal, match: { service: 'a' }, action: newAction(kind) }).success,
      ).toBe(true);
});
it('ids are of the name, and nobody else has them', () => {
  expect(idFor('Drop GET /health!', [])).toBe('drop-get-health');
  expect(idFor('Drop GET /health!', ['drop-get-health', 'drop-get-health-2'])).toBe('drop-get-health-3');
  expect(idFor('没有', [])).toBe('rule');
});
it('labels as text and back', () => {
  const labels = labelsOf('pod=p1, code!=2*,nonsense, a = ');
  expect(labels).toEqual([
    { key: 'pod', op: '=', value: 'p1' },
    { key: 'code', op: '!=', value: '2*' },
    { key: 'a', op: '=', value: '' },
  ]);
  expect(labelsOf(labelsText(labels))).toEqual(labels);
  expect(labelsOf('  ')).toBeUndefined();
  expect(cleanMatch({ service: '', metric: 'up', labels: [] })).toEqual({ metric: 'up' });
});
it('what is saved a day', () => expect(savedPerDay({ start: 0, end: 3_600_000, bytesSaved: 10 })).toBe(240));
