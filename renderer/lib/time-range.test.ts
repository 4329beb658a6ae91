import { describe, expect, it } from 'vitest';
import { fixedChoice, momentMs, QUICK_RANGES, refreshMs, resolveChoice, shiftSpan, stepMs, zoomSpan } from './time-range.ts';

const NOW = 1_795_260_000_000;
describe('momentMs', () => {
  it.each([
    ['now', NOW],
    ['now-15m', NOW - 900_000],
    ['now-2d', NOW - 172_800_000],
    ['1795259000000', 1_795_259_000_000],
    ['2026-11-21T09:14:00Z', Date.UTC(2026, 10, 21, 9, 14)],
  ])('%s', (word, ms) => expect(momentMs(word, NOW)).toBe(ms));
  it.each(['', 'now+1h', 'now-', 'now-1y', '-5', 'yesterday', '99999999999999999', '<script>'])('"%s" means nothing', (word) =>
    expect(momentMs(word, NOW)).toBeNull(),
  );
});
describe('resolveChoice', () => {
  it.each([[{ from: 'x', to: 'now' }], [{ from: 'now', to: 'now-1h' }], [{ from: 'now', to: 'now' }]])(
    '%j falls back to the last 15 minutes',
    (choice) => expect(resolveChoice(choice, NOW)).toEqual({ startMs: NOW - 900_000, endMs: NOW }),
  );
  it('comes back from its own words', () => {
    const span = { startMs: NOW - 77_000, endMs: NOW - 5_000 };
    expect(resolveChoice(fixedChoice(span), NOW + 999)).toEqual(span);
  });
  it('never starts before 1970', () => expect(resolveChoice({ from: 'now-999999d', to: 'now' }, NOW).startMs).toBe(0));
});
describe('moving the window', () => {
  const span = { startMs: NOW - 600_000, endMs: NOW };
  it('keeps its length', () => expect(shiftSpan(span, -0.5)).toEqual({ startMs: NOW - 900_000, endMs: NOW - 300_000 }));
  it('stops at 1970', () => expect(shiftSpan({ startMs: 10, endMs: 1_010 }, -1)).toEqual({ startMs: 0, endMs: 1_000 }));
  it('zooms around the middle, not below a second', () => {
    expect(zoomSpan(span, 2)).toEqual({ startMs: NOW - 900_000, endMs: NOW + 300_000 });
    const small = zoomSpan({ startMs: NOW, endMs: NOW + 1_000 }, 0.01);
    expect(small.endMs - small.startMs).toBe(1_000);
  });
});
it.each(QUICK_RANGES)('%s asks for at most 120 points, at most every two seconds', (from) => {
  const span = resolveChoice({ from, to: 'now' }, NOW);
  expect((span.endMs - span.startMs) / stepMs(span)).toBeLessThanOrEqual(120);
  expect(refreshMs(span)).toBeGreaterThanOrEqual(2_000);
});
