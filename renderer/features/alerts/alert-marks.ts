import type { RuleAlert } from '#contracts/alert-rules.ts';

/** Moments of an alert's life on a chart: its expression became true, `for` was over, it was over. Pure. */
export interface AlertMark {
  readonly kind: 'active' | 'fires' | 'resolved';
  readonly atMs: number;
  readonly untilMs?: number;
}
type Life = Pick<RuleAlert, 'activeAtMs' | 'firedAtMs' | 'resolvedAtMs'> & { readonly rule: { readonly forMs: number } | null };

export function alertMarks({ activeAtMs, firedAtMs, resolvedAtMs, rule }: Life, nowMs: number): AlertMark[] {
  const forMs = rule?.forMs ?? 0;
  // Of a pending one: when it will fire, if it goes on.
  const firesMs = firedAtMs ?? activeAtMs + forMs;
  const fires: AlertMark = { kind: 'fires', atMs: firesMs, ...(firedAtMs === null ? {} : { untilMs: resolvedAtMs ?? nowMs }) };
  return [
    fires,
    ...(forMs > 0 ? [{ kind: 'active', atMs: activeAtMs, untilMs: Math.min(firesMs, resolvedAtMs ?? nowMs) } as const] : []),
    ...(resolvedAtMs === null ? [] : [{ kind: 'resolved', atMs: resolvedAtMs } as const]),
  ];
}
const AFTER_MS = 5 * 60_000;
/** Where the hour that is drawn ends: now, or a little after the alert was over. */
export function marksEndMs({ resolvedAtMs }: Pick<Life, 'resolvedAtMs'>, nowMs: number): number {
  return resolvedAtMs === null ? nowMs : Math.min(nowMs, resolvedAtMs + AFTER_MS);
}
