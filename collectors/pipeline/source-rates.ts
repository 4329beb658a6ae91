import { type CompiledLimit, compileLimits } from '#contracts/limited-source.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';

/** A source may send this long at once what it may send in that time: a batch is no flood. */
const BURST_SECONDS = 10;

/**
 * Hard limits of sources (limits.sources): items a second, as a bucket that fills up to ten seconds' worth. A request that is larger than
 * the bucket passes when it is full, and is paid for afterwards: it could never be sent else.
 */
export class SourceRates {
  private compiled: readonly CompiledLimit[] = [];
  private readonly nowMs: () => number;
  private readonly limitOf = new Map<string, number | null>();
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(limits: SourceLimits, nowMs: () => number) {
    this.nowMs = nowMs;
    this.setLimits(limits);
  }
  setLimits(limits: SourceLimits): void {
    this.compiled = compileLimits(limits).filter(({ limit }) => limit.itemsPerSecond !== undefined);
    this.limitOf.clear();
  }
  /** The lowest that fits; null: none. */
  private find(source: string): number | null {
    const known = this.limitOf.get(source);
    if (known !== undefined) return known;
    const fitting = this.compiled.filter((each) => each.source(source)).map(({ limit }) => limit.itemsPerSecond as number);
    const lowest = fitting.length === 0 ? null : Math.min(...fitting);
    this.limitOf.set(source, lowest);
    return lowest;
  }
  /** @returns null: taken; else the limit that is reached, items a second */
  take(source: string, items: number): number | null {
    const limit = this.compiled.length === 0 ? null : this.find(source);
    if (limit === null) return null;
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
