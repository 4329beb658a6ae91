import { describe, expect, it } from 'vitest';
import { shapeOf } from './mask.ts';

describe('shapeOf', () => {
  it.each([
    ['order 4711 paid in 38ms', 'order <*> paid in <*>'],
    ['user a@b.example failed from 10.0.0.7:5123', 'user <*> failed from <*>'],
    ['trace 4bf92f3577b34da6a3ce929d0e0e4736 sampled', 'trace <*> sampled'],
    ['job 123e4567-e89b-12d3-a456-426614174000 done', 'job <*> done'],
    ['at 2026-03-03T09:00:00.123Z GET https://x.example/a?b=1', 'at <*> GET <*>'],
    ['cannot open "file with spaces.txt"', 'cannot open "<*>"'],
    ['pod cart-7f9c restarted', 'pod <*> restarted'],
    ['nothing varies here', 'nothing varies here'],
    ['', ''],
  ])('%s', (line, shape) => expect(shapeOf(line)).toBe(shape));
  it('lines that differ only in variables share a shape, and a shape is its own shape', () => {
    for (let i = 0; i < 200; i++) {
      const shape = shapeOf(`retry ${i} of request ${(i * 7919).toString(16).padStart(12, 'a0')} after ${i * 3}.5 s`);
      expect(shape).toBe(shapeOf('retry 0 of request a0a0a0a0a0a0 after 0.5 s'));
      expect(shapeOf(shape)).toBe(shape);
    }
  });
  it('stays short on hostile lines', () => {
    for (const line of ['"'.repeat(100_000), '1 '.repeat(50_000), `${'a-1'.repeat(50_000)}!`, '@'.repeat(9_999), '\\'.repeat(9_999)]) {
      expect(shapeOf(line).length).toBeLessThanOrEqual(6_000);
    }
  });
});
