import type { SentMark } from '#contracts/alerting.ts';
import type { AlertingStore } from '#contracts/store.ts';
import { type Alert, isResolved, type PostedAlert } from '#query/alerting/alert.ts';
import type { Integration } from '#query/alerting/config.ts';
import { Dispatcher, type GroupFlush, type Delivery as PlannedDelivery } from '#query/alerting/dispatcher.ts';
import type { Message } from '#query/alerting/message.ts';
import { type LogEntry, NotificationLog } from '#query/alerting/notification-log.ts';
import { entriesOf, labelsOf } from '#query/promql/labels.ts';
import type { Attempt } from './attempt.ts';
import { ConfigFile, type ConfigSettings } from './config-file.ts';
import { Deliverer } from './deliverer.ts';
import { DeliveryBook } from './delivery-book.ts';
import { flushLine, isTold } from './flush-line.ts';
import { Notices } from './notices.ts';
import { sendTo } from './send-to.ts';
import { SilenceBook } from './silence-book.ts';
import { toText } from './to-text.ts';

export interface NotifierParts {
  readonly store: AlertingStore;
  readonly config: ConfigSettings;
  readonly version: string;
  /** Of the console: where links of notifications lead. */
  readonly externalUrl: () => string;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** Absent: chance. */
  readonly random?: () => number;
}
/** Where an alert came from, and when it first did. */
export interface Origin {
  readonly from: 'rules' | 'api';
  readonly firstMs: number;
}
/** A changed configuration is looked for this often. */
const LOOK_MS = 5_000;
/** Timers of the system are not asked for more. */
const LONGEST_MS = 60_000;
/** After a restart an alert that was told of is given so long to be spoken of again before it counts as resolved. */
const GRACE_MS = 5 * 60_000;
/** Alerts of a group that are remembered with their texts. */
const MAX_REMEMBERED = 500;
const PRUNE_MS = 60 * 60_000;

/** What is kept of a group that was told, beside the entry of the notification log. */
interface Remembered {
  readonly entry: LogEntry;
  readonly alerts: readonly {
    readonly labels: readonly (readonly [string, string])[];
    readonly annotations: readonly (readonly [string, string])[];
    readonly startsAtMs: number;
    readonly endsAtMs: number;
    readonly generatorUrl: string;
    readonly from: Origin['from'];
  }[];
}

/**
 * Alerts become notifications: silences, the dispatcher over the real clock, deliveries, the log of both. Alerts come from rules and from
 * other senders; a restart goes on where this was, by what was written down.
 */
export class Notifier {
  readonly silences: SilenceBook;
  readonly book: DeliveryBook;
  readonly deliverer: Deliverer;
  readonly notices = new Notices();
  readonly config: ConfigFile;
  dispatcher: Dispatcher;
  received = 0;
  /** Request bytes that were sent to receivers. */
  egressBytes = 0;
  startedMs: number;
  private droppedBefore = 0;
  private readonly parts: NotifierParts;
  private readonly origins = new Map<string, Origin>();
  private sentLog = new RecordingLog();
  private timer: NodeJS.Timeout | null = null;
  private prunedMs = 0;
  private isLoaded = false;

  constructor(parts: NotifierParts) {
    const { store, nowMs, log } = parts;
    this.parts = parts;
    this.startedMs = nowMs();
    this.silences = new SilenceBook({ store, nowMs });
    this.book = new DeliveryBook({ store, nowMs, log });
    this.config = new ConfigFile(parts.config);
    this.deliverer = new Deliverer({
      book: this.book,
      send: (integration, message, signal) => this.send(integration, message, signal),
      externalUrl: parts.externalUrl,
      nowMs,
      random: parts.random ?? Math.random,
    });
    this.dispatcher = this.newDispatcher();
  }
  private newDispatcher(): Dispatcher {
    return new Dispatcher({ config: this.config.current, silences: () => this.silences.list(), log: this.sentLog });
  }
  /** Alerts that were over the limit. */
  get dropped(): number {
    return this.droppedBefore + this.dispatcher.dropped;
  }
  async start(): Promise<void> {
    await this.silences.load();
    const marks = (await this.book.load()).flatMap(readMark);
    this.sentLog = new RecordingLog(marks.map(({ entry }) => entry));
    this.look();
    this.dispatcher = this.newDispatcher();
    const nowMs = this.parts.nowMs();
    for (const { alerts } of marks)
      for (const { labels, annotations, from, ...alert } of alerts) {
        const endsAtMs = Math.max(alert.endsAtMs, nowMs + GRACE_MS);
        this.put({ ...alert, endsAtMs, labels: labelsOf(labels), annotations: new Map(annotations) }, from);
      }
    this.isLoaded = true;
    this.schedule();
  }
  /** @returns how many were not taken: there are too many */
  receive(posted: readonly PostedAlert[], from: Origin['from']): number {
    const refused = posted.filter((alert) => !this.put(alert, from)).length;
    this.received += posted.length - refused;
    this.schedule();
    return refused;
  }
  private put(posted: PostedAlert, from: Origin['from']): boolean {
    const nowMs = this.parts.nowMs();
    const alert = this.dispatcher.put(posted, nowMs);
    if (alert) this.origins.set(alert.labels.key, { from, firstMs: this.origins.get(alert.labels.key)?.firstMs ?? nowMs });
    return alert !== null;
  }
  /** Alerts of other senders. */
  posted(): Alert[] {
    return this.dispatcher.alerts().filter((alert) => this.originOf(alert)?.from === 'api');
  }
  originOf(alert: Pick<Alert, 'labels'>): Origin | undefined {
    return this.origins.get(alert.labels.key);
  }

  /** What is due now. */
  turn(): void {
    const nowMs = this.parts.nowMs();
    try {
      this.look();
      for (const flush of this.dispatcher.advance(nowMs)) this.handle(flush);
      if (nowMs - this.prunedMs >= PRUNE_MS) this.prune(nowMs);
    } catch (error) {
      // The next turn is a new chance.
      this.parts.log(`BUG: notifications: ${(error as Error).stack}`);
    }
    this.schedule();
  }
  private handle(flush: GroupFlush): void {
    const { dispatcher, deliverer } = this;
    const line = this.book.add(flushLine(flush, toText));
    // Told to nobody, or to nobody we could tell: it is written down as if it were.
    for (const delivery of flush.deliveries)
      if (!isTold(delivery) && delivery.reason !== 'nothing-new') {
        const mark = this.markSent(dispatcher, flush, delivery);
        if (mark) void this.book.put(line, mark);
      }
    deliverer.start(flush, line, (delivery) => this.markSent(dispatcher, flush, delivery));
  }
  private markSent(dispatcher: Dispatcher, flush: GroupFlush, delivery: PlannedDelivery): SentMark | null {
    this.sentLog.last = null;
    dispatcher.sent(flush, delivery);
    const entry = this.sentLog.last as LogEntry | null;
    if (!entry) return null;
    const firing = flush.alerts.filter(({ status }) => status === 'firing').slice(0, MAX_REMEMBERED);
    const remembered: Remembered = {
      entry,
      alerts: firing.map(({ alert }) => ({
        labels: entriesOf(alert.labels),
        annotations: [...alert.annotations],
        ...{ startsAtMs: alert.startsAtMs, endsAtMs: alert.endsAtMs, generatorUrl: alert.generatorUrl },
        from: this.originOf(alert)?.from ?? 'api',
      })),
    };
    const key = [entry.receiver, entry.integration, entry.groupKey].join('\u0001');
    return { key, atMs: entry.atMs, expiresMs: entry.expiresMs, json: JSON.stringify(remembered) };
  }
  private async send(integration: Integration, message: Message, signal: AbortSignal): Promise<Attempt> {
    const { nowMs, version } = this.parts;
    if (integration.kind === 'desktop' || integration.kind === 'sound') return this.notices.tell(integration.kind, message, nowMs());
    return sendTo(integration, message, {
      ...{ folder: this.config.folder, templates: this.config.templates, version, signal, nowMs },
      onBytes: (bytes) => {
        this.egressBytes += bytes;
      },
    });
  }
  /** Takes over the configuration's file when it has changed. */
  private look(): void {
    const said = this.config.look(this.parts.nowMs());
    for (const line of said.lines) this.parts.log(line);
    if (!said.isChanged || !this.isLoaded) return;
    const before = this.dispatcher;
    this.droppedBefore += before.dropped;
    this.dispatcher = this.newDispatcher();
    const nowMs = this.parts.nowMs();
    // Nobody said an end: it is not one now.
    for (const alert of before.alerts())
      this.dispatcher.put({ ...alert, endsAtMs: alert.isTimeout && !isResolved(alert, nowMs) ? null : alert.endsAtMs }, nowMs);
  }
  private prune(nowMs: number): void {
    this.prunedMs = nowMs;
    const known = new Set(this.dispatcher.alerts().map(({ labels }) => labels.key));
    for (const key of this.origins.keys()) if (!known.has(key)) this.origins.delete(key);
    this.silences.prune(nowMs).catch((error: Error) => this.parts.log(`silences: ${error.message}`));
  }
  private schedule(): void {
    if (!this.isLoaded) return;
    if (this.timer) clearTimeout(this.timer);
    const { nextMs } = this.dispatcher;
    const waits = [LONGEST_MS, nextMs === null ? LONGEST_MS : nextMs - this.parts.nowMs(), this.config.isAsked ? LOOK_MS : LONGEST_MS];
    this.timer = setTimeout(() => this.turn(), Math.max(10, Math.min(...waits)));
    this.timer.unref();
  }
  async stop(): Promise<void> {
    this.isLoaded = false;
    if (this.timer) clearTimeout(this.timer);
    await this.deliverer.stop();
    await this.book.stop();
  }
}
/** Says what it was given last. */
class RecordingLog extends NotificationLog {
  last: LogEntry | null = null;

  override put(entry: LogEntry): void {
    super.put(entry);
    this.last = entry;
  }
}
function readMark({ json }: SentMark): Remembered[] {
  try {
    return [JSON.parse(json) as Remembered];
  } catch {
    return [];
  }
}
