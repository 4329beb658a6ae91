import type { AlertmanagerView } from '#contracts/alerting.ts';
import type { SentAlert } from '#query/rules/alerts-to-send.ts';
import { AlertmanagerQueue, type AlertmanagerTarget } from './alertmanager-queue.ts';

export interface AlertmanagersParts {
  readonly version: string;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
/** Real Alertmanagers alerts of rules are sent on to. */
export class Alertmanagers {
  /** Request bytes that were sent. */
  egressBytes = 0;
  private readonly parts: AlertmanagersParts;
  private queues: readonly AlertmanagerQueue[] = [];

  constructor(parts: AlertmanagersParts) {
    this.parts = parts;
  }
  /** They begin with empty queues: a rule says again what is lost. @param folder relative files stand here */
  set(targets: readonly AlertmanagerTarget[], folder: string): void {
    for (const queue of this.queues) void queue.stop();
    this.queues = targets.map((target) => {
      const onBytes = (bytes: number): void => {
        this.egressBytes += bytes;
      };
      return new AlertmanagerQueue({ ...this.parts, target, folder, onBytes });
    });
  }
  send(alerts: readonly SentAlert[]): void {
    for (const queue of this.queues) queue.send(alerts);
  }
  views(): AlertmanagerView[] {
    return this.queues.map((queue) => queue.view());
  }
  async stop(): Promise<void> {
    await Promise.all(this.queues.map((queue) => queue.stop()));
  }
}
