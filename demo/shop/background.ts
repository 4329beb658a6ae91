import type { Random } from '../random.ts';

/** Harmless things that happen in any shop; a judge must not fall for them. Times in ms from the start. */
export type BackgroundEvent =
  | { readonly kind: 'release'; readonly atMs: number; readonly pick: number; readonly minor: boolean }
  | { readonly kind: 'pause'; readonly atMs: number; readonly pick: number; readonly forMs: number }
  | { readonly kind: 'bump'; readonly atMs: number; readonly factor: number; readonly forMs: number };

const MINUTE = 60_000;
function schedule<T>(random: Random, untilMs: number, meanMs: number, firstMs: number, make: (atMs: number) => T): T[] {
  const events: T[] = [];
  for (let atMs = firstMs + random.exponential(meanMs) * 0.6; atMs < untilMs; atMs += meanMs * 0.35 + random.exponential(meanMs * 0.65))
    events.push(make(atMs));
  return events;
}
/** Releases every 10 minutes or so, single long pauses every 4, small surges of traffic every 9. */
export function drawBackground(random: Random, untilMs: number): BackgroundEvent[] {
  return [
    ...schedule(
      random,
      untilMs,
      10 * MINUTE,
      MINUTE,
      (atMs): BackgroundEvent => ({ kind: 'release', atMs, pick: random.next(), minor: random.chance(0.3) }),
    ),
    ...schedule(
      random,
      untilMs,
      4 * MINUTE,
      0,
      (atMs): BackgroundEvent => ({ kind: 'pause', atMs, pick: random.next(), forMs: random.between(90, 320) }),
    ),
    ...schedule(
      random,
      untilMs,
      9 * MINUTE,
      MINUTE,
      (atMs): BackgroundEvent => ({ kind: 'bump', atMs, factor: random.between(1.08, 1.26), forMs: random.between(50, 140) * 1000 }),
    ),
  ].sort((a, b) => a.atMs - b.atMs);
}
/** In most runs, quiet ones too, some other service is released around the moment at which trouble would begin. */
export function drawCoincidence(random: Random, onsetMs: number): BackgroundEvent | null {
  if (!random.chance(0.6)) return null;
  return { kind: 'release', atMs: Math.max(0, onsetMs + random.between(-150_000, 60_000)), pick: random.next(), minor: random.chance(0.5) };
}
/** Factor on the request rate from the surges: half a minute up, half a minute down. */
export function bumpFactor(events: readonly BackgroundEvent[], atMs: number): number {
  let factor = 1;
  for (const event of events) {
    if (event.kind !== 'bump' || atMs < event.atMs || atMs > event.atMs + event.forMs) continue;
    const edge = Math.min(atMs - event.atMs, event.atMs + event.forMs - atMs);
    factor *= 1 + (event.factor - 1) * Math.min(1, edge / 20_000);
  }
  return factor;
}
