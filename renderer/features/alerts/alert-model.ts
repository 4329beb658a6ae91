import type { AlertStateName, RuleAlert } from '#contracts/alert-rules.ts';
import { type ExactFilter, withFilter } from '#contracts/exact-filter.ts';
import type { Incident } from '#contracts/judgement.ts';

export type Labels = Readonly<Record<string, string>>;
/** name=value of each. */
export const labelsText = (labels: Labels, between = '  '): string =>
  Object.entries(labels)
    .map((each) => each.join('='))
    .join(between);
/** Without some of them. */
export const labelsWithout = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
/** Of the alert's own label: colours say nothing else on this page. */
export type Tone = 'critical' | 'major' | 'minor' | 'plain';
const TONES: Readonly<Record<Exclude<Tone, 'plain'>, readonly string[]>> = {
  critical: ['critical', 'crit', 'page', 'fatal', 'emergency', 'disaster', 'error', 'high', 'p1', 'sev1', '1'],
  major: ['warning', 'warn', 'major', 'medium', 'ticket', 'p2', 'sev2', '2'],
  minor: ['minor', 'info', 'information', 'low', 'notice', 'p3', 'p4', 'sev3', '3'],
};
export const severityOf = (labels: Labels): string => labels['severity'] ?? labels['priority'] ?? labels['level'] ?? '';
export function toneOf(labels: Labels): Tone {
  const severity = severityOf(labels).toLowerCase();
  return (['critical', 'major', 'minor'] as const).find((tone) => TONES[tone].includes(severity)) ?? 'plain';
}
const WORST: Readonly<Record<Tone, number>> = { critical: 0, major: 1, minor: 2, plain: 3 };
const STATE_ORDER: Readonly<Record<AlertStateName, number>> = { firing: 0, pending: 1, resolved: 2 };

/** Service an alert is about, as traces and logs name it; '' when no label says. */
export function serviceOf(labels: Labels): string {
  const named = labels['service_name'] ?? labels['service'] ?? labels['app'];
  // OpenTelemetry's job is namespace/name.
  return named ?? labels['job']?.split('/').at(-1) ?? '';
}
export const nameOf = ({ labels }: Pick<RuleAlert, 'labels'>): string => labels['alertname'] ?? '';
/** Two rules may make alerts of the same labels: each is one. */
export const idOf = ({ fingerprint, rule }: Pick<RuleAlert, 'fingerprint' | 'rule'>): string => `${fingerprint}-${rule?.id ?? ''}`;
/** Since when it is what it is. */
export const sinceMs = ({ resolvedAtMs, firedAtMs, activeAtMs }: RuleAlert): number => resolvedAtMs ?? firedAtMs ?? activeAtMs;
/** Of `for`, 0 to 1; null: it does not wait. */
export const waited = ({ state, activeAtMs, rule }: RuleAlert, nowMs: number): number | null =>
  state !== 'pending' || rule === null || rule.forMs === 0 ? null : Math.min(1, Math.max(0, (nowMs - activeAtMs) / rule.forMs));

/** Labels of the query's series are the alert's, but for those the rule sets anew. */
export const isSeriesOf = (metric: Labels, { labels, rule }: Pick<RuleAlert, 'labels' | 'rule'>): boolean =>
  Object.entries(metric).every(([name, value]) => name === '__name__' || (rule !== null && name in rule.labels) || labels[name] === value);

export interface Shown {
  readonly text: string;
  readonly filters: readonly ExactFilter[];
}
const isIn = (alert: RuleAlert, text: string): boolean =>
  [...Object.entries(alert.labels).map((each) => each.join('=')), ...Object.values(alert.annotations)].some((each) =>
    each.toLowerCase().includes(text),
  );
/** Words must all occur; filters must all hold. */
export function filterAlerts(alerts: readonly RuleAlert[], { text, filters }: Shown): RuleAlert[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return alerts.filter(
    (alert) =>
      filters.every(({ key, value, exclude }) => ((alert.labels[key] ?? '') === value) !== exclude) &&
      words.every((word) => isIn(alert, word)),
  );
}
export const withLabel = (filters: readonly ExactFilter[], key: string, value: string, exclude = false): ExactFilter[] =>
  withFilter(filters, { scope: 'attribute', key, value, exclude });

export const GROUPINGS = ['route', 'alertname', 'severity', 'service', 'none'] as const;
export type Grouping = (typeof GROUPINGS)[number];
export interface AlertGroupView {
  readonly key: string;
  /** What it is grouped by. */
  readonly labels: Labels;
  /** What else its alerts have in common, when there are several: said once. */
  readonly shared: Labels;
  readonly receiver: string;
  readonly alerts: readonly RuleAlert[];
  readonly tone: Tone;
}
const byWeight = (a: RuleAlert, b: RuleAlert): number =>
  STATE_ORDER[a.state] - STATE_ORDER[b.state] || WORST[toneOf(a.labels)] - WORST[toneOf(b.labels)] || sinceMs(b) - sinceMs(a);
/** Tone of those that are not over; a group of resolved ones has none. */
export function worstTone(alerts: readonly RuleAlert[]): Tone {
  const tones = alerts.filter(({ state }) => state !== 'resolved').map(({ labels }) => toneOf(labels));
  return tones.sort((a, b) => WORST[a] - WORST[b])[0] ?? 'plain';
}
const groupLabels = ({ labels }: RuleAlert, by: Exclude<Grouping, 'route'>): Labels => {
  if (by === 'none') return {};
  if (by === 'alertname') return { alertname: labels['alertname'] ?? '' };
  const value = by === 'severity' ? severityOf(labels) : serviceOf(labels);
  return { [by]: value };
};
/** Nothing is merged: a group lists each of its alerts. The worst group first, then the one that moved last. */
export function groupAlerts(alerts: readonly RuleAlert[], by: Exclude<Grouping, 'route'>): AlertGroupView[] {
  const groups = new Map<string, { labels: Labels; alerts: RuleAlert[] }>();
  for (const alert of alerts) {
    const labels = groupLabels(alert, by);
    const key = JSON.stringify(labels);
    const group = groups.get(key) ?? { labels, alerts: [] };
    groups.set(key, group);
    group.alerts.push(alert);
  }
  return sortGroups([...groups].map(([key, group]) => groupView(key, group.labels, '', group.alerts)));
}
function sharedOf([first, ...others]: readonly RuleAlert[], labels: Labels): Labels {
  if (!first || others.length === 0) return {};
  const same = Object.entries(first.labels).filter(
    ([name, value]) => !(name in labels) && others.every((each) => each.labels[name] === value),
  );
  return Object.fromEntries(same);
}
export const groupView = (key: string, labels: Labels, receiver: string, alerts: readonly RuleAlert[]): AlertGroupView => ({
  ...{ key, labels, receiver },
  shared: sharedOf(alerts, labels),
  alerts: alerts.toSorted(byWeight),
  tone: worstTone(alerts),
});
export const sortGroups = (groups: readonly AlertGroupView[]): AlertGroupView[] =>
  groups.toSorted((a, b) => byWeight(a.alerts[0] as RuleAlert, b.alerts[0] as RuleAlert));

/** What a silence for a whole group asks for; `service` and `severity` may be no label of its alerts, only what was read from them. */
export function commonOf({ labels, shared, alerts }: Pick<AlertGroupView, 'labels' | 'shared' | 'alerts'>): Labels {
  const own = Object.entries(labels).filter(([name, value]) => alerts.every((alert) => (alert.labels[name] ?? '') === value));
  const common = { ...Object.fromEntries(own), ...shared };
  return Object.keys(common).length === 0 && alerts.length === 1 ? (alerts[0] as RuleAlert).labels : common;
}

/** A group of GET /api/v2/alerts/groups. */
export interface SentGroup {
  readonly receiver: { readonly name: string };
  readonly labels: Labels;
  readonly alerts: readonly { readonly fingerprint: string; readonly status: SentStatus }[];
}
/** What holds an alert back now. */
export interface SentStatus {
  readonly state: 'active' | 'suppressed' | 'unprocessed';
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  readonly mutedBy: readonly string[];
}
/** As the routes group them: an alert that goes two ways stands in both. What no route has (pending, resolved) is grouped by its name. */
export function groupByRoute(alerts: readonly RuleAlert[], groups: readonly SentGroup[]): AlertGroupView[] {
  const byPrint = new Map<string, RuleAlert[]>();
  for (const alert of alerts) byPrint.set(alert.fingerprint, [...(byPrint.get(alert.fingerprint) ?? []), alert]);
  const placed = new Set<RuleAlert>();
  const views = groups.flatMap(({ receiver, labels, alerts: members }) => {
    const own = members.flatMap(({ fingerprint }) => byPrint.get(fingerprint) ?? []).filter(({ state }) => state === 'firing');
    for (const alert of own) placed.add(alert);
    return own.length === 0 ? [] : [groupView(JSON.stringify([receiver.name, labels]), labels, receiver.name, own)];
  });
  const others = groupAlerts(
    alerts.filter((alert) => !placed.has(alert)),
    'alertname',
  );
  return sortGroups([...views, ...others]);
}
export const statusesOf = (groups: readonly SentGroup[]): ReadonlyMap<string, SentStatus> =>
  new Map(groups.flatMap(({ alerts }) => alerts.map(({ fingerprint, status }) => [fingerprint, status])));

export type Row =
  | { readonly kind: 'group'; readonly group: AlertGroupView; readonly folded: boolean }
  | { readonly kind: 'alert'; readonly group: AlertGroupView; readonly alert: RuleAlert };
/** Groups and their alerts below each other; a folded group hides its own. */
export const rowsOf = (groups: readonly AlertGroupView[], folded: readonly string[]): Row[] =>
  groups.flatMap((group): Row[] => [
    { kind: 'group', group, folded: folded.includes(group.key) },
    ...(folded.includes(group.key) ? [] : group.alerts.map((alert): Row => ({ kind: 'alert', group, alert }))),
  ]);

/** Labels worth a chip in the list: what the group or the row says already is left out. */
const SAID = ['alertname', 'severity', 'priority', 'level'];
export const chipsOf = ({ labels, rule }: RuleAlert, group: Labels): [string, string][] => {
  const own = Object.entries(labels).filter(([name]) => !SAID.includes(name) && !(name in group));
  const isFixed = (name: string): boolean => rule !== null && name in rule.labels;
  // What tells alerts of a rule apart first, what the rule gives all of them last.
  return own.sort(([a], [b]) => Number(isFixed(a)) - Number(isFixed(b)) || (a < b ? -1 : 1));
};
/** Sentence of an alert, where a rule has one. */
export const summaryOf = ({ annotations }: Pick<RuleAlert, 'annotations'>): string =>
  annotations['summary'] ?? annotations['message'] ?? annotations['description'] ?? '';

/** Pieces of an annotation; only addresses of http and https become links. */
export function textParts(text: string): { text: string; href: string | null }[] {
  return text
    .split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}])/)
    .filter((part) => part !== '')
    .map((part) => ({ text: part, href: safeHref(part) }));
}
function safeHref(text: string): string | null {
  if (!/^https?:\/\//i.test(text)) return null;
  const parsed = URL.parse(text);
  return parsed !== null && ['http:', 'https:'].includes(parsed.protocol) ? parsed.href : null;
}

const BESIDE_MS = 10 * 60_000;
type IncidentPart = Pick<Incident, 'id' | 'services' | 'onsetMs' | 'resolvedMs'>;
/** Incidents that lasted while the alert did, or within ten minutes of it; those of its service first. */
export function relatedIncidents<T extends IncidentPart>(
  alert: RuleAlert,
  incidents: readonly T[],
  nowMs: number,
): { readonly incident: T; readonly sameService: boolean }[] {
  const service = serviceOf(alert.labels);
  return incidents
    .filter(
      ({ onsetMs, resolvedMs }) =>
        onsetMs - BESIDE_MS <= (alert.resolvedAtMs ?? nowMs) && (resolvedMs ?? nowMs) + BESIDE_MS >= alert.activeAtMs,
    )
    .map((incident) => ({ incident, sameService: service !== '' && incident.services.includes(service) }))
    .sort((a, b) => Number(b.sameService) - Number(a.sameService) || b.incident.onsetMs - a.incident.onsetMs);
}
