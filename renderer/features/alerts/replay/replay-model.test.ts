import { expect, it } from 'vitest';
import { axisOf, meanEarlier, nearest, pairs, promDuration, readDraft, ruleFile, thresholdSteps, withValues } from './replay-model.ts';

it.each([
  [0, '0s'],
  [90, '1m30s'],
  [3_600, '1h'],
  [90_061, '1d1h1m1s'],
])('%i s as %s', (seconds, text) => expect(promDuration(seconds)).toBe(text));

const text = ruleFile({
  name: 'Slow',
  expr: 'p95 > 0.5\n  and up == 1',
  forSeconds: 300,
  keepSeconds: 0,
  labels: { severity: 'page' },
  annotations: { summary: '{{ $value }} is much' },
});
it('writes a rule file', () => {
  expect(text).toBe(
    'groups:\n- name: Slow\n  rules:\n  - alert: Slow\n    expr: |-\n      p95 > 0.5\n        and up == 1\n    for: 5m\n    labels:\n      severity: page\n    annotations:\n      summary: "{{ $value }} is much"\n',
  );
});
it('puts other values into the rule they are of, and says when it cannot', () => {
  const two = `${text}  - alert: Other\n    expr: p95 > 0.5\n`;
  const changed = withValues(two, 'Slow', { from: 0.5, threshold: 0.8, forSeconds: 60 });
  expect(changed).toBe(two.replace('p95 > 0.5\n ', 'p95 > 0.8\n ').replace('for: 5m', 'for: 1m'));
  expect(withValues(two, 'Other', { from: 0.5, threshold: 0.5, forSeconds: 60 })).toContain(
    '- alert: Other\n    for: 1m\n    expr: p95 > 0.5',
  );
  expect(withValues(two, 'Other', { from: 7, threshold: 8, forSeconds: 60 })).toBeNull();
  expect(withValues(two, 'None', { from: 0.5, threshold: 0.8, forSeconds: 60 })).toBeNull();
});
it('tries round thresholds over what the values are, and the written one', () => {
  const steps = thresholdSteps(0.013, 0.97, 0.123);
  expect(steps).toContain(0.123);
  expect(steps).toContain(0.5);
  expect(steps.length).toBeGreaterThan(10);
  expect(steps.length).toBeLessThan(30);
  expect(thresholdSteps(3, 3, 3)).toEqual([3]);
  expect(nearest([1, 2, 5], 3.4)).toBe(1);
});
it('reads flat lists and axes', () => {
  expect(pairs([1, 2, 3, 4])).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(axisOf([0, 10])).toEqual([0, 10.6]);
  expect(axisOf([Number.NaN])).toEqual([0, 1]);
  expect(meanEarlier([{ earlierMs: 60 }, { earlierMs: null }])).toBe(60);
  expect(meanEarlier([])).toBeNull();
});
it('takes a rule from an address only where it is one', () => {
  const rule = { name: 'High', expr: 'up > 1', forSeconds: 300 };
  expect(readDraft(JSON.stringify({ ...rule, group: 7 }))).toEqual(rule);
  for (const text of ['', '{', 'null', '[]', '{"name":1,"expr":"x","forSeconds":1}']) expect(readDraft(text)).toBeNull();
});
