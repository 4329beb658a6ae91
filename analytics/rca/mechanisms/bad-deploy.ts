import type { Change } from '#contracts/judgement.ts';
import type { CaseFile } from '../case-file.ts';
import { changeRow } from '../evidence-rows.ts';
import { shiftBetween } from '../shift.ts';
import type { Mechanism } from './mechanism.ts';

/** A change older than this before the onset is no suspect. */
const LONGEST_LEAD_MS = 1_200_000;

/** 1 for a change within five minutes before the onset, falling to 0.4 at the longest lead; 0 outside. */
function closeness(leadMs: number, slackMs: number): number {
  if (leadMs < -slackMs || leadMs > LONGEST_LEAD_MS) return 0;
  return leadMs <= 300_000 ? 1 : 1 - (0.6 * (leadMs - 300_000)) / (LONGEST_LEAD_MS - 300_000);
}

/** Instances on the new version against those still on the old one: 1 clearly worse, 0 no worse, null not comparable. */
function canary(file: CaseFile, change: Change): number | null {
  const placements = file.observation.placements.filter((p) => p.service === change.service && p.lastSeenMs > change.atMs);
  const isFresh = (instance: string | null): boolean => placements.some((p) => p.instance === instance && p.version === change.to);
  const isStale = (instance: string | null): boolean =>
    placements.some((p) => p.instance === instance && p.version !== null && p.version !== change.to);
  let fresh = 0;
  let stale = 0;
  let freshCount = 0;
  let staleCount = 0;
  for (const one of file.instances.get(change.service) ?? []) {
    const shift = shiftBetween(one.selfMeanMs, one.requests, file.range);
    const errors = one.ownErrors.map((value, i) => (one.requests[i]! > 0 ? value / one.requests[i]! : Number.NaN));
    const worse = shift.certainty + (shiftBetween(errors, one.requests, file.range).delta > 0.02 ? 1 : 0);
    if (isStale(one.instance) && !isFresh(one.instance)) {
      stale += worse;
      staleCount++;
    } else if (isFresh(one.instance)) {
      fresh += worse;
      freshCount++;
    }
  }
  if (staleCount === 0 || freshCount === 0) return null;
  return fresh / freshCount > stale / staleCount + 0.3 ? 1 : 0;
}

/** A deploy (or config, flag) change of the place shortly before the trouble was born there. */
export function badDeploy(file: CaseFile, service: string, onset: number): Mechanism | null {
  const onsetMs = file.startMsOf(onset < 0 ? file.range.from : onset);
  const slackMs = 2 * file.observation.stepMs + 15_000;
  let best: { change: Change; fit: number } | null = null;
  for (const change of file.changes) {
    if (change.service !== service || change.kind === 'restart' || change.kind === 'scale' || change.from === change.to) continue;
    const fit = closeness(onsetMs - change.atMs, slackMs);
    if (fit > (best?.fit ?? 0)) best = { change, fit };
  }
  if (best === null) return null;
  const comparison = canary(file, best.change);
  const strength = 0.93 * best.fit * (comparison === 0 ? 0.5 : 1) + (comparison === 1 ? 0.05 : 0);
  const { change } = best;
  const what =
    change.kind === 'deploy' ? `was deployed (${change.from} → ${change.to})` : `changed (${change.kind}: ${change.from} → ${change.to})`;
  return {
    kind: 'bad_deploy',
    strength,
    instance: null,
    because: `${service} ${what} just before the trouble was born in it.`,
    rows: [changeRow(file, change, onsetMs)],
  };
}
