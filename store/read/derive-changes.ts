import type { Change } from '#contracts/judgement.ts';
import type { Placement } from '#contracts/observation.ts';

/** Start of a process, as its counters tell it. */
export interface ProcessStart {
  readonly service: string;
  readonly instance: string;
  readonly startedMs: number;
  /** When the start was first reported. */
  readonly seenMs: number;
}
/** Two starts closer than this are one: exporters round differently. */
const SAME_START_MS = 5_000;
/** An instance that appears this close to the end of another of its service takes its place. */
const HANDOVER_MS = 120_000;

/** An instance unheard for this long before a version comes back was gone: heard at least every few cells. */
const GONE_MS = 30_000;
/** A version that had gone and takes the place of the one that ran: somebody rolled back. */
function isRollBack(place: Placement, previous: string, seen: readonly Placement[]): boolean {
  if (place.version === previous) return false;
  return seen.every(
    (other) =>
      other.firstSeenMs >= place.firstSeenMs ||
      (other.version === place.version && other.lastSeenMs + GONE_MS < place.firstSeenMs) ||
      (other.version === previous && other.lastSeenMs <= place.firstSeenMs + HANDOVER_MS) ||
      (other.version !== place.version && other.version !== previous),
  );
}
function deploys(service: string, seen: readonly Placement[]): Change[] {
  const changes: Change[] = [];
  const firstOf = new Map<string, Placement>();
  let previous = '';
  for (const place of seen) {
    if (place.version === null) continue;
    if (previous !== '' && (!firstOf.has(place.version) || isRollBack(place, previous, seen))) {
      changes.push({ atMs: place.firstSeenMs, kind: 'deploy', service, instance: null, from: previous, to: place.version });
    }
    if (!firstOf.has(place.version)) firstOf.set(place.version, place);
    previous = place.version;
  }
  return changes;
}
function arrivals(service: string, seen: readonly Placement[], fromMs: number): Change[] {
  const changes: Change[] = [];
  const known = new Map<string, Placement>();
  for (const place of seen) {
    const before = known.get(place.instance);
    known.set(place.instance, before && before.lastSeenMs > place.lastSeenMs ? before : place);
    if (before || place.firstSeenMs <= fromMs || known.size === 1) continue;
    const replaced = seen.find(
      (p) =>
        p.instance !== place.instance &&
        p.firstSeenMs < place.firstSeenMs &&
        Math.abs(p.lastSeenMs - place.firstSeenMs) <= HANDOVER_MS &&
        p.lastSeenMs < place.lastSeenMs,
    );
    const kind = replaced ? 'restart' : 'scale';
    changes.push({ atMs: place.firstSeenMs, kind, service, instance: place.instance, from: replaced?.instance ?? '', to: place.instance });
  }
  return changes;
}
function restarts(starts: readonly ProcessStart[], fromMs: number): Change[] {
  const changes: Change[] = [];
  const lastStart = new Map<string, number>();
  for (const start of [...starts].sort((a, b) => a.startedMs - b.startedMs)) {
    const key = `${start.service}\0${start.instance}`;
    const before = lastStart.get(key);
    lastStart.set(key, start.startedMs);
    if (before === undefined || start.startedMs - before < SAME_START_MS || start.startedMs < fromMs) continue;
    const at = (ms: number): string => new Date(ms).toISOString();
    changes.push({
      atMs: start.startedMs,
      kind: 'restart',
      service: start.service,
      instance: start.instance,
      from: at(before),
      to: at(start.startedMs),
    });
  }
  return changes;
}

/**
 * Deployments (a version not seen before, or one that comes back in the place of another), restarts (a process start that moved, or an instance that takes another's
 * place) and scale-outs, in time order. Nothing at or before `fromMs` counts as an arrival: that is where looking began.
 */
export function deriveChanges(placements: readonly Placement[], starts: readonly ProcessStart[], fromMs: number): Change[] {
  const byService = Map.groupBy(
    [...placements].sort((a, b) => a.firstSeenMs - b.firstSeenMs || a.instance.localeCompare(b.instance)),
    (place) => place.service,
  );
  const changes = restarts(starts, fromMs);
  for (const [service, seen] of byService) {
    const rolled = deploys(service, seen);
    // A roll-out replaces instances: those are part of the deployment, not news of their own.
    const own = arrivals(service, seen, fromMs).filter((c) => !rolled.some((d) => Math.abs(d.atMs - c.atMs) <= HANDOVER_MS));
    changes.push(...rolled.filter((d) => d.atMs > fromMs), ...own);
  }
  return changes.sort((a, b) => a.atMs - b.atMs || a.service.localeCompare(b.service));
}
