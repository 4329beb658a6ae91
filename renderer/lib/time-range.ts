/**
 * The time window a person asked for. Two words in the URL (`from`, `to`): "now", "now-15m" or Unix milliseconds.
 * Defaults are never written. Pure: the clock is an argument.
 */
export interface TimeChoice {
  readonly from: string;
  readonly to: string;
}
/** Half-open [startMs, endMs). */
export interface TimeSpan {
  readonly startMs: number;
  readonly endMs: number;
}
export const DEFAULT_CHOICE: TimeChoice = { from: 'now-15m', to: 'now' };
/** Offered in the time bar. */
export const QUICK_RANGES = ['now-5m', 'now-15m', 'now-30m', 'now-1h', 'now-3h', 'now-6h', 'now-1d', 'now-7d'] as const;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LATEST_MS = 9_000_000_000_000;
const SHORTEST_MS = 1_000;

/** Milliseconds of "now", "now-15m", "1763722800000" or an ISO time; null when it is none of them. */
export function momentMs(word: string, nowMs: number): number | null {
  if (word === 'now') return nowMs;
  const relative = /^now-(\d{1,6})([smhd])$/.exec(word);
  if (relative) return nowMs - Number(relative[1]) * (UNIT_MS[relative[2]!] ?? 0);
  if (/^\d{1,13}$/.test(word)) return Number(word);
  const parsed = /^\d{4}-\d\d-\d\d/.test(word) ? Date.parse(word) : Number.NaN;
  return Number.isFinite(parsed) && parsed >= 0 ? parsed : null;
}
/** The window, always at least a second long and in order; words that mean nothing fall back to the default. */
export function resolveChoice(choice: TimeChoice, nowMs: number): TimeSpan {
  const startMs = momentMs(choice.from, nowMs);
  const endMs = momentMs(choice.to, nowMs);
  if (startMs === null || endMs === null || startMs >= endMs) return resolveChoice(DEFAULT_CHOICE, nowMs);
  const end = Math.min(LATEST_MS, Math.max(endMs, startMs + SHORTEST_MS));
  return { startMs: Math.max(0, Math.floor(startMs)), endMs: Math.ceil(end) };
}
/** True when the window moves with the clock. */
export const isLive = (choice: TimeChoice): boolean => choice.to === 'now';
/** Words of a fixed window. */
export const fixedChoice = (span: TimeSpan): TimeChoice => ({ from: String(Math.round(span.startMs)), to: String(Math.round(span.endMs)) });

/** Moved by a part of its own length; never before 1970. */
export function shiftSpan(span: TimeSpan, part: number): TimeSpan {
  const by = Math.round((span.endMs - span.startMs) * part);
  const startMs = Math.max(0, span.startMs + by);
  return { startMs, endMs: startMs + (span.endMs - span.startMs) };
}
/** factor > 1 shows more time around the same middle. */
export function zoomSpan(span: TimeSpan, factor: number): TimeSpan {
  const middle = (span.startMs + span.endMs) / 2;
  const half = Math.max(SHORTEST_MS / 2, ((span.endMs - span.startMs) / 2) * factor);
  return { startMs: Math.max(0, Math.round(middle - half)), endMs: Math.round(middle + half) };
}
/** How often a live window of this length is asked for again. */
export const refreshMs = (span: TimeSpan): number => Math.min(60_000, Math.max(2_000, Math.round((span.endMs - span.startMs) / 180)));

const STEPS_MS = [1_000, 5_000, 10_000, 15_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000, 86_400_000];
/** A round step that gives at most `points` points. */
export const stepMs = (span: TimeSpan, points = 120): number =>
  STEPS_MS.find((step) => (span.endMs - span.startMs) / step <= points) ?? 86_400_000;
