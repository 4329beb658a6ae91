import { quantile } from '../../stats/robust.ts';
import type { Births } from '../births.ts';
import type { CaseFile, PlacedMetric } from '../case-file.ts';
import { type EvidenceRow, metricRow, requestsRow, selfTimeRow } from '../evidence-rows.ts';
import { type Shift, shiftBetween, total } from '../shift.ts';
import type { Mechanism } from './mechanism.ts';

/** A service that takes the processor of a host others share, and whom it slows. */
export interface Neighbour extends Mechanism {
  readonly service: string;
  readonly host: string;
  readonly onset: number;
  /** Part (0-1) of all extra time born on this host. */
  readonly hostShare: number;
  readonly victims: readonly string[];
}

/** A riser that the host as a whole does not feel must have grown this many times. */
const LEAST_FACTOR = 2;
/** The host feels it when its own figure grew this many times. */
const FELT_FACTOR = 1.25;

/** Extra milliseconds by host and service, from single instances where they are seen, else from services on one host. */
function extraByHost(file: CaseFile, births: Births): Map<string, Map<string, number>> {
  const hosts = new Map<string, Map<string, number>>();
  const add = (host: string, service: string, ms: number): void => {
    const services = hosts.get(host) ?? new Map<string, number>();
    services.set(service, (services.get(service) ?? 0) + ms);
    hosts.set(host, services);
  };
  for (const place of births.places) {
    if (place.extraMs <= 0) continue;
    const placed = (file.instances.get(place.name) ?? []).map((one) => ({ one, host: file.hostOf(place.name, one.instance!) }));
    const seen = placed.filter(({ host }) => host !== null);
    const extra = seen.map(({ one }) => instanceExtra(file, one.selfMeanMs, one.requests));
    const sum = extra.reduce((all, ms) => all + ms, 0);
    if (sum > 0) for (const [i, { host }] of seen.entries()) add(host!, place.name, (place.extraMs * extra[i]!) / sum);
    // Instances not told apart: any of its hosts may be the one, and the host with most of all extra time will tell.
    else if (seen.length === 0) for (const host of file.hostsOf(place.name)) add(host, place.name, place.extraMs);
  }
  return hosts;
}

function instanceExtra(file: CaseFile, self: Float64Array, requests: Float64Array): number {
  const shift = shiftBetween(self, requests, file.range);
  return Math.max(0, shift.delta) * shift.certainty * total(requests, file.range.from, file.range.to);
}

/** CPU rises per service on a host; rises its own extra requests explain are left out. */
function risers(file: CaseFile, host: string): { metric: PlacedMetric; shift: Shift }[] {
  const found: { metric: PlacedMetric; shift: Shift }[] = [];
  for (const metric of file.metrics) {
    if (metric.host !== host || metric.family !== 'cpu') continue;
    const shift = shiftBetween(metric.series.values, null, file.range);
    if (shift.z < 4 || shift.delta < 0.3 * Math.abs(shift.baseline)) continue;
    const service = file.services.get(metric.series.service);
    const requests = service === undefined ? null : shiftBetween(service.requests, null, file.range);
    const busier = requests !== null && requests.baseline > 0 ? requests.value / requests.baseline : 1;
    if (busier > 1.3 && shift.value < 1.3 * busier * shift.baseline) continue;
    found.push({ metric, shift });
  }
  return found;
}

/** The strongest rise; series of the same name are comparable, so the most common name among the risers decides. */
function strongest(found: readonly { metric: PlacedMetric; shift: Shift }[]): { metric: PlacedMetric; shift: Shift } | null {
  let best: { metric: PlacedMetric; shift: Shift } | null = null;
  const relative = (r: { metric: PlacedMetric; shift: Shift }): number => {
    const peers = found.filter((other) => other.metric.series.metric === r.metric.series.metric);
    return r.shift.delta / peers.reduce((sum, other) => sum + other.shift.delta, 0);
  };
  for (const riser of found)
    if (best === null || relative(riser) > relative(best) || (relative(riser) === relative(best) && riser.shift.delta > best.shift.delta))
      best = riser;
  return best;
}

/** What shows that the host as a whole got busier or throttled its guests. */
function hostRise(file: CaseFile, host: string): PlacedMetric | undefined {
  return file.metrics.find((m) => {
    if (m.host !== host || (m.family !== 'host_cpu' && m.family !== 'throttled')) return false;
    const { z, value, baseline } = shiftBetween(m.series.values, null, file.range);
    return z > 4 && value > FELT_FACTOR * baseline;
  });
}

/** Enough to take something away from others: felt by the host as a whole, or far beyond what it does now and then anyway. */
function isLarge(file: CaseFile, host: string, { metric, shift }: { metric: PlacedMetric; shift: Shift }): boolean {
  if (hostRise(file, host) !== undefined) return true;
  const usualPeak = quantile(metric.series.values.subarray(file.range.baseFrom, file.range.baseTo), 0.95);
  return shift.value >= LEAST_FACTOR * shift.baseline && shift.value > usualPeak;
}

function evidenceOf(file: CaseFile, riser: PlacedMetric, shift: Shift, host: string, victims: readonly string[]): EvidenceRow[] {
  const rows: (EvidenceRow | null)[] = [metricRow(file, riser, shift.onset)];
  const whole = hostRise(file, host);
  if (whole !== undefined) rows.push(metricRow(file, whole, -1));
  for (const victim of victims.slice(0, 3)) rows.push(selfTimeRow(file, victim, null, -1));
  rows.push(requestsRow(file, riser.series.service, -1));
  return rows.filter((row) => row !== null);
}

/** For each host where extra time is born: the co-located service whose processor use rose, if any. */
export function noisyNeighbours(file: CaseFile, births: Births): Neighbour[] {
  const found: Neighbour[] = [];
  for (const [host, services] of extraByHost(file, births)) {
    const riser = strongest(risers(file, host));
    if (riser === null || !isLarge(file, host, riser)) continue;
    const name = riser.metric.series.service;
    const victims = [...services.entries()]
      .filter(([service, ms]) => service !== name && ms > 0.05 * births.timeTotal)
      .sort((a, b) => b[1] - a[1]);
    if (victims.length === 0) continue;
    const onHost = [...services.values()].reduce((sum, ms) => sum + ms, 0);
    const hostShare = births.timeTotal > 0 ? Math.min(1, onHost / births.timeTotal) : 0;
    const first = Math.min(...births.places.filter((p) => services.has(p.name) && p.onset >= 0).map((p) => p.onset));
    const isLate = riser.shift.onset > first + 3;
    const strength = (victims.length >= 2 ? 0.95 : 0.7) * (isLate ? 0.5 : 1);
    const names = victims.map(([service]) => service);
    const because = `${name} took the processor of ${host}, which it shares with ${names.join(', ')}.`;
    const rows = evidenceOf(file, riser.metric, riser.shift, host, names);
    found.push({
      kind: 'noisy_neighbour',
      strength,
      instance: riser.metric.series.instance,
      because,
      rows,
      service: name,
      host,
      onset: riser.shift.onset,
      hostShare,
      victims: names,
    });
  }
  return found;
}
