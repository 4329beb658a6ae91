import { FaultlineError } from '#contracts/errors.ts';
import type { Incident, RcaResult, TimelineEntry } from '#contracts/judgement.ts';
import type { Store } from '#contracts/store.ts';

const MAX_INCIDENTS = 2_000;
const sameEntry = (a: TimelineEntry, b: TimelineEntry): boolean => a.atMs === b.atMs && a.kind === b.kind && a.says === b.says;

const newsOf = (kept: readonly TimelineEntry[], fresh: readonly TimelineEntry[]): TimelineEntry[] =>
  fresh.filter((entry) => !kept.some((known) => sameEntry(known, entry)));
/** Timelines only grow: what was said stays, news is added in time order. */
function joinTimelines(kept: readonly TimelineEntry[], fresh: readonly TimelineEntry[]): TimelineEntry[] {
  return [...kept, ...newsOf(kept, fresh)].sort((a, b) => a.atMs - b.atMs);
}
const closedByOperator = (incident: Incident): boolean =>
  incident.status === 'resolved' && incident.timeline.some((e) => e.kind === 'resolved' && e.params['by'] === 'operator');

/** All incidents, in memory and in the store; the one place that changes them. */
export class IncidentBook {
  private readonly store: Pick<Store, 'saveIncident' | 'incidents'>;
  private readonly nowMs: () => number;
  private readonly log: (line: string) => void;
  private readonly byId = new Map<string, Incident>();
  private readonly listeners = new Set<(incident: Incident) => void>();

  constructor(options: { store: Pick<Store, 'saveIncident' | 'incidents'>; nowMs: () => number; log: (line: string) => void }) {
    this.store = options.store;
    this.nowMs = options.nowMs;
    this.log = options.log;
  }
  async load(): Promise<void> {
    for (const incident of await this.store.incidents(MAX_INCIDENTS)) this.byId.set(incident.id, incident);
  }
  /** Newest first. */
  list(limit = MAX_INCIDENTS): Incident[] {
    return [...this.byId.values()].sort((a, b) => b.openedMs - a.openedMs).slice(0, limit);
  }
  open(): Incident[] {
    return this.list().filter((incident) => incident.status === 'open');
  }
  get(id: string): Incident {
    const incident = this.byId.get(id);
    if (!incident) throw new FaultlineError('not_found', `There is no incident "${id}".`);
    return incident;
  }
  has(id: string): boolean {
    return this.byId.has(id);
  }
  onChange(listener: (incident: Incident) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  /** What the correlator says, joined with what people and the ranker added. Returns the incident as it now stands. */
  async take(fresh: Incident): Promise<Incident> {
    const kept = this.byId.get(fresh.id);
    if (kept && closedByOperator(kept) && fresh.status === 'open') return this.tellLateChanges(kept, fresh);
    const joined: Incident = kept
      ? {
          ...fresh,
          acknowledgedMs: kept.acknowledgedMs ?? fresh.acknowledgedMs,
          rca: fresh.rca ?? kept.rca,
          openedMs: Math.min(kept.openedMs, fresh.openedMs),
          timeline: joinTimelines(kept.timeline, fresh.timeline),
        }
      : fresh;
    return this.put(joined);
  }
  /** A new ranking. A change of the leading cause is news for the timeline. */
  async rank(id: string, rca: RcaResult, atMs: number): Promise<Incident> {
    const incident = this.get(id);
    const [before, now] = [incident.rca?.candidates[0], rca.candidates[0]];
    const same = before && now && before.service === now.service && before.kind === now.kind && incident.rca?.verdict === rca.verdict;
    if (!now || same || rca.verdict === 'inconclusive') return this.put({ ...incident, rca });
    const params = { service: now.service, kind: now.kind, verdict: rca.verdict, score: Math.round(now.score * 100) / 100 };
    const entry: TimelineEntry = { atMs, kind: 'cause', service: now.service, says: now.because, messageKey: 'timeline_cause', params };
    return this.put({ ...incident, rca, timeline: joinTimelines(incident.timeline, [entry]) });
  }
  acknowledge(id: string): Promise<Incident> {
    const incident = this.get(id);
    if (incident.acknowledgedMs !== null) return Promise.resolve(incident);
    const entry = this.entry('acknowledged', 'Acknowledged by the operator.', 'timeline_acknowledged');
    return this.put({ ...incident, acknowledgedMs: entry.atMs, timeline: joinTimelines(incident.timeline, [entry]) });
  }
  resolve(id: string): Promise<Incident> {
    const incident = this.get(id);
    if (incident.status === 'resolved') return Promise.resolve(incident);
    const entry = this.entry('resolved', 'Resolved by the operator.', 'timeline_resolved_operator', { by: 'operator' });
    return this.put({ ...incident, status: 'resolved', resolvedMs: entry.atMs, timeline: joinTimelines(incident.timeline, [entry]) });
  }
  note(id: string, text: string): Promise<Incident> {
    const incident = this.get(id);
    return this.put({ ...incident, timeline: joinTimelines(incident.timeline, [this.entry('note', text, 'timeline_note', { text })]) });
  }
  /** Incidents of an earlier run that nothing speaks for any more. */
  async close(id: string, atMs: number): Promise<void> {
    const incident = this.get(id);
    const entry: TimelineEntry = {
      atMs,
      kind: 'resolved',
      service: null,
      says: 'Resolved: the symptoms are gone.',
      messageKey: 'timeline_resolved',
      params: {},
    };
    await this.put({ ...incident, status: 'resolved', resolvedMs: atMs, timeline: joinTimelines(incident.timeline, [entry]) });
  }
  /** An incident the operator closed stays as it is, but a change before its end that became known later belongs to its story. */
  private async tellLateChanges(kept: Incident, fresh: Incident): Promise<Incident> {
    const endMs = kept.resolvedMs ?? Number.POSITIVE_INFINITY;
    const late = newsOf(kept.timeline, fresh.timeline).filter(({ kind, atMs }) => kind === 'change' && atMs <= endMs);
    return late.length === 0 ? kept : this.put({ ...kept, timeline: joinTimelines(kept.timeline, late) });
  }
  private entry(kind: TimelineEntry['kind'], says: string, messageKey: string, params: TimelineEntry['params'] = {}): TimelineEntry {
    return { atMs: this.nowMs(), kind, service: null, says, messageKey, params };
  }
  private async put(incident: Incident): Promise<Incident> {
    this.byId.set(incident.id, incident);
    // A store that cannot write now must not hide the incident from those who look.
    await this.store
      .saveIncident(incident)
      .catch((error: unknown) => this.log(`cannot save incident ${incident.id}: ${error instanceof Error ? error.message : error}`));
    for (const listener of this.listeners) listener(incident);
    return incident;
  }
}
