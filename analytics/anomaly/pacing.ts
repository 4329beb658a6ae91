/**
 * How many buckets evidence takes, from the length of a bucket: about a minute of sustained trouble at fine steps,
 * never fewer than three bad buckets of five. All lengths in buckets.
 */
export interface Pacing {
  readonly stepMs: number;
  /** Length of the evidence window (n of "k of n"). */
  readonly evidence: number;
  /** Bad buckets within the evidence window that make an anomaly (k). */
  readonly sustained: number;
  /** Values learned before anything is judged. */
  readonly warmUp: number;
  /** The same for processor time (10 min): what works in bursts of a minute looks calm for two. */
  readonly burstWarmUp: number;
  /** Forgetting length of latency and metric levels (15 min). */
  readonly memory: number;
  /** Forgetting length of traffic levels (5 min): traffic drifts through the day, only abrupt change counts. */
  readonly trafficMemory: number;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Pacing for a step in milliseconds. */
export function pacingFor(stepMs: number): Pacing {
  const evidence = clamp(Math.round(60_000 / stepMs), 5, 12);
  return {
    stepMs,
    evidence,
    sustained: Math.ceil(evidence * 0.6),
    warmUp: 12,
    burstWarmUp: clamp(Math.round(600_000 / stepMs), 12, 120),
    memory: clamp(Math.round(900_000 / stepMs), 30, 360),
    trafficMemory: clamp(Math.round(300_000 / stepMs), 8, 120),
  };
}
