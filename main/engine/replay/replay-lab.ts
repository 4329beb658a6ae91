import { FaultlineError } from '#contracts/errors.ts';
import type { Incident } from '#contracts/judgement.ts';
import { REPLAY_LIMITS, type ReplayBody } from '#contracts/replay.ts';
import type { OtlpNaming } from '#contracts/settings.ts';
import type { Store } from '#contracts/store.ts';
import { type PromqlAnswer, PromqlThreads } from '#main/engine/promql-threads.ts';
import type { AlertingWork } from '#main/promql/messages.ts';
import { type LiveAlerting, toCarry } from './carried-alerting.ts';
import { onRecord } from './trouble-of.ts';

export interface ReplayLabParts {
  readonly store: Store;
  readonly otlpNaming?: OtlpNaming | undefined;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  readonly incidents: () => readonly Incident[];
  readonly live: () => LiveAlerting;
  /** Where a rule that is adopted goes. */
  readonly adoptedFile: string;
}
export interface ReplayTalk {
  readonly signal: AbortSignal;
  readonly onProgress?: (share: number) => void;
}
/** A thread holds labels of all series while it is kept. */
const IDLE_MS = 60_000;
/** It ends by itself when its time is over, and says so; a thread that does not is ended. */
const LATE_MS = 5_000;

/** Rules over stored windows and the noise report, a few at a time, in threads of their own: no query waits for them, and no socket. */
export class ReplayLab {
  readonly threads: PromqlThreads;
  readonly counts = { done: 0, failed: 0, cancelled: 0, seconds: 0 };
  running = 0;
  private readonly parts: ReplayLabParts;

  constructor(parts: ReplayLabParts) {
    this.parts = parts;
    const limits = { timeoutMs: REPLAY_LIMITS.timeoutMs + LATE_MS, threads: REPLAY_LIMITS.atOnce, longMs: 0, idleMs: IDLE_MS };
    this.threads = new PromqlThreads({ store: parts.store, otlpNaming: parts.otlpNaming, nowMs: parts.nowMs, log: parts.log, limits });
  }
  /** The JSON of a ReplayAnswer. @throws FaultlineError bad_request, replay_too_large, replay_busy, query_memory, query_timeout, cancelled */
  replay(body: ReplayBody, talk: ReplayTalk): Promise<PromqlAnswer> {
    return this.ask('/console/replay', body, talk);
  }
  /** The JSON of a NoiseAnswer. @throws likewise */
  noise(window: { readonly startMs: number; readonly endMs: number }, signal: AbortSignal): Promise<PromqlAnswer> {
    return this.ask('/console/noise', window, { signal });
  }
  stop(): Promise<void> {
    return this.threads.stop();
  }
  private async ask(path: string, asked: object, { signal, onProgress }: ReplayTalk): Promise<PromqlAnswer> {
    if (this.running >= REPLAY_LIMITS.atOnce)
      throw new FaultlineError('replay_busy', `${this.running} replays are under way, which is as many as are done at once.`);
    this.running++;
    const startedMs = performance.now();
    const { counts } = this;
    try {
      const { live, incidents, adoptedFile } = this.parts;
      const work: AlertingWork = { live: toCarry(live()), incidents: incidents().map(onRecord), adoptedFile };
      const request = { path, search: '', form: JSON.stringify(asked), about: { work }, signal };
      const answer = await this.threads.ask({ ...request, ...(onProgress ? { onProgress } : {}) });
      counts.done++;
      return answer;
    } catch (error) {
      if (signal.aborted) counts.cancelled++;
      else counts.failed++;
      throw error;
    } finally {
      this.running--;
      counts.seconds += (performance.now() - startedMs) / 1000;
    }
  }
}
