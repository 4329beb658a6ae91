import type { Waterfall } from './waterfall-model.ts';

/** Few spans stand as lines of this many CSS pixels, not spread over the height. */
const LINE_PX = 4;
export interface MinimapLook {
  /** Device pixels. */
  readonly width: number;
  readonly height: number;
  /** Device pixels per CSS pixel. */
  readonly scale: number;
  /** Pixel value of a span, as it stands in an ImageData's 32-bit words. */
  colourOf(span: number): number;
  failed(span: number): boolean;
  readonly failedColour: number;
}
/**
 * A trace as pixels: each span a line of at least one pixel, failed ones on top. Pixels, because 100,000 rectangles took
 * a canvas without a GPU 160 ms; this takes 5.
 */
export function minimapPixels(rows: Waterfall, look: MinimapLook): Uint32Array<ArrayBuffer> {
  const { width, height } = look;
  const pixels = new Uint32Array(width * height);
  const line = Math.min(LINE_PX * look.scale, height / Math.max(1, rows.spans));
  const pitch = rows.spans * line > height - 1 ? (height - line) / Math.max(1, rows.spans - 1) : line;
  const thick = Math.max(1, Math.round(line * 0.8));
  const perNs = width / (rows.totalNs || 1);
  const paint = (row: number, span: number, colour: number): void => {
    const from = Math.min(width - 1, Math.floor(rows.startNs[span]! * perNs));
    const to = Math.max(from + 1, Math.min(width, Math.round((rows.startNs[span]! + rows.durationNs[span]!) * perNs)));
    const top = Math.min(height - 1, Math.floor(row * pitch));
    for (let y = top; y < Math.min(height, top + thick); y++) pixels.fill(colour, y * width + from, y * width + to);
  };
  for (let row = 0; row < rows.spans; row++) paint(row, rows.order[row]!, look.colourOf(rows.order[row]!));
  for (let row = 0; row < rows.spans; row++) if (look.failed(rows.order[row]!)) paint(row, rows.order[row]!, look.failedColour);
  return pixels;
}
/** "#rrggbb" as a little-endian RGBA word, opaque. */
export function pixelOf(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) || 0) as [number, number, number];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
