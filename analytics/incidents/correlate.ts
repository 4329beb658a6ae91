import type { Anomaly, Severity } from '#contracts/judgement.ts';
import type { Correlator, Observation } from '#contracts/observation.ts';
import { type CallGraph, callGraph } from '../topology/call-graph.ts';
import { type Draft, freeze, keyOf } from './draft.ts';
import { isSymptom, leadingSymptom, prominence, severityOf } from './symptom.ts';
import { note, tellChanges } from './tell-story.ts';
import { entry } from './timeline-entries.ts';
import { titleOf } from './title.ts';

/** Settings of the correlator; the defaults fit all inputs. */
export interface CorrelatorOptions {
  /** Quiet time after which an incident resolves. Default 180,000, never less than four buckets. */
  readonly resolveAfterMs?: number;
  /** Trouble of the same services within this time after the resolution reopens it. Default 600,000. */
  readonly reopenWithinMs?: number;
  /** Anomalies kept on an incident at most, strongest first. Default 60. */
  readonly maxAnomalies?: number;
}
/** Trouble inside the system that no user feels must last this long before it opens an incident. */
const INNER_SUSTAINED_MS = 120_000;
/** A service heard within this time is heard. */
const HEARD_MS = 60_000;
/** Silence of the telemetry is no recovery; after this long it is not waited for any more. */
const LONGEST_SILENCE_MS = 1_800_000;

/** The correlator with its own counters. */
export interface CountingCorrelator extends Correlator {
  /** Changes left out of timelines that were full. */
  readonly untoldChanges: number;
  /** Anomalies and log lines left out of timelines that were full. */
  readonly untoldLines: number;
}

/**
 * Anomalies to incidents: symptoms that hang together by calls or hosts are one incident; metrics, logs and edges
 * join an incident but never open one. The correlator writes neither `rca` nor `acknowledgedMs`: whoever stores
 * incidents keeps those, and appends the timeline entries it has not yet stored.
 */
export function createCorrelator(options: CorrelatorOptions = {}): CountingCorrelator {
  const settings = { resolveAfterMs: 180_000, reopenWithinMs: 600_000, maxAnomalies: 60, ...options };
  const drafts: Draft[] = [];
  let untoldChanges = 0;
  let untoldLines = 0;
  return {
    get untoldChanges() {
      return untoldChanges;
    },
    get untoldLines() {
      return untoldLines;
    },
    step(nowMs, anomalies, observation) {
      // Nearly always: how services hang together need not be found out.
      if (anomalies.length === 0 && drafts.length === 0) return [];
      const graph = callGraph(observation);
      const changed = new Set<Draft>();
      const entries = new Set(graph.entries);
      const moment = { nowMs, entries, reopenWithinMs: settings.reopenWithinMs, stepMs: observation.stepMs };
      for (const group of groupByComponent(anomalies, graph)) {
        const symptoms = openers(group.members, entries, nowMs);
        const draft = place(drafts, group, symptoms, moment, changed);
        if (draft !== undefined && update(draft, group.members, graph, nowMs, observation, settings.maxAnomalies)) changed.add(draft);
      }
      for (const draft of drafts) {
        if (draft.status !== 'open') continue;
        waitForSilent(draft, nowMs, observation);
        const told = tellChanges(draft, graph, nowMs, observation);
        untoldChanges += told.left;
        untoldLines += draft.untold;
        draft.untold = 0;
        if (told.isNews) changed.add(draft);
      }
      const quietMs = Math.max(settings.resolveAfterMs, 4 * observation.stepMs);
      for (const draft of drafts)
        if (draft.status === 'open' && nowMs - draft.lastSymptomMs >= quietMs && resolve(draft, nowMs)) changed.add(draft);
      forgetOld(drafts, nowMs, settings.reopenWithinMs);
      return [...changed].map(freeze);
    },
  };
}

/** Anomalies that hang together; `reach`: all that hangs together with them. */
interface Group {
  readonly reach: ReadonlySet<string>;
  readonly members: Anomaly[];
}
function groupByComponent(anomalies: readonly Anomaly[], graph: CallGraph): Group[] {
  const groups: Group[] = [];
  for (const anomaly of anomalies) {
    const home = groups.find((group) => group.reach.has(anomaly.subject.service));
    if (home !== undefined) home.members.push(anomaly);
    else groups.push({ reach: graph.component(anomaly.subject.service), members: [anomaly] });
  }
  return groups;
}

/**
 * Symptoms allowed to open an incident: at an entry at once, inside only when lasting. Missing traffic inside is what
 * callers did, and traffic at an entry must fall to under two fifths: it may halve by itself.
 */
function openers(group: readonly Anomaly[], entries: ReadonlySet<string>, nowMs: number): Anomaly[] {
  return group.filter((a) => {
    if (!isSymptom(a)) return false;
    const isEntry = entries.has(a.subject.service);
    if (a.kind === 'traffic_drop') return isEntry && a.value < 0.4 * a.baseline;
    return (isEntry && a.subject.signal !== 'red.self_ms') || nowMs - a.onsetMs >= INNER_SUSTAINED_MS;
  });
}

interface Moment {
  readonly nowMs: number;
  readonly entries: ReadonlySet<string>;
  readonly reopenWithinMs: number;
  readonly stepMs: number;
}
function place(
  drafts: Draft[],
  { members, reach }: Group,
  symptoms: readonly Anomaly[],
  { nowMs, entries, reopenWithinMs, stepMs }: Moment,
  changed: Set<Draft>,
): Draft | undefined {
  const services = new Set(members.map((a) => a.subject.service));
  const open = drafts.find((d) => d.status === 'open' && d.services.some((service) => reach.has(service)));
  if (open !== undefined) return open;
  if (symptoms.length === 0) return undefined;
  const recent = drafts.find(
    (d) => d.status === 'resolved' && nowMs - (d.resolvedMs ?? 0) <= reopenWithinMs && d.services.some((s) => services.has(s)),
  );
  if (recent !== undefined) {
    recent.status = 'open';
    recent.resolvedMs = null;
    recent.entries.push(entry(nowMs, 'reopened', recent.symptom.service, 'The trouble is back.', 'incident_reopened', {}));
    changed.add(recent);
    return recent;
  }
  const draft = open_(symptoms, entries, nowMs, stepMs);
  // Two openings at one onset and service cannot be: a later one is a reopening or has a later onset.
  drafts.push(draft);
  changed.add(draft);
  return draft;
}

function open_(symptoms: readonly Anomaly[], entries: ReadonlySet<string>, nowMs: number, stepMs: number): Draft {
  const lead = leadingSymptom(symptoms, entries);
  const onsetMs = Math.min(...symptoms.map((a) => a.onsetMs));
  const title = titleOf(lead, lead.onsetMs, stepMs);
  return {
    id: `inc-${Math.floor(onsetMs / 1000).toString(36)}-${lead.subject.service.replace(/[^\w-]+/g, '_').slice(0, 60)}`,
    title,
    status: 'open',
    severity: severityOf(symptoms, entries),
    openedMs: nowMs,
    onsetMs,
    resolvedMs: null,
    acknowledgedMs: null,
    services: [],
    symptom: { service: lead.subject.service, kind: lead.kind },
    anomalies: [],
    rca: null,
    timeline: [],
    lastSymptomMs: nowMs,
    worst: prominence(lead, entries),
    seen: new Set(),
    changes: 0,
    lines: 0,
    untold: 0,
    silentMs: 0,
    entries: [entry(nowMs, 'opened', lead.subject.service, title, 'incident_opened', { title })],
  };
}

/** Takes the anomalies into the incident; true when something a reader would notice changed. */
function update(
  draft: Draft,
  group: readonly Anomaly[],
  graph: CallGraph,
  nowMs: number,
  observation: Observation,
  maxAnomalies: number,
): boolean {
  const symptoms = group.filter(isSymptom);
  if (symptoms.length > 0) draft.lastSymptomMs = nowMs;
  let isChanged = false;
  for (const anomaly of group) isChanged = note(draft, anomaly, observation.stepMs) || isChanged;
  if (!isChanged && symptoms.length === 0) return false;
  draft.anomalies = merge(draft.anomalies, group, maxAnomalies);
  draft.services = [...new Set([...draft.services, ...group.map((a) => a.subject.service)])].sort();
  if (symptoms.length > 0) {
    draft.onsetMs = Math.min(draft.onsetMs, ...symptoms.map((a) => a.onsetMs));
    const entries = new Set(graph.entries);
    const lead = leadingSymptom(symptoms, entries);
    const severity = worse(draft.severity, severityOf(symptoms, entries));
    const title = titleOf(lead, Math.min(lead.onsetMs, draft.onsetMs), observation.stepMs);
    isChanged ||= severity !== draft.severity;
    // The title follows the figures up for ten minutes, then it stays what people talk about.
    if (nowMs - draft.openedMs <= 600_000 && title !== draft.title && prominence(lead, entries) > 1.1 * draft.worst) {
      draft.worst = prominence(lead, entries);
      draft.title = title;
      draft.symptom = { service: lead.subject.service, kind: lead.kind };
      isChanged = true;
    }
    draft.severity = severity;
  }
  return isChanged;
}

const RANK: Readonly<Record<Severity, number>> = { minor: 0, major: 1, critical: 2 };
const worse = (a: Severity, b: Severity): Severity => (RANK[b] > RANK[a] ? b : a);
/** Stops the quiet time while nothing at all is heard of the service that shows the symptom. */
function waitForSilent(draft: Draft, nowMs: number, { services, startMs, stepMs }: Observation): void {
  const to = Math.round((nowMs - startMs) / stepMs);
  const from = Math.max(0, to - Math.max(1, Math.round(HEARD_MS / stepMs)));
  const requests = services.find((s) => s.service === draft.symptom.service && s.instance === null)?.requests;
  const isHeard = requests?.subarray(from, to).some((value) => !Number.isNaN(value)) ?? false;
  draft.silentMs = isHeard ? 0 : draft.silentMs + stepMs;
  if (!isHeard && draft.silentMs <= LONGEST_SILENCE_MS) draft.lastSymptomMs = Math.min(nowMs, draft.lastSymptomMs + stepMs);
}

/** Latest figures of each subject, old ones kept, strongest first. */
function merge(old: readonly Anomaly[], fresh: readonly Anomaly[], maxAnomalies: number): Anomaly[] {
  const byKey = new Map(old.map((a) => [keyOf(a), a]));
  for (const anomaly of fresh) byKey.set(keyOf(anomaly), anomaly);
  return [...byKey.values()]
    .sort((a, b) => Number(isSymptom(b)) - Number(isSymptom(a)) || b.score - a.score || (keyOf(a) < keyOf(b) ? -1 : 1))
    .slice(0, maxAnomalies);
}

function resolve(draft: Draft, nowMs: number): boolean {
  draft.status = 'resolved';
  draft.resolvedMs = nowMs;
  draft.entries.push(entry(nowMs, 'resolved', draft.symptom.service, 'No symptom any more.', 'incident_resolved', {}));
  return true;
}

function forgetOld(drafts: Draft[], nowMs: number, reopenWithinMs: number): void {
  for (let i = drafts.length - 1; i >= 0; i--) {
    const draft = drafts[i]!;
    if (draft.status === 'resolved' && nowMs - (draft.resolvedMs ?? 0) > reopenWithinMs) drafts.splice(i, 1);
  }
}
