/** Eight buckets per doubling: a percentile is at most 9 % above the true one. */
const PER_DOUBLING = 8;
const SMALLEST_MS = 0.01;
const BUCKETS = 24 * PER_DOUBLING;

/** Percentiles of durations over the last one to two windows, in constant memory whatever the rate. */
export class LatencyWindow {
  private readonly windowMs: number;
  private current = new Uint32Array(BUCKETS);
  private previous = new Uint32Array(BUCKETS);
  private startedMs: number;

  constructor(nowMs: number, windowMs = 5_000) {
    this.windowMs = windowMs;
    this.startedMs = nowMs;
  }
  add(durationMs: number, nowMs: number): void {
    this.turn(nowMs);
    const bucket = Math.ceil(Math.log2(Math.max(durationMs, SMALLEST_MS) / SMALLEST_MS) * PER_DOUBLING);
    const index = Math.min(bucket, BUCKETS - 1);
    this.current[index] = (this.current[index] as number) + 1;
  }
  /** Upper edge of the bucket that holds the quantile, milliseconds; 0 without observations. */
  quantileMs(quantile: number, nowMs: number): number {
    this.turn(nowMs);
    let total = 0;
    for (let i = 0; i < BUCKETS; i++) total += (this.current[i] as number) + (this.previous[i] as number);
    if (total === 0) return 0;
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += (this.current[i] as number) + (this.previous[i] as number);
      if (seen >= quantile * total) return SMALLEST_MS * 2 ** (i / PER_DOUBLING);
    }
    return SMALLEST_MS * 2 ** ((BUCKETS - 1) / PER_DOUBLING);
  }
  private turn(nowMs: number): void {
    const elapsed = nowMs - this.startedMs;
    if (elapsed < this.windowMs) return;
    const stale = elapsed >= 2 * this.windowMs;
    [this.previous, this.current] = [this.current, this.previous];
    this.current.fill(0);
    if (stale) this.previous.fill(0);
    this.startedMs = nowMs;
  }
}
