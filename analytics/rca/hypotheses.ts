import type { Births, Place } from './births.ts';
import type { Blame } from './blame.ts';
import type { CaseFile } from './case-file.ts';
import { badDeploy } from './mechanisms/bad-deploy.ts';
import { errorBurst } from './mechanisms/error-burst.ts';
import { isBroadlySlow, ownSaturation, slowDependency, trafficSurge, unexplained } from './mechanisms/load-and-dependency.ts';
import type { Mechanism } from './mechanisms/mechanism.ts';
import { memoryLeak } from './mechanisms/memory-leak.ts';
import { noisyNeighbours } from './mechanisms/noisy-neighbour.ts';
import { poolExhaustion } from './mechanisms/pool-exhaustion.ts';

/** A place, a mechanism, and how much of the trouble the two together explain. */
export interface Hypothesis {
  readonly service: string;
  readonly mechanism: Mechanism;
  /** Part (0-1) of the trouble born at, or explained by, this place. */
  readonly coverage: number;
  readonly onset: number;
  /** Places whose trouble this hypothesis explains. */
  readonly explains: ReadonlySet<string>;
}
/** Places with less of the blame are not looked at. */
const LEAST_BLAME = 0.04;
/** Mechanisms at least this strong keep their blame; weaker places hand it down to a slow dependency. */
const STANDS = 0.6;

const isSlower = (place: Place, file: CaseFile): boolean =>
  place.edges.some(
    ({ edge, shift, isGap }) => !isGap && shift.certainty > 0.5 && shift.value > 1.8 * shift.baseline && isBroadlySlow(edge, file),
  ) ||
  (place.self !== null && place.self.certainty > 0.5 && place.self.value > 1.8 * place.self.baseline);

/** Mechanisms a place's own evidence suggests, strongest first. */
function mechanismsOf(file: CaseFile, place: Place): Mechanism[] {
  if (!place.isInstrumented) return [slowDependency(file, place)];
  const found = [
    badDeploy(file, place.name, place.onset),
    memoryLeak(file, place.name),
    poolExhaustion(file, place.name),
    place.extraErrors - place.unansweredErrors > 0 ? errorBurst(file, place.name) : null,
    ownSaturation(file, place.name),
    unexplained(file, place),
  ];
  return found.filter((mechanism) => mechanism !== null).sort((a, b) => b.strength - a.strength);
}

type MechanismsOf = (place: Place) => readonly Mechanism[];

function lookup(file: CaseFile): MechanismsOf {
  const known = new Map<Place, readonly Mechanism[]>();
  return (place) => {
    const found = known.get(place) ?? mechanismsOf(file, place);
    known.set(place, found);
    return found;
  };
}

/** Moves parts of the blame as it was; what arrives is not moved on. */
class Settling {
  private readonly before: Blame;
  readonly after: Blame;
  constructor(blame: Blame) {
    this.before = blame;
    this.after = new Map(blame);
  }
  share(name: string): number {
    return this.before.get(name) ?? 0;
  }
  move(from: string, to: string, part: number): void {
    const amount = this.share(from) * part;
    this.after.set(from, (this.after.get(from) ?? 0) - amount);
    this.after.set(to, (this.after.get(to) ?? 0) + amount);
  }
}

/**
 * Blame sinks to what lies below: a service that waits (queue, pool, threads) because something it calls became slow
 * first shows self time that is not its own.
 */
function sinkBlame(file: CaseFile, births: Births, settling: Settling, mechanisms: MechanismsOf): void {
  const byName = new Map(births.places.map((place) => [place.name, place]));
  for (const place of births.places) {
    const share = settling.share(place.name);
    if (share < LEAST_BLAME || !place.isInstrumented) continue;
    // What it calls so much more often may be slow for that very reason.
    for (const below of place.multiplied) if (!byName.get(below)?.isInstrumented) settling.move(below, place.name, 0.8);
    const stands = mechanisms(place).some((m) => m.strength >= STANDS && m.kind !== 'pool_exhaustion');
    if (place.multiplied.size > 0 || stands) continue;
    for (const below of file.graph.callees(place.name)) {
      const callee = byName.get(below);
      if (callee === undefined || settling.share(below) < 0.15 * share || !isSlower(callee, file) || isPoolOf(place, callee, mechanisms))
        continue;
      if (callee.onset < 0 || place.onset < 0 || callee.onset <= place.onset + 2) settling.move(place.name, below, 0.75);
    }
  }
}

const poolOf = (place: Place, mechanisms: MechanismsOf): Mechanism | undefined =>
  mechanisms(place).find((m) => m.kind === 'pool_exhaustion');
const isPoolOf = (place: Place, callee: Place, mechanisms: MechanismsOf): boolean =>
  isSlowOnlyFor(callee, place.name) && poolOf(place, mechanisms) !== undefined;

/** A database (or other peer) that only one of its several callers finds slow. */
const isSlowOnlyFor = (callee: Place, caller: string): boolean =>
  !callee.isInstrumented &&
  callee.edges.length > 1 &&
  callee.edges.every(({ edge, shift }) =>
    edge.from === caller ? shift.certainty > 0.3 : shift.certainty < 0.2 && Number.isFinite(shift.value),
  );

/**
 * Waiting for a pooled connection may be booked into the client span. When only one caller with a waiting pool finds
 * the database slow, the pool is the cause; with a single caller nobody can tell, so it gets a part and the verdict
 * stays below "confirmed".
 */
function raisePools(births: Births, settling: Settling, mechanisms: MechanismsOf): void {
  const byName = new Map(births.places.map((place) => [place.name, place]));
  for (const callee of births.places) {
    if (callee.isInstrumented || settling.share(callee.name) < LEAST_BLAME) continue;
    for (const { edge } of callee.edges) {
      const caller = byName.get(edge.from);
      const pool = caller === undefined || !caller.isInstrumented ? undefined : poolOf(caller, mechanisms);
      if (pool === undefined || pool.strength < 0.75) continue;
      if (isSlowOnlyFor(callee, edge.from)) settling.move(callee.name, edge.from, 0.85);
      else if (callee.edges.length === 1) settling.move(callee.name, edge.from, 0.33);
    }
  }
}

/** All hypotheses worth scoring, at most two a place. */
export function formHypotheses(file: CaseFile, births: Births, blame: Blame): Hypothesis[] {
  const mechanisms = lookup(file);
  const settling = new Settling(blame);
  sinkBlame(file, births, settling, mechanisms);
  raisePools(births, settling, mechanisms);
  const settled = settling.after;
  const found: Hypothesis[] = [];
  for (const place of births.places) {
    const coverage = settled.get(place.name) ?? 0;
    const had = blame.get(place.name) ?? 0;
    if (Math.max(coverage, had) < LEAST_BLAME) continue;
    for (const mechanism of mechanisms(place).slice(0, 2)) {
      const strength = coverage < 0.5 * had && mechanism.kind === 'pool_exhaustion' ? 0.3 : mechanism.strength;
      found.push({
        service: place.name,
        mechanism: { ...mechanism, strength },
        coverage,
        onset: place.onset,
        explains: new Set([place.name]),
      });
    }
  }
  found.push(...neighbourHypotheses(file, births, settled));
  found.push(...surgeHypotheses(file, births));
  return found;
}

function neighbourHypotheses(file: CaseFile, births: Births, blame: Blame): Hypothesis[] {
  return noisyNeighbours(file, births).map((neighbour) => {
    const own = blame.get(neighbour.service) ?? 0;
    const theirs = neighbour.victims.reduce((sum, victim) => sum + (blame.get(victim) ?? 0), 0);
    // A service in trouble itself that also takes the processor: its own mechanism is the better name.
    const inner = own > 0.1 ? [badDeploy(file, neighbour.service, neighbour.onset), memoryLeak(file, neighbour.service)] : [];
    const better = inner.find((mechanism) => mechanism !== null && mechanism.strength > 0.7);
    const mechanism = better ? { ...better, rows: [...better.rows, ...neighbour.rows] } : neighbour;
    const coverage = Math.min(1, own + theirs * Math.min(1, neighbour.hostShare * 1.1));
    return {
      service: neighbour.service,
      mechanism,
      coverage,
      onset: neighbour.onset,
      explains: new Set([neighbour.service, ...neighbour.victims]),
    };
  });
}

function surgeHypotheses(file: CaseFile, births: Births): Hypothesis[] {
  if (births.timeTotal + births.errorTotal === 0) return [];
  const found: Hypothesis[] = [];
  for (const entry of file.graph.entries) {
    const mechanism = trafficSurge(file, entry);
    if (mechanism === null) continue;
    const explains = new Set(file.graph.reach(entry));
    found.push({ service: entry, mechanism, coverage: 0.85, onset: file.range.from, explains });
  }
  return found;
}
