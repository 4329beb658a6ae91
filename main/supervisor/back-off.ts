const STEPS_MS = [50, 250, 1_000, 2_000, 5_000, 15_000, 30_000] as const;

/** Wait before the n-th restart in a row (1-based): the first is nearly at once, the last repeats for ever. */
export const backOffMs = (crashes: number): number => STEPS_MS[Math.min(Math.max(crashes, 1), STEPS_MS.length) - 1] as number;
