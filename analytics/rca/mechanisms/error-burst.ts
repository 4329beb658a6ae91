import type { FacetObservation } from '#contracts/observation.ts';
import { binomialUpperTail, ratioUpperBound } from '../../stats/binomial.ts';
import type { CaseFile } from '../case-file.ts';
import { facetRow } from '../evidence-rows.ts';
import type { Mechanism } from './mechanism.ts';

/** Keys that name who asks or for what, as opposed to which code or machine answers. */
const WHO =
  /tenant|customer|client|user|account|org|company|region|merchant|shop|store|country|plan|tier|segment|partner|device|platform|browser|locale|language|currency|channel|campaign|session|app|product|sku|category/i;
const CODE_OR_MACHINE =
  /version|host|instance|pod|node|container|process|telemetry|sdk|route|method|status|code|scheme|server|url|peer|network|thread|rpc|db\.|messaging|span|scope|user_agent|error|exception|result|outcome|fail/i;

/** One attribute value whose requests fail while others' do not. */
export interface Concentration {
  readonly facet: FacetObservation;
  /** Part of all extra errors that have this value. */
  readonly share: number;
  /** Share of the errors over share of the requests. */
  readonly lift: number;
}

/** The value fails three times as often as before, and not by chance. */
function isOutOfLine({ windowErrors, windowRequests, baselineErrors, baselineRequests }: FacetObservation): boolean {
  const before = baselineErrors / Math.max(baselineRequests, 1);
  const bound = ratioUpperBound(baselineErrors, baselineRequests + 20);
  if (windowErrors / Math.max(windowRequests, 1) < Math.max(0.02, 3 * before)) return false;
  return binomialUpperTail(Math.min(windowErrors, windowRequests), windowRequests, bound) < 1e-4;
}

/** The value that holds most of a service's extra errors, or null when no value stands out. */
export function concentrationOf(facets: readonly FacetObservation[]): Concentration | null {
  const byKey = new Map<string, FacetObservation[]>();
  for (const facet of facets) byKey.set(facet.key, [...(byKey.get(facet.key) ?? []), facet]);
  let best: Concentration | null = null;
  for (const values of byKey.values()) {
    const excess = (f: FacetObservation): number =>
      Math.max(0, f.windowErrors - (f.baselineRequests > 0 ? f.baselineErrors / f.baselineRequests : 0) * f.windowRequests);
    const allExcess = values.reduce((sum, f) => sum + excess(f), 0);
    const allRequests = values.reduce((sum, f) => sum + f.windowRequests, 0);
    if (values.length < 2 || allExcess < 4) continue;
    for (const facet of values) {
      const share = excess(facet) / allExcess;
      const lift = share / Math.max(facet.windowRequests / Math.max(allRequests, 1), 1e-9);
      if (
        share >= 0.6 &&
        lift >= 1.8 &&
        isOutOfLine(facet) &&
        share * Math.min(lift, 4) > (best === null ? 0 : best.share * Math.min(best.lift, 4))
      )
        best = { facet, share, lift };
    }
  }
  return best;
}

/** Errors of one tenant, customer, region...: seen in the place's own facets, else in those of what calls it. */
export function errorBurst(file: CaseFile, service: string): Mechanism | null {
  const suspects = file.observation.facets.filter((f) => WHO.test(f.key) && !CODE_OR_MACHINE.test(f.key));
  let found = concentrationOf(suspects.filter((f) => f.service === service));
  if (found === null) {
    for (const upstream of [...file.services.keys()].sort()) {
      if (upstream === service || !file.graph.reach(upstream).has(service)) continue;
      const seen = concentrationOf(suspects.filter((f) => f.service === upstream));
      if (seen !== null && seen.share > (found?.share ?? 0)) found = seen;
    }
  }
  if (found === null) return null;
  const { facet, share, lift } = found;
  const strength = Math.min(0.98, 0.6 + 0.25 * Math.min(1, (share - 0.6) / 0.3) + 0.13 * Math.min(1, (lift - 1.8) / 2));
  const because = `${service}'s errors are concentrated in ${facet.key} = ${facet.value}.`;
  return { kind: 'error_burst', strength, instance: null, because, rows: [facetRow(file, facet, share)] };
}
