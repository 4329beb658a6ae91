import { randomUUID } from 'node:crypto';
import type { AlertNotice } from '#contracts/alerting.ts';
import { fingerprintOf } from '#query/alerting/alert.ts';
import type { Message } from '#query/alerting/message.ts';
import { labelOf } from '#query/promql/labels.ts';
import { type Attempt, DELIVERED } from './attempt.ts';
import { titleOf } from './mail-text.ts';

/** Kept for a page or shell that comes a little later. */
const MAX_KEPT = 50;
const MAX_BODY = 500;

/** Notifications for whoever sits at this console: the page shows and sounds them, the shell makes the desktop's own of them. */
export class Notices {
  private readonly listeners = new Set<(notice: AlertNotice) => void>();
  private kept: readonly AlertNotice[] = [];

  onNotice(listener: (notice: AlertNotice) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  /** Oldest first. */
  list(): readonly AlertNotice[] {
    return this.kept;
  }
  /** There is always somebody to keep it; whether a person looked is not known. */
  tell(kind: AlertNotice['kind'], message: Message, nowMs: number): Attempt {
    const { receiver, alerts } = message;
    const firing = alerts.filter(({ status }) => status === 'firing');
    const first = (firing[0] ?? alerts[0])?.alert;
    const says = first ? (first.annotations.get('summary') ?? first.annotations.get('description') ?? '') : '';
    const notice: AlertNotice = {
      id: randomUUID(),
      kind,
      atMs: nowMs,
      status: firing.length > 0 ? 'firing' : 'resolved',
      receiver,
      title: titleOf(message, nowMs),
      body: says.slice(0, MAX_BODY),
      firing: firing.length,
      resolved: alerts.length - firing.length,
      fingerprint: first ? fingerprintOf(first.labels) : '',
      severity: first ? labelOf(first.labels, 'severity') : '',
    };
    this.kept = [...this.kept, notice].slice(-MAX_KEPT);
    for (const listener of this.listeners) listener(notice);
    return DELIVERED;
  }
}
