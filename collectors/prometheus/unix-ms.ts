/** Last whole millisecond of a signed 64-bit nanosecond. */
export const MAX_MS = 9_223_372_036_854;

/** Milliseconds below MAX_MS as the halves of nanoseconds; a BigInt per sample would cost as much as all the rest. */
export function lowNanos(unixMs: number): number {
  const low = unixMs % 65_536;
  const high = (unixMs - low) / 65_536;
  return (((high * 1e6) % 65_536) * 65_536 + low * 1e6) >>> 0;
}
export function highNanos(unixMs: number): number {
  const low = unixMs % 65_536;
  const upper = ((unixMs - low) / 65_536) * 1e6;
  const rest = upper % 65_536;
  return (upper - rest) / 65_536 + Math.floor((rest * 65_536 + low * 1e6) / 2 ** 32);
}
