import type { Anomaly, Change, TimelineEntry } from '#contracts/judgement.ts';
import { beforeText, rateText } from '../rca/figures.ts';
import { figuresOf } from './title.ts';

/** Changes this long before the first symptom belong to the incident's story. */
const LEAD_MS = 600_000;

const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  'red.error_ratio': 'errors',
  'red.p95_ms': 'p95',
  'red.self_ms': 'own time',
  'red.requests': 'traffic',
};
const PATTERN = 'pattern=';
/** Longest part of a log line told. */
const PATTERN_CHARS = 100;

/**
 * An anomaly as a line of the timeline; null for what does not tell the story by itself: single instances, calls and
 * metric series (all of them stay in `Incident.anomalies`). Text is English, `params` let the screen say it otherwise.
 */
export function anomalyEntry(anomaly: Anomaly, stepMs: number): TimelineEntry | null {
  const { service, peer, instance, signal, labels } = anomaly.subject;
  if (peer !== undefined || instance !== undefined) return null;
  if (signal === 'log') return logEntry(anomaly, service, labels, stepMs);
  const word = SIGNAL_WORDS[signal];
  if (word === undefined) return null;
  const { from, to } = figuresOf(anomaly, stepMs);
  const params = { place: service, signal: word, from, to };
  return entry(anomaly.onsetMs, 'anomaly', service, `${service}: ${word} ${from} → ${to}`, `anomaly_${anomaly.kind}`, params);
}

function logEntry(anomaly: Anomaly, service: string, labels: string, stepMs: number): TimelineEntry {
  const pattern = (labels.startsWith(PATTERN) ? labels.slice(PATTERN.length) : labels).slice(0, PATTERN_CHARS);
  const perSecond = (count: number): string => rateText((count * 1000) / stepMs);
  const isNew = anomaly.kind === 'log_new_pattern';
  // A new pattern's value is lines so far, not lines per bucket.
  const figures = isNew ? { from: '0', to: `${anomaly.value}` } : { from: perSecond(anomaly.baseline), to: perSecond(anomaly.value) };
  const says = isNew ? `${service}: new log line "${pattern}"` : `${service}: log "${pattern}" ${figures.from} → ${figures.to}`;
  const params = { place: service, signal: `"${pattern}"`, ...figures };
  return entry(anomaly.onsetMs, 'log', service, says, `anomaly_${anomaly.kind}`, params);
}

/** A change told as what it was: `timeline_change_<kind>` with service, instance, from, to. */
export function changeEntry(change: Change): TimelineEntry {
  const { service, kind, from, to, instance } = change;
  const params = { service, instance: instance ?? '', from: beforeText(from), to };
  return entry(change.atMs, 'change', service, `${service}: ${changeText(change)}`, `timeline_change_${kind}`, params);
}

function changeText({ kind, from, to, instance }: Change): string {
  if (kind === 'deploy') return `deployed ${beforeText(from)} → ${to}`;
  if (kind === 'config' || kind === 'flag') return `${kind} ${beforeText(from)} → ${to}`;
  if (kind === 'scale') return `new instance ${instance ?? to}`;
  // A process that restarts in place has times, not instances, as from and to.
  return instance === to && from !== '' ? `instance ${from} replaced by ${to}` : `${instance ?? 'a process'} restarted`;
}

/** Changes from ten minutes before the onset to `nowMs`, of the services given, in time order. */
export function changesAround(changes: readonly Change[], services: ReadonlySet<string>, onsetMs: number, nowMs: number): Change[] {
  return changes
    .filter((change) => services.has(change.service) && change.atMs >= onsetMs - LEAD_MS && change.atMs <= nowMs)
    .sort((a, b) => a.atMs - b.atMs);
}

/** The same change seen again, even when its time is known better by now; a switch may be flipped more than once. */
export function changeKey({ atMs, kind, service, instance, from, to }: Change): string {
  const once = kind === 'config' || kind === 'flag' ? atMs : '';
  return [kind, service, instance ?? '', from, to, once].join('|');
}

/** One line of a timeline. */
export const entry = (
  atMs: number,
  kind: TimelineEntry['kind'],
  service: string | null,
  says: string,
  messageKey: string,
  params: Readonly<Record<string, string | number>>,
): TimelineEntry => ({ atMs, kind, service, says, messageKey, params });
