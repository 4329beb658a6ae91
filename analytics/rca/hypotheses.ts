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

/**
 * Blame sinks to what lies below: a service that waits (queue, pool, threads) because something it calls became slow
 * first shows self time that is not its own. A waiting pool is a consequence too, as long as its database is slow for
 * everybody; when only this service finds it slow, the pool is the cause and takes the database's blame.
 */
function sinkBlame(file: CaseFile, births: Births, blame: Blame, mechanisms: ReadonlyMap<string, Mechanism[]>): Blame {
  const result: Blame = new Map(blame);
  const byName = new Map(births.places.map((place) => [place.name, place]));
  const move = (from: string, to: string, part: number): void => {
    const amount = (blame.get(from) ?? 0) * part;
    result.set(from, (result.get(from) ?? 0) - amount);
    result.set(to, (result.get(to) ?? 0) + amount);
  };
  for (const place of births.places) {
    const share = blame.get(place.name) ?? 0;
    if (share < LEAST_BLAME || !place.isInstrumented) continue;
    const own = mechanisms.get(place.name) ?? [];
    const stands = own.some((m) => m.strength >= STANDS && m.kind !== 'pool_exhaustion');
    const pool = own.find((m) => m.kind === 'pool_exhaustion');
    // What it calls so much more often may be slow for that very reason.
    for (const below of place.multiplied) if (!byName.get(below)?.isInstrumented) move(below, place.name, 0.8);
    if (place.multiplied.size > 0 || (stands && pool === undefined)) continue;
    for (const below of file.graph.callees(place.name)) {
      const callee = byName.get(below);
      const theirs = blame.get(below) ?? 0;
      if (callee === undefined || theirs < 0.15 * share || !isSlower(callee, file)) continue;
      if (pool !== undefined && isSlowOnlyFor(callee, place.name)) move(below, place.name, 0.8);
      else if (!stands && (callee.onset < 0 || place.onset < 0 || callee.onset <= place.onset + 2)) move(place.name, below, 0.75);
    }
  }
  return result;
}

const isSlowOnlyFor = (callee: Place, caller: string): boolean =>
  !callee.isInstrumented &&
  callee.edges.length > 1 &&
  callee.edges.every(({ edge, shift }) => edge.from === caller || (shift.certainty < 0.2 && Number.isFinite(shift.value)));

/** All hypotheses worth scoring, at most two a place. */
export function formHypotheses(file: CaseFile, births: Births, blame: Blame): Hypothesis[] {
  const places = births.places.filter((place) => (blame.get(place.name) ?? 0) >= LEAST_BLAME);
  const mechanisms = new Map(places.map((place) => [place.name, mechanismsOf(file, place)]));
  const settled = sinkBlame(file, births, blame, mechanisms);
  const found: Hypothesis[] = [];
  for (const place of places) {
    const coverage = settled.get(place.name) ?? 0;
    const isConsequence = coverage < 0.5 * (blame.get(place.name) ?? 0);
    for (const mechanism of mechanisms.get(place.name)!.slice(0, 2)) {
      const strength = isConsequence && mechanism.kind === 'pool_exhaustion' ? 0.3 : mechanism.strength;
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
