import type { EdgeObservation, ServiceObservation } from '#contracts/observation.ts';
import { binomialUpperTail, ratioUpperBound } from '../stats/binomial.ts';
import type { CaseFile } from './case-file.ts';
import { type GridRange, type Shift, shiftBetween, total } from './shift.ts';

/**
 * Where extra time and extra errors are born. Both add up over the call graph without walking it: a request's time is
 * the sum of the self times below it, and an error is born where no call beneath it failed. A place is a service, or
 * something it calls that sends no telemetry of its own.
 */
export interface Place {
  readonly name: string;
  /** false: seen only through its callers (database, external API, queue). */
  readonly isInstrumented: boolean;
  /** Extra milliseconds of work per bucket born here. */
  extraMs: number;
  /** Extra errors in the window born here. */
  extraErrors: number;
  /** Bucket in which the trouble began here, -1 unknown. */
  onset: number;
  readonly self: Shift | null;
  readonly edges: { readonly edge: EdgeObservation; readonly shift: Shift; readonly isGap: boolean }[];
  /** Callees this place suddenly calls more often per request; the time of the extra calls is born here. */
  readonly multiplied: Set<string>;
  /** Errors of calls to this place that the place itself does not report: refused, timed out, unreachable. */
  unansweredErrors: number;
}
/** The sum over all places, and how large it is against normal. */
export interface Births {
  readonly places: readonly Place[];
  /** Extra time as a part of the normal time, all places together. */
  readonly timeRatio: number;
  /** Extra errors as a part of the requests at the entries, or half that part at the place worst hit if that is more. */
  readonly errorRatio: number;
  readonly timeTotal: number;
  readonly errorTotal: number;
}

const perBucket = (values: Float64Array, range: GridRange): number =>
  total(values, range.from, range.to) / Math.max(1, range.to - range.from);

/** Errors in the window beyond what the baseline's ratio explains; 0 when chance may explain them. */
export function excessErrors(errors: Float64Array, requests: Float64Array, range: GridRange): number {
  const bad = total(errors, range.from, range.to);
  const all = total(requests, range.from, range.to);
  const badBefore = total(errors, range.baseFrom, range.baseTo);
  const allBefore = total(requests, range.baseFrom, range.baseTo);
  if (bad < 3 || all <= 0) return 0;
  const bound = allBefore >= 20 ? ratioUpperBound(badBefore, allBefore) : 0.05;
  if (binomialUpperTail(Math.min(bad, all), all, bound) > 1e-5) return 0;
  return Math.max(0, bad - (allBefore > 0 ? badBefore / allBefore : 0) * all);
}

function serviceOnset(service: ServiceObservation, file: CaseFile, byErrors: boolean, self: Shift): number {
  if (!byErrors) return self.certainty > 0 ? self.onset : -1;
  const ratio = service.ownErrors.map((value, i) => (service.requests[i]! > 0 ? value / service.requests[i]! : Number.NaN));
  return shiftBetween(ratio, service.requests, file.range, 0.05).onset;
}

function placeOfService(service: ServiceObservation, file: CaseFile): Place {
  const self = shiftBetween(service.selfMeanMs, service.requests, file.range);
  const extraErrors = excessErrors(service.ownErrors, service.requests, file.range);
  const extraMs = Math.max(0, self.delta) * self.certainty * perBucket(service.requests, file.range);
  const onset = serviceOnset(service, file, extraErrors > 0 && self.certainty < 0.5, self);
  return {
    name: service.service,
    isInstrumented: true,
    extraMs,
    extraErrors,
    onset,
    self,
    edges: [],
    multiplied: new Set(),
    unansweredErrors: 0,
  };
}

/** Time an edge adds: all of it where the callee sends nothing, else what the client waited beyond the server's own time. */
function chargeEdge(place: Place, edge: EdgeObservation, file: CaseFile): void {
  const isGap = place.isInstrumented;
  const spent = isGap ? edge.clientMeanMs.map((value, i) => value - edge.serverMeanMs[i]!) : edge.clientMeanMs;
  const shift = shiftBetween(spent, edge.requests, file.range);
  place.edges.push({ edge, shift, isGap });
  const minimumMs = isGap ? 0.1 * Math.max(0, shiftBetween(edge.clientMeanMs, edge.requests, file.range).baseline) : 0;
  const extra =
    Math.max(0, shift.delta - (Number.isFinite(minimumMs) ? minimumMs : 0)) * shift.certainty * perBucket(edge.requests, file.range);
  place.extraMs += extra;
  if (extra > 0 && (place.onset < 0 || shift.onset < place.onset)) place.onset = shift.onset;
}

/** More calls per request than before (a loop around a query, a lost cache): unless the calls fail and are retried. */
function chargeExtraCalls(caller: Place, edge: EdgeObservation, file: CaseFile): void {
  const service = file.services.get(edge.from);
  if (service === undefined) return;
  const perRequest = edge.requests.map((calls, i) =>
    service.requests[i]! > 0 ? (calls > 0 ? calls : 0) / service.requests[i]! : Number.NaN,
  );
  const shift = shiftBetween(perRequest, service.requests, file.range, 0.1);
  if (shift.certainty < 0.5 || shift.value < 1.3 * shift.baseline) return;
  if (excessErrors(edge.errors, edge.requests, file.range) > 0.1 * total(edge.requests, file.range.from, file.range.to)) return;
  const perCallMs = shiftBetween(edge.clientMeanMs, edge.requests, file.range).baseline;
  if (!(perCallMs > 0)) return;
  caller.extraMs += shift.delta * shift.certainty * perBucket(service.requests, file.range) * perCallMs;
  caller.multiplied.add(edge.to);
  if (caller.onset < 0 || shift.onset < caller.onset) caller.onset = shift.onset;
}

function chargeErrors(place: Place, edges: readonly EdgeObservation[], file: CaseFile): void {
  let seen = 0;
  for (const edge of edges) {
    const excess = excessErrors(edge.errors, edge.requests, file.range);
    seen += excess;
    if (excess > 0 && place.onset < 0) {
      const ratio = edge.errors.map((value, i) => (edge.requests[i]! > 0 ? value / edge.requests[i]! : Number.NaN));
      place.onset = shiftBetween(ratio, edge.requests, file.range).onset;
    }
  }
  const service = file.services.get(place.name);
  const answered = service === undefined ? 0 : excessErrors(service.errors, service.requests, file.range);
  place.unansweredErrors = Math.max(0, seen - answered);
  // A tenth may be rounding of the grid: a call and its answer need not fall into the same bucket.
  if (place.unansweredErrors < 0.1 * seen) place.unansweredErrors = 0;
  place.extraErrors += place.unansweredErrors;
}

/** Books every extra millisecond and error of the window at the place where it was born. `scope`: places considered. */
export function findBirths(file: CaseFile, scope: ReadonlySet<string>): Births {
  const places = new Map<string, Place>();
  for (const service of file.services.values()) if (scope.has(service.service)) places.set(service.service, placeOfService(service, file));
  for (const edge of file.observation.edges) {
    if (!scope.has(edge.from) || edge.from === edge.to) continue;
    let place = places.get(edge.to);
    if (place === undefined) {
      place = {
        name: edge.to,
        isInstrumented: false,
        extraMs: 0,
        extraErrors: 0,
        onset: -1,
        self: null,
        edges: [],
        multiplied: new Set(),
        unansweredErrors: 0,
      };
      places.set(edge.to, place);
    }
    chargeEdge(place, edge, file);
    const caller = places.get(edge.from);
    if (caller !== undefined) chargeExtraCalls(caller, edge, file);
  }
  for (const place of places.values()) {
    const edges = place.edges.map((charged) => charged.edge);
    chargeErrors(place, edges, file);
  }
  return sumUp([...places.values()], file, scope);
}

function sumUp(places: readonly Place[], file: CaseFile, scope: ReadonlySet<string>): Births {
  let normal = 0;
  for (const place of places) {
    const service = file.services.get(place.name);
    if (service !== undefined && place.self !== null) normal += (place.self.baseline || 0) * perBucket(service.requests, file.range);
    for (const { edge, shift, isGap } of place.edges) if (!isGap) normal += (shift.baseline || 0) * perBucket(edge.requests, file.range);
  }
  const timeTotal = places.reduce((sum, place) => sum + place.extraMs, 0);
  const errorTotal = places.reduce((sum, place) => sum + place.extraErrors, 0);
  const entries = file.graph.entries.filter((name) => scope.has(name));
  const roots = (entries.length > 0 ? entries : [...file.services.keys()]).map((name) => file.services.get(name)!);
  const requests = roots.reduce((sum, root) => sum + total(root.requests, file.range.from, file.range.to), 0);
  return {
    places,
    timeTotal,
    errorTotal,
    timeRatio: normal > 0 ? timeTotal / normal : 0,
    errorRatio: Math.max(requests > 0 ? errorTotal / requests : 0, 0.5 * worstRatio(places, file)),
  };
}

function worstRatio(places: readonly Place[], file: CaseFile): number {
  let worst = 0;
  for (const place of places) {
    const service = file.services.get(place.name);
    const requests = service === undefined ? 0 : total(service.requests, file.range.from, file.range.to);
    if (requests > 0) worst = Math.max(worst, Math.min(1, place.extraErrors / requests));
  }
  return worst;
}
