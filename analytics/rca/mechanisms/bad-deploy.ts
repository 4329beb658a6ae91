import type { Change } from '#contracts/judgement.ts';
import type { CaseFile } from '../case-file.ts';
import { changeRow, type EvidenceRow, instanceRow } from '../evidence-rows.ts';
import { beforeText } from '../figures.ts';
import { compareFresh, type FreshComparison } from './fresh-instances.ts';
import type { Mechanism } from './mechanism.ts';

/** A change older than this before the onset is no suspect. */
const LONGEST_LEAD_MS = 1_200_000;
/** Instances replaced within this time of each other are one roll-out. */
const ROLLOUT_MS = 300_000;

/** 1 for a change up to a minute before the onset, 0.85 at five minutes, 0.4 at the longest lead; 0 outside. */
function closeness(leadMs: number, slackMs: number): number {
  if (leadMs < -slackMs || leadMs > LONGEST_LEAD_MS) return 0;
  if (leadMs <= 60_000) return 1;
  if (leadMs <= 300_000) return 1 - (0.15 * (leadMs - 60_000)) / 240_000;
  return 0.85 - (0.45 * (leadMs - 300_000)) / (LONGEST_LEAD_MS - 300_000);
}

interface Suspect {
  readonly change: Change;
  readonly fit: number;
}
function closest(file: CaseFile, onsetMs: number, isSuspect: (change: Change) => boolean): Suspect | null {
  const slackMs = 2 * file.observation.stepMs + 15_000;
  let best: Suspect | null = null;
  for (const change of file.changes) {
    if (!isSuspect(change)) continue;
    const fit = closeness(onsetMs - change.atMs, slackMs);
    if (fit > (best?.fit ?? 0)) best = { change, fit };
  }
  return best;
}

/** A deploy (or config, flag) change of the place shortly before the trouble was born there. */
export function badDeploy(file: CaseFile, service: string, onset: number): Mechanism | null {
  const onsetMs = file.startMsOf(onset < 0 ? file.range.from : onset);
  const isNamed = ({ service: owner, kind, from, to }: Change): boolean =>
    owner === service && kind !== 'restart' && kind !== 'scale' && from !== to;
  const named = closest(file, onsetMs, isNamed);
  const deployed = named && newVersion(file, named, onsetMs);
  const replaced = sameVersion(file, service, onsetMs);
  return (replaced?.strength ?? 0) > (deployed?.strength ?? 0) ? replaced : deployed;
}

function newVersion(file: CaseFile, { change, fit }: Suspect, onsetMs: number): Mechanism {
  const isFresh = (p: { version: string | null; lastSeenMs: number }): boolean => p.version === change.to && p.lastSeenMs > change.atMs;
  const beside = change.kind === 'deploy' ? compareFresh(file, change.service, isFresh) : null;
  const isWorse = beside?.finding === 'worse' && beside.isSideBySide;
  // Side by side, the new version convicts itself however long ago it came.
  const base = 0.93 * (isWorse ? Math.max(fit, 0.95) : fit);
  const strength = base * (beside?.finding === 'same' ? 0.5 : 1) + (isWorse ? 0.05 : 0);
  const step = `${beforeText(change.from)} → ${change.to}`;
  const what = change.kind === 'deploy' ? `was deployed (${step})` : `changed (${change.kind}: ${step})`;
  const because = `${change.service} ${what} just before the trouble was born in it.`;
  return mechanismOf(file, change, onsetMs, strength, because, beside);
}

/** Instances replaced with no new version to show for it (a rebuilt image, another configuration), and worse since. */
function sameVersion(file: CaseFile, service: string, onsetMs: number): Mechanism | null {
  const { placements } = file.observation;
  const arrived = (change: Change): boolean =>
    placements.some((p) => p.service === service && p.instance === change.instance && Math.abs(p.firstSeenMs - change.atMs) < 1000);
  const isReplaced = (change: Change): boolean => change.service === service && change.kind === 'restart' && arrived(change);
  const found = closest(file, onsetMs, isReplaced);
  if (found === null) return null;
  const fromMs = Math.min(
    ...file.changes.filter((c) => isReplaced(c) && Math.abs(c.atMs - found.change.atMs) <= ROLLOUT_MS).map((c) => c.atMs),
  );
  const beside = compareFresh(file, service, (p) => p.firstSeenMs >= fromMs);
  if (beside.finding !== 'worse') return null;
  const isRollout = beside.fresh.length > 1 || !beside.isPartial;
  const strength = found.fit * (beside.isSideBySide ? (isRollout ? 0.85 : 0.6) : 0.5);
  const because = `New instances of ${service} are worse than those they replaced, with no new version to show for it: a rebuilt image or another configuration.`;
  return mechanismOf(file, found.change, onsetMs, strength, because, beside);
}

function mechanismOf(
  file: CaseFile,
  change: Change,
  onsetMs: number,
  strength: number,
  because: string,
  beside: FreshComparison | null,
): Mechanism {
  const isSeen = beside?.finding === 'worse';
  const only = isSeen && beside.isPartial && beside.fresh.length === 1 ? beside.fresh[0]! : null;
  const rows: (EvidenceRow | null)[] = [changeRow(file, change, onsetMs)];
  if (isSeen) rows.push(instanceRow(file, change.service, beside.fresh));
  return { kind: 'bad_deploy', strength, instance: only, because, rows: rows.filter((row) => row !== null) };
}
