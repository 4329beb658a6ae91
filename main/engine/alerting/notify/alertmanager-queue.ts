import type { AlertmanagerView } from '#contracts/alerting.ts';
import type { HttpConfig } from '#query/alerting/config.ts';
import { entriesOf } from '#query/promql/labels.ts';
import type { SentAlert } from '#query/rules/alerts-to-send.ts';
import { httpPost } from './http-post.ts';
import { judge } from './send-webhook.ts';
import { goJson } from './webhook-payload.ts';

/** An Alertmanager alerts are sent on to, as a prometheus.yml or a setting names it. */
export interface AlertmanagerTarget {
  /** Without /api/v2/alerts. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly http: HttpConfig | null;
}
export interface QueueParts {
  readonly target: AlertmanagerTarget;
  readonly version: string;
  readonly folder: string;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  readonly onBytes: (bytes: number) => void;
}
/** --alertmanager.notification-queue-capacity and the alerts of one request, as Prometheus has them. */
const [CAPACITY, BATCH] = [10_000, 256];

/** Alerts on their way to one Alertmanager: as Prometheus sends them, a word that is lost is said again a minute later. */
export class AlertmanagerQueue {
  private readonly parts: QueueParts;
  private waiting: SentAlert[] = [];
  private readonly counts = { sent: 0, dropped: 0, errors: 0 };
  private lastError = '';
  private lastOkMs: number | null = null;
  private working: Promise<void> | null = null;
  private readonly abort = new AbortController();

  constructor(parts: QueueParts) {
    this.parts = parts;
  }
  get url(): string {
    return this.parts.target.url;
  }
  view(): AlertmanagerView {
    const health = this.lastError !== '' ? 'failing' : this.lastOkMs === null ? 'unknown' : 'ok';
    // An address may carry a password.
    const { origin, pathname } = new URL(this.url);
    return {
      url: `${origin}${pathname === '/' ? '' : pathname}`,
      health,
      ...this.counts,
      queued: this.waiting.length,
      lastError: this.lastError,
      lastOkMs: this.lastOkMs,
    };
  }
  /** The oldest go where there are too many. */
  send(alerts: readonly SentAlert[]): void {
    this.waiting.push(...alerts);
    const over = this.waiting.length - CAPACITY;
    if (over > 0) {
      this.waiting.splice(0, over);
      this.counts.dropped += over;
    }
    this.working ??= this.work().finally(() => {
      this.working = null;
    });
  }
  private async work(): Promise<void> {
    while (this.waiting.length > 0 && !this.abort.signal.aborted) await this.post(this.waiting.splice(0, BATCH));
  }
  private async post(alerts: readonly SentAlert[]): Promise<void> {
    const { target, version, log, nowMs } = this.parts;
    const body = goJson(alerts.map(bodyOf));
    const headers = { 'user-agent': `Faultline/${version}` };
    const request = { ...this.parts, ...target, url: `${target.url}/api/v2/alerts`, body, headers, signal: this.abort.signal };
    const error = await httpPost(request).then(
      (answer) => judge(answer).error,
      (failure: Error) => failure.message,
    );
    if (error === '') {
      this.counts.sent += alerts.length;
      this.lastOkMs = nowMs();
    } else {
      this.counts.errors += alerts.length;
      this.counts.dropped += alerts.length;
      if (this.lastError === '') log(`alerts cannot be sent to ${this.view().url}: ${error}`);
    }
    this.lastError = error;
  }
  /** What waits is said again by whoever starts next. */
  async stop(): Promise<void> {
    this.abort.abort();
    await this.working;
  }
}
const time = (ms: number): string => new Date(ms).toISOString();
const bodyOf = ({ labels, annotations, startsAtMs, endsAtMs, generatorUrl }: SentAlert): object => ({
  labels: Object.fromEntries(entriesOf(labels)),
  annotations: Object.fromEntries(annotations),
  startsAt: time(startsAtMs),
  endsAt: time(endsAtMs),
  generatorURL: generatorUrl,
});
