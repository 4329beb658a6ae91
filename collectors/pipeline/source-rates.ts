import type { Limits } from '#contracts/settings.ts';

/** A source may send this long at once what it may send in that time: a batch is no flood. */
const BURST_SECONDS = 10;

/**
 * Hard limits of sources (limits.sources): items a second, as a bucket that fills up to ten seconds' worth. A request that is larger than
 * the bucket passes when it is full, and is paid for afterwards: it could never be sent else.
 */
export class SourceRates {
  private readonly limits: Limits['sources'];
  private readonly nowMs: () => number;
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(limits: Limits['sources'], nowMs: () => number) {
    this.limits = limits;
    this.nowMs = nowMs;
  }
  /** @returns null: taken; else the limit that is reached, items a second */
  take(source: string, items: number): number | null {
    const limit = this.limits[source]?.itemsPerSecond;
    if (limit === undefined) return null;
    const most = limit * BURST_SECONDS;
    const now = this.nowMs();
    const bucket = this.buckets.get(source) ?? { tokens: most, atMs: now };
    this.buckets.set(source, bucket);
    bucket.tokens = Math.min(most, bucket.tokens + (Math.max(0, now - bucket.atMs) / 1000) * limit);
    bucket.atMs = now;
    if (bucket.tokens < Math.min(items, most)) return limit;
    bucket.tokens -= items;
    return null;
  }
}
