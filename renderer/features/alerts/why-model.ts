import type { AlertTrace, Delivery } from '#contracts/alerting.ts';
import { labelsText } from './alert-model.ts';

/** The way of one alert from its rule to whoever was told, as a chain of steps. Pure; words come from messages. */
type StepTone = 'done' | 'waiting' | 'stop' | 'bad';
type Gaps = Readonly<Record<string, string | number>>;
export interface WhyStep {
  /** Message: alerts_why_KIND. */
  readonly kind: string;
  readonly tone: StepTone;
  /** null: it has no moment. */
  readonly atMs: number | null;
  readonly gaps: Gaps;
  /** Moments among the gaps, to be written in the reader's zone. */
  readonly times?: Readonly<Record<string, number>>;
  /** Code as it stands in a file. */
  readonly code?: string;
  readonly delivery?: Delivery;
  readonly silence?: string;
}
type TraceRoute = AlertTrace['routes'][number];
const step = (kind: string, tone: StepTone, atMs: number | null, gaps: Gaps = {}, more: Partial<WhyStep> = {}): WhyStep => ({
  ...{ kind, tone, atMs, gaps },
  ...more,
});
/** Up to where all routes are the same. */
export function ruleSteps({ rule, received }: AlertTrace): WhyStep[] {
  const steps: WhyStep[] = [];
  if (rule === null)
    steps.push(step(received?.from === 'api' ? 'posted' : 'no_rule', received ? 'done' : 'waiting', received?.firstMs ?? null));
  else {
    const { name, group, line, expr, health, lastError, lastEvaluationMs, state, activeAtMs, firesAtMs, firedAtMs, forMs } = rule;
    if (health === 'err') steps.push(step('rule_fails', 'bad', lastEvaluationMs, { name, group, line, error: lastError }, { code: expr }));
    else steps.push(step('rule', 'done', activeAtMs, { name, group, line, value: rule.value ?? '–' }, { code: expr }));
    if (forMs > 0 && state === 'pending')
      steps.push(step('waits', 'waiting', activeAtMs, { forMs }, firesAtMs === null ? {} : { times: { time: firesAtMs } }));
    else if (forMs > 0 && firedAtMs !== null) steps.push(step('waited', 'done', activeAtMs, { forMs }));
    if (firedAtMs !== null) steps.push(step('fired', 'done', firedAtMs));
    if (rule.keepFiringSinceMs !== null) steps.push(step('kept', 'done', rule.keepFiringSinceMs, { forMs: rule.keepFiringForMs }));
    if (rule.resolvedAtMs !== null) steps.push(step('resolved', 'done', rule.resolvedAtMs));
  }
  if (received !== null) steps.push(step('received', 'done', received.firstMs));
  else if (rule !== null && rule.state === 'firing') steps.push(step('not_received', 'waiting', null));
  return steps;
}
const VERDICT_TONES: Readonly<Record<TraceRoute['verdict'], StepTone>> = {
  ...{ not_firing: 'waiting', waiting: 'waiting', sending: 'waiting', sent: 'done', failed: 'bad', silenced: 'stop', inhibited: 'stop' },
  ...{ muted: 'stop', inactive: 'stop', no_integration: 'bad', resolved_told: 'done', resolved_untold: 'stop' },
};
export const verdictTone = ({ verdict }: Pick<TraceRoute, 'verdict'>): StepTone => VERDICT_TONES[verdict];
const names = ({ alerts, suppressed, others }: Delivery, fingerprint: string): boolean =>
  others.includes(fingerprint) || [...alerts, ...suppressed].some((each) => each.fingerprint === fingerprint);
/** Turns of its group told of; those before are in the log. */
const TURNS = 5;

/** One route: its group, what holds the alert back, what was sent. */
export function routeSteps(route: TraceRoute, fingerprint: string): WhyStep[] {
  const { path, receiver, groupLabels, groupAlerts, nextFlushMs, silencedBy, inhibitedBy, mutedBy, verdict, deliveries } = route;
  const group = labelsText(groupLabels, ', ');
  const steps = [step('route', 'done', null, { receiver }, { code: path.join(' › ') })];
  if (groupAlerts > 0) steps.push(step('group', 'done', null, { group: group || '–', count: groupAlerts }));
  for (const { id, comment, createdBy, endsAtMs } of silencedBy)
    steps.push(step('silenced', 'stop', null, { comment, createdBy }, { times: { time: endsAtMs }, silence: id }));
  for (const { labels } of inhibitedBy) steps.push(step('inhibited', 'stop', null, { by: labelsText(labels, ', ') }));
  for (const name of mutedBy) steps.push(step(verdict === 'inactive' ? 'inactive' : 'muted', 'stop', null, { name }));
  const own = deliveries.filter((each) => names(each, fingerprint)).slice(0, TURNS);
  steps.push(...own.toReversed().map((delivery) => step('turn', turnTone(delivery), delivery.atMs, {}, { delivery })));
  if (verdict === 'no_integration') steps.push(step('no_integration', 'bad', null, { receiver }));
  if (nextFlushMs !== null) steps.push(step('next', 'waiting', nextFlushMs));
  return steps;
}
const turnTone = ({ outcome }: Pick<Delivery, 'outcome'>): StepTone =>
  ({ sent: 'done', sending: 'waiting', failed: 'bad', silent: 'stop' })[outcome] as StepTone;

/** When somebody was told last that it fires; null: never, as far as the log goes. */
export function toldMs({ deliveries }: Pick<TraceRoute, 'deliveries'>, fingerprint: string): number | null {
  const isTold = ({ outcome, alerts }: Delivery): boolean =>
    outcome === 'sent' && alerts.some((each) => each.fingerprint === fingerprint && each.status === 'firing');
  return deliveries.find(isTold)?.atMs ?? null;
}

/** Lines of several answers as one list, newest first, each once. */
export function mergeLines(...parts: readonly (readonly Delivery[])[]): Delivery[] {
  const known = new Map<string, Delivery>();
  for (const part of parts) for (const line of part) if (!known.has(line.id)) known.set(line.id, line);
  return [...known.values()].sort((a, b) => b.atMs - a.atMs);
}
