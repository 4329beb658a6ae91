import type { Incident, TimelineEntry } from '#contracts/judgement.ts';

/** Deviations shown before the rest is folded away. */
const SHOWN_ANOMALIES = 6;
/** Older deviations led to nothing: noise that correlation took along. */
const BEFORE_ONSET_MS = 120_000;

/** Evidence tells times to the second, the grid rounds them. */
const SAME_CHANGE_MS = 2_000;
/** The time of a change is that of its first sign; one that comes in late (a long span) moves it back by so much at most. */
const MOVED_MS = 120_000;

/** A change as the timeline, the evidence and the list of changes tell it. */
export interface ToldChange {
  readonly atMs: number;
  readonly service: string | null;
  /** Ends in "_change_" and the kind. */
  readonly messageKey: string;
  readonly params: TimelineEntry['params'];
}
/** The same change told twice: at the same time, or the same step of the same kind whose time is known better by now. */
export function isSameChange(a: ToldChange, b: ToldChange): boolean {
  const apartMs = Math.abs(a.atMs - b.atMs);
  if (a.service !== b.service || !(apartMs < MOVED_MS)) return false;
  if (apartMs < SAME_CHANGE_MS) return true;
  const step = ({ messageKey, params }: ToldChange): string =>
    JSON.stringify([messageKey.replace(/^.*_change_/, ''), params['from'] ?? null, params['to'] ?? null]);
  // A switch has its time from the event itself; flipped there and back within minutes, both are news.
  return step(a) === step(b) && !/_change_(?:config|flag)$/.test(a.messageKey);
}

/** Everything known, oldest first; changes that serve as evidence stand among it at their time, each change once. */
export function timelineOf(incident: Pick<Incident, 'timeline' | 'rca'>): TimelineEntry[] {
  const seen = new Set(incident.timeline.map((entry) => entry.says));
  const isTold = (change: ToldChange): boolean => incident.timeline.some((entry) => entry.kind === 'change' && isSameChange(entry, change));
  const changes: TimelineEntry[] = [];
  for (const candidate of incident.rca?.candidates ?? []) {
    for (const evidence of candidate.evidence) {
      const atMs = evidence.onset === null ? Number.NaN : Date.parse(evidence.onset);
      if (evidence.signal !== 'change' || !Number.isFinite(atMs) || seen.has(evidence.says)) continue;
      seen.add(evidence.says);
      const { says, messageKey, params } = evidence;
      if (isTold({ atMs, service: String(params['service'] ?? candidate.service), messageKey, params })) continue;
      changes.push({ atMs, kind: 'change', service: candidate.service, says, messageKey, params });
    }
  }
  return [...incident.timeline, ...changes].sort((a, b) => a.atMs - b.atMs);
}
/** What tells the story: all but the many deviations, of which the first few from the onset on stay. */
export function tellingEntries(entries: readonly TimelineEntry[], onsetMs: number): TimelineEntry[] {
  let anomalies = 0;
  return entries.filter((entry) => entry.kind !== 'anomaly' || (entry.atMs >= onsetMs - BEFORE_ONSET_MS && ++anomalies <= SHOWN_ANOMALIES));
}
