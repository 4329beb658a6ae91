import { expect, it } from 'vitest';
import { minimapPixels, pixelOf } from './minimap-model.ts';
import { buildWaterfall } from './waterfall-model.ts';

const trace = (spans: number, durationNs: number) =>
  buildWaterfall({
    ids: BigUint64Array.from({ length: spans }, (_, i) => BigInt(i + 1)),
    parents: new BigUint64Array(spans),
    starts: BigInt64Array.from({ length: spans }, (_, i) => BigInt(i * 100)),
    durations: new Float64Array(spans).fill(durationNs),
  });
const look = { width: 100, height: 44, scale: 1, colourOf: () => 7, failed: () => false, failedColour: 9 };
it('a short span is still a pixel, also at the very end', () => {
  const pixels = minimapPixels(trace(3, 0), look);
  expect(pixels.filter((pixel) => pixel === 7)).toHaveLength(3 * 3);
});
it('a failed span lies on top of all that cover it', () => {
  const pixels = minimapPixels(trace(10_000, 1e6), { ...look, failed: (span) => span === 5_000 });
  expect(pixels.includes(9)).toBe(true);
});
it('reaches from the top to the bottom row, and writes no further', () => {
  const pixels = minimapPixels(trace(1_000, 1e9), look);
  expect([pixels.length, pixels[0], pixels.subarray(43 * 100).includes(7)]).toEqual([4_400, 7, true]);
});
it.each<[number, number]>([
  [0, 100],
  [5, -10],
])('%i spans of %i ns are drawn without an error', (spans, ns) => expect(minimapPixels(trace(spans, ns), look)).toHaveLength(4_400));
it('a colour becomes the words of an image', () => expect(pixelOf('#010203').toString(16)).toBe('ff030201'));
