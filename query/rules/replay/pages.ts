import type { AlertmanagerConfig } from '#query/alerting/config.ts';
import { Dispatcher, type GroupFlush } from '#query/alerting/dispatcher.ts';
import type { NotifyReason } from '#query/alerting/notification-log.ts';
import type { Silence } from '#query/alerting/silence.ts';
import type { Labels } from '#query/promql/labels.ts';
import type { Episode } from './replay.ts';

/** What would have been sent of alerts that fired: the dispatcher that sends live, over the time of the window. */
export interface Page {
  readonly atMs: number;
  readonly receiver: string;
  readonly groupLabels: Labels;
  readonly reason: Exclude<NotifyReason, 'nothing-new'>;
  /** Keys of the labels of what was told to fire. */
  readonly firing: readonly string[];
  readonly resolved: number;
}
/** A turn at which something was kept back. */
export interface HeldBack {
  readonly by: 'silence' | 'inhibition' | 'mute-interval' | 'inactive-interval';
  readonly id: string;
  readonly key: string;
  readonly atMs: number;
}
export interface Paged {
  readonly pages: readonly Page[];
  /** Each alert and why, once. */
  readonly heldBack: readonly HeldBack[];
  /** Turns were more than are taken: pages end at this time. null: all are there. */
  readonly cutMs: number | null;
}
export interface PageOptions {
  readonly config: AlertmanagerConfig;
  readonly silences: readonly Silence[];
  /** [startMs, endMs): what is told before is left out, and known. */
  readonly startMs: number;
  readonly endMs: number;
  /** Alerts looked at in all turns of all groups. */
  readonly maxTurns: number;
}
/** Rings somebody; that something is over does not. */
export const rings = ({ reason }: Pick<Page, 'reason'>): boolean => reason !== 'resolved';
const NO_TEXTS: ReadonlyMap<string, string> = new Map();
const YEAR_MS = 366 * 86_400_000;

export function pagesOf(episodes: Iterable<Episode>, { config, silences, startMs, endMs, maxTurns }: PageOptions): Paged {
  const events: { readonly atMs: number; readonly labels: Labels; readonly startsAtMs: number; readonly endsAtMs: number }[] = [];
  for (const { labels, firedAtMs, endedAtMs } of episodes) {
    if (firedAtMs === null) continue;
    // Said again each minute, an alert that fires has an end in the future always.
    events.push({ atMs: firedAtMs, labels, startsAtMs: firedAtMs, endsAtMs: endMs + YEAR_MS });
    if (endedAtMs !== null) events.push({ atMs: endedAtMs, labels, startsAtMs: firedAtMs, endsAtMs: endedAtMs });
  }
  events.sort((a, b) => a.atMs - b.atMs);
  const dispatcher = new Dispatcher({ config, silences: () => silences });
  const pages: Page[] = [];
  const heldBack = new Map<string, HeldBack>();
  let turns = 0;
  const note = (flush: GroupFlush): void => {
    dispatcher.sent(flush);
    const { atMs, receiver, groupLabels, reason, alerts, suppressed } = flush;
    turns += alerts.length + suppressed.length;
    if (atMs < startMs) return;
    for (const { by, id, alert } of suppressed) {
      const key = `${by} ${id} ${alert.labels.key}`;
      if (!heldBack.has(key)) heldBack.set(key, { by, id, key: alert.labels.key, atMs });
    }
    if (reason === 'nothing-new' || reason === 'suppressed' || reason === 'no-integration') return;
    const firing = alerts.flatMap(({ alert, status }) => (status === 'firing' ? alert.labels.key : []));
    pages.push({ atMs, receiver, groupLabels, reason, firing, resolved: alerts.length - firing.length });
  };
  /** @returns when it was too much */
  const advance = (untilMs: number): number | null => {
    for (let next = dispatcher.nextMs; next !== null && next < untilMs; next = dispatcher.nextMs) {
      for (const flush of dispatcher.advance(next)) note(flush);
      if (turns > maxTurns) return next;
    }
    return null;
  };
  for (const { atMs, labels, startsAtMs, endsAtMs } of events) {
    const cutMs = advance(atMs);
    if (cutMs !== null) return { pages, heldBack: [...heldBack.values()], cutMs };
    if (atMs >= endMs) break;
    turns++;
    dispatcher.put({ labels, annotations: NO_TEXTS, startsAtMs, endsAtMs, generatorUrl: '' }, atMs);
  }
  return { pages, heldBack: [...heldBack.values()], cutMs: advance(endMs) };
}
