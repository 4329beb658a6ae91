import { setTimeout as sleep } from 'node:timers/promises';
import { ALERTING_LIMITS, type Delivery, type DeliveryTarget, type IntegrationView, type SentMark } from '#contracts/alerting.ts';
import { type Integration, integrationName } from '#query/alerting/config.ts';
import type { GroupFlush, Delivery as PlannedDelivery } from '#query/alerting/dispatcher.ts';
import type { Message } from '#query/alerting/message.ts';
import { type Attempt, pauseMs } from './attempt.ts';
import type { DeliveryBook } from './delivery-book.ts';
import { isTold, outcomeOf } from './flush-line.ts';
import { toText } from './to-text.ts';

/** Deliveries under way at once; others wait their turn. */
const MAX_AT_ONCE = 32;
export interface DelivererParts {
  readonly book: DeliveryBook;
  /** One try. Never rejects. */
  readonly send: (integration: Integration, message: Message, signal: AbortSignal) => Promise<Attempt>;
  readonly externalUrl: () => string;
  readonly nowMs: () => number;
  readonly random: () => number;
}
type Health = Omit<IntegrationView, 'kind' | 'to' | 'name' | 'sendResolved'>;
/** What the sender of a turn does once an integration has it: told by the dispatcher whose turn it is. */
export type Told = (delivery: PlannedDelivery) => SentMark | null;

/** Brings what groups tell to their integrations: tries, pauses, gives up at the turn's end, and writes each step down. */
export class Deliverer {
  sent = 0;
  failed = 0;
  retries = 0;
  private readonly parts: DelivererParts;
  private readonly health = new Map<string, Health>();
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly turns: (() => void)[] = [];
  private free = MAX_AT_ONCE;
  private readonly abort = new AbortController();

  constructor(parts: DelivererParts) {
    this.parts = parts;
  }
  healthOf(receiver: string, integration: Integration): Health {
    const none: Health = { health: 'unknown', sent: 0, failed: 0, retries: 0, lastOkMs: null, lastErrorMs: null, lastError: '' };
    const known = this.health.get(healthKey(receiver, integration)) ?? none;
    return integration.kind === 'foreign' ? { ...known, health: 'not_delivered' } : known;
  }
  get waiting(): number {
    return this.underWay.size;
  }
  /** @param line of this turn, in the log already */
  start(flush: GroupFlush, line: Delivery, told: Told): void {
    const state = { line };
    for (const delivery of flush.deliveries.filter(isTold)) {
      const key = `${flush.receiver}\xff${integrationName(delivery.integration)}\xff${flush.groupKey}`;
      // The turn before is still at it, and has the group's next turn to tell this.
      if (this.underWay.has(key)) {
        this.change(state, delivery, { outcome: 'left_out' });
        continue;
      }
      const work = this.deliver(flush, delivery, state, told).finally(() => this.underWay.delete(key));
      this.underWay.set(key, work);
    }
  }
  private async deliver(flush: GroupFlush, delivery: PlannedDelivery, state: { line: Delivery }, told: Told): Promise<void> {
    const { nowMs, random, externalUrl, send } = this.parts;
    const { receiver, groupKey, groupLabels, deadlineMs } = flush;
    const { integration, alerts } = delivery;
    const message: Message = { receiver, groupKey, groupLabels, alerts, externalUrl: externalUrl() };
    for (let tries = 1; ; tries++) {
      await this.turn();
      const [atMs, startedMs] = [nowMs(), performance.now()];
      const attempt = await send(integration, message, this.abort.signal).finally(() => this.next());
      const ms = Math.round(performance.now() - startedMs);
      const pause = Math.max(pauseMs(tries, random()), attempt.retryAfterMs ?? 0);
      const nextMs = !attempt.ok && attempt.retry && !this.abort.signal.aborted && nowMs() + pause < deadlineMs ? nowMs() + pause : null;
      const outcome = attempt.ok ? 'sent' : nextMs === null ? 'failed' : 'sending';
      this.note(receiver, integration, attempt, nextMs);
      const { ok, status, error } = attempt;
      const written = this.change(
        state,
        delivery,
        { outcome, nextMs },
        { atMs, ms, ok, status, error },
        attempt.ok ? told(delivery) : null,
      );
      // Who is told twice after a kill was told between the answer and this.
      if (attempt.ok) await written;
      if (nextMs === null) return;
      await sleep(pause, undefined, { signal: this.abort.signal, ref: false }).catch(() => undefined);
      if (this.abort.signal.aborted) {
        this.change(state, delivery, { outcome: 'failed', nextMs: null });
        return;
      }
    }
  }
  private change(
    state: { line: Delivery },
    { integration }: PlannedDelivery,
    change: Partial<DeliveryTarget>,
    attempt: DeliveryTarget['attempts'][number] | null = null,
    mark: SentMark | null = null,
  ): Promise<void> {
    const name = integrationName(integration);
    const targets = state.line.targets.map((target): DeliveryTarget => {
      if (target.name !== name) return target;
      const attempts = attempt ? [...target.attempts, attempt].slice(-ALERTING_LIMITS.attemptsTold) : target.attempts;
      return { ...target, ...change, attempts, attemptCount: target.attemptCount + (attempt ? 1 : 0) };
    });
    state.line = { ...state.line, targets, outcome: outcomeOf(targets) };
    return this.parts.book.put(state.line, mark ?? undefined);
  }
  private note(receiver: string, integration: Integration, { ok, error }: Attempt, nextMs: number | null): void {
    const key = healthKey(receiver, integration);
    const before = this.healthOf(receiver, integration);
    const nowMs = this.parts.nowMs();
    if (ok) {
      this.sent++;
      this.health.set(key, { ...before, health: 'ok', sent: before.sent + 1, lastOkMs: nowMs });
      return;
    }
    const isOver = nextMs === null;
    if (isOver) this.failed++;
    else this.retries++;
    this.health.set(key, {
      ...before,
      health: isOver ? 'failing' : 'retrying',
      failed: before.failed + (isOver ? 1 : 0),
      retries: before.retries + (isOver ? 0 : 1),
      ...{ lastErrorMs: nowMs, lastError: error },
    });
  }
  private turn(): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.turns.push(resolve));
  }
  private next(): void {
    const first = this.turns.shift();
    if (first) first();
    else this.free++;
  }
  /** What is under way is cut; the group tells again after the start. */
  async stop(): Promise<void> {
    this.abort.abort();
    await Promise.all(this.underWay.values());
  }
}
const healthKey = (receiver: string, integration: Integration): string =>
  `${receiver}\xff${integrationName(integration)}\xff${toText(integration)}`;
