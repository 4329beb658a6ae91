/** Durations as prometheus/common has them: 1h30m, each unit at most once, the larger first; 0 needs none. */
const PATTERN = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNITS_MS = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1];
const MAX_MS = 2 ** 63 / 1e6;

/** Milliseconds, or what is wrong in Prometheus' words. */
export function parseGoDuration(text: string): number | string {
  if (text === '0') return 0;
  if (text === '') return 'empty duration string';
  const found = PATTERN.exec(text);
  if (!found) return `not a valid duration string: ${JSON.stringify(text)}`;
  const ms = UNITS_MS.reduce((sum, unit, i) => sum + unit * Number(found[i + 1] ?? 0), 0);
  return ms < MAX_MS ? ms : 'duration out of range';
}
