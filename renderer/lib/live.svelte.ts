import type { AlertNotice } from '#contracts/alerting.ts';
import type { State } from '#contracts/console-api.ts';
import type { ExplainJob } from '#contracts/explanation.ts';
import type { Incident } from '#contracts/judgement.ts';
import { ApiError, api } from './api.ts';
import { notices } from './notices.svelte.ts';

/** connecting: not yet heard. live: heard. away: the engine does not answer. locked: it wants the token. */
export type Link = 'connecting' | 'live' | 'away' | 'locked';
const RETRY_MS = 1_000;
const ANSWER_MS = 2_500;
const SILENCE_MS = 5_000;

/** What the engine says each second, and what is known while it says nothing. */
class Live {
  link = $state<Link>('connecting');
  state = $state.raw<State | null>(null);
  /** Bumped by each "incident" event, and where one may have been missed. */
  incidents = $state(0);
  latestIncident = $state.raw<Incident | null>(null);
  /** The question to the local model that last moved; job null: it is over. */
  explaining = $state.raw<{ readonly incidentId: string; readonly job: ExplainJob | null } | null>(null);
  /** Bumped when a question is over, or may be. */
  explained = $state(0);
  /** While away: does the collector still answer? null: not known yet. */
  collectorUp = $state<boolean | null>(null);
  awaySinceMs = $state<number | null>(null);
  /** While away: what the engine says it does before it can answer; null when it says nothing. */
  starting = $state.raw<Pick<ApiError, 'message' | 'migration'> | null>(null);
  /** Engine's clock minus ours. */
  skewMs = 0;
  private source: EventSource | null = null;
  private timer = 0;
  private heardMs = 0;
  private checking = false;
  /** The stream was away for a while: nobody says again what it would have said then. */
  private missed = false;

  start(): () => void {
    this.connect();
    const watch = window.setInterval(() => this.watch(), RETRY_MS);
    return () => {
      window.clearInterval(watch);
      window.clearTimeout(this.timer);
      this.source?.close();
    };
  }
  async signIn(token: string): Promise<void> {
    await api.signIn(token);
    this.connect();
  }
  private connect(): void {
    this.source?.close();
    this.missed = this.source !== null;
    const source = new EventSource('/console/events');
    this.source = source;
    source.addEventListener('state', (event: MessageEvent<string>) => this.hear(JSON.parse(event.data) as State));
    source.addEventListener('incident', (event: MessageEvent<string>) => {
      this.latestIncident = JSON.parse(event.data) as Incident;
      this.incidents++;
    });
    source.addEventListener('alert', (event: MessageEvent<string>) => notices.take(JSON.parse(event.data) as AlertNotice));
    source.addEventListener('explain', (event: MessageEvent<string>) => {
      this.explaining = JSON.parse(event.data) as { incidentId: string; job: ExplainJob | null };
      if (this.explaining.job === null) this.explained++;
    });
    source.onerror = () => void this.lost();
  }
  private hear(state: State): void {
    this.state = state;
    this.skewMs = state.nowMs - Date.now();
    this.heardMs = performance.now();
    this.link = 'live';
    this.awaySinceMs = null;
    this.collectorUp = null;
    this.starting = null;
    if (!this.missed) return;
    this.missed = false;
    this.explaining = null;
    this.explained++;
    this.incidents++;
  }
  private watch(): void {
    if (document.hidden) return;
    if (this.link === 'away') void this.askCollector();
    else if (this.link === 'live' && performance.now() - this.heardMs > SILENCE_MS) void this.lost();
  }
  private async lost(): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    this.source?.close();
    await this.check();
    this.checking = false;
    if (this.link === 'locked') return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.connect(), RETRY_MS);
  }
  private async check(): Promise<void> {
    try {
      // An engine that hangs answers as little as one that is gone.
      await api.json('/console/state', AbortSignal.timeout(ANSWER_MS));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        this.link = 'locked';
        return;
      }
      this.link = 'away';
      this.starting = error instanceof ApiError && error.code === 'starting' ? error : null;
      this.awaySinceMs ??= Date.now();
      await this.askCollector();
    }
  }
  /** The collector lives on its own: it can tell that telemetry is still being accepted. */
  private async askCollector(): Promise<void> {
    const ingest = this.state?.addresses.ingest ?? '';
    // An opaque answer is an answer: only whether somebody is there counts.
    const asked =
      ingest === ''
        ? Promise.reject(new Error('address unknown'))
        : fetch(`${ingest}/healthz`, { mode: 'no-cors', signal: AbortSignal.timeout(RETRY_MS) });
    const up = await asked.then(
      () => true,
      () => false,
    );
    if (this.link === 'away') this.collectorUp = up;
  }
}
export const live = new Live();
