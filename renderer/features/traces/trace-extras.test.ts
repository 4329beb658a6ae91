import { describe, expect, it } from 'vitest';
import { decades, durationAt, durationBounds, nearestDot, timeAt, xOf, yOf } from './scatter-model.ts';
import { readEvents, readLinks } from './span-extras.ts';

const frame = { startMs: 1_000, endMs: 2_000, lowMs: 1, highMs: 1_000, widthPx: 500, heightPx: 90 };
describe('scatter', () => {
  it('places and unplaces', () => {
    expect(timeAt(frame, xOf(frame, 1_234))).toBeCloseTo(1_234);
    expect(durationAt(frame, yOf(frame, 42))).toBeCloseTo(42);
  });
  it('bounds are powers of ten around all durations', () => {
    expect(durationBounds([3, 420])).toEqual({ lowMs: 1, highMs: 1_000 });
    expect(durationBounds([])).toEqual({ lowMs: 1, highMs: 1_000 });
    expect(durationBounds([10]).highMs).toBeGreaterThan(10);
    expect(decades(frame)).toEqual([1, 10, 100, 1_000]);
  });
  it('a duration of zero or less is drawn at the lowest edge', () => {
    const bounds = durationBounds([0, -5, 10]);
    expect(yOf({ ...frame, ...bounds }, -5)).toBeCloseTo(90);
  });
  it('finds the nearest dot within reach', () => {
    expect(nearestDot(frame, [1_100, 1_900], [10, 10], xOf(frame, 1_890), yOf(frame, 10), 12)).toBe(1);
    expect(nearestDot(frame, [1_100], [10], 400, 5, 12)).toBe(-1);
  });
});
it.each(['', '{}', 'null', '[1,null,"x"]', '[{'])('events and links of %j are none', (json) => {
  expect(readEvents(json)).toEqual([]);
  expect(readLinks(json)).toEqual([]);
});
it('reads an event with its time of day', () =>
  expect(readEvents('[{"time":"2026-11-21 09:14:07.123456","name":"exception","attributes":{"a":"b"}}]')).toEqual([
    { name: 'exception', time: '09:14:07.123', attributes: [{ key: 'a', value: 'b' }] },
  ]));
