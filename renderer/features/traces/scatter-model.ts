/** Traces as dots: time across, duration up on a logarithm. Pure. */
export interface ScatterFrame {
  readonly startMs: number;
  readonly endMs: number;
  readonly lowMs: number;
  readonly highMs: number;
  readonly widthPx: number;
  readonly heightPx: number;
}
const LOWEST_MS = 0.001;
/** Decades that hold all durations; at least one. */
export function durationBounds(durations: ArrayLike<number>): { lowMs: number; highMs: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (let i = 0; i < durations.length; i++) {
    const value = Math.max(LOWEST_MS, durations[i]!);
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === 0) return { lowMs: 1, highMs: 1000 };
  const lowMs = 10 ** Math.floor(Math.log10(low));
  return { lowMs, highMs: Math.max(lowMs * 10, 10 ** Math.ceil(Math.log10(high))) };
}
export const xOf = (frame: ScatterFrame, ms: number): number => ((ms - frame.startMs) / (frame.endMs - frame.startMs)) * frame.widthPx;
export const yOf = (frame: ScatterFrame, durationMs: number): number => {
  const part = Math.log10(Math.max(LOWEST_MS, durationMs) / frame.lowMs) / Math.log10(frame.highMs / frame.lowMs);
  return frame.heightPx * (1 - part);
};
export const timeAt = (frame: ScatterFrame, x: number): number => frame.startMs + (x / frame.widthPx) * (frame.endMs - frame.startMs);
export const durationAt = (frame: ScatterFrame, y: number): number =>
  frame.lowMs * (frame.highMs / frame.lowMs) ** (1 - y / frame.heightPx);
/** Powers of ten inside the frame. */
export function decades(frame: Pick<ScatterFrame, 'lowMs' | 'highMs'>): number[] {
  const first = Math.round(Math.log10(frame.lowMs));
  const last = Math.round(Math.log10(frame.highMs));
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}
/** The dot nearest to a place, within `reachPx`; -1: none. */
export function nearestDot(
  frame: ScatterFrame,
  times: ArrayLike<number>,
  durations: ArrayLike<number>,
  x: number,
  y: number,
  reachPx: number,
): number {
  let best = -1;
  let distance = reachPx;
  for (let i = 0; i < times.length; i++) {
    const d = Math.hypot(xOf(frame, times[i]!) - x, yOf(frame, durations[i]!) - y);
    if (d <= distance) {
      best = i;
      distance = d;
    }
  }
  return best;
}
