import type { ItemCounts, SourceStatus } from '#contracts/processes.ts';
import type { ReasonCode } from '#contracts/reasons.ts';

export type Signal = 'traces' | 'logs' | 'metrics' | 'profiles';
/** Receiving = something came within this time; failing = the last thing that came within it was refused. */
const RECENT_MS = 15_000;

interface Counts {
  items: number;
  requests: number;
  bytes: number;
}
const counts = (): Counts => ({ items: 0, requests: 0, bytes: 0 });

/** What one receiver took in and refused since the process started. */
export class SourceAccount {
  readonly source: string;
  readonly kind: SourceStatus['kind'];
  address = '';
  /** Set while stopping, or when the port could not be opened. */
  stopped = false;
  private error = '';
  private lastUnixMs: number | null = null;
  private lastRefusedUnixMs: number | null = null;
  private readonly accepted: Record<Signal, Counts> = {
    ...{ traces: counts(), logs: counts(), metrics: counts(), profiles: counts() },
  };
  private readonly refused = new Map<ReasonCode, number>();
  private readonly noted = new Map<ReasonCode, number>();
  private readonly nowMs: () => number;

  constructor(source: string, kind: SourceStatus['kind'], nowMs: () => number) {
    this.source = source;
    this.kind = kind;
    this.nowMs = nowMs;
  }
  /** @param bytes body as sent */
  accept(signal: Signal, items: number, bytes: number): void {
    const each = this.accepted[signal];
    each.items += items;
    each.requests++;
    each.bytes += bytes;
    this.lastUnixMs = this.nowMs();
    this.error = '';
  }
  /** @param count requests, or items of one that was taken in otherwise */
  refuse(reason: ReasonCode, message: string, count = 1): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + count);
    this.lastRefusedUnixMs = this.nowMs();
    this.error = message;
  }
  /** What was taken in with a repair, or is not there to be taken in. */
  note(reason: ReasonCode, count = 1): void {
    this.noted.set(reason, (this.noted.get(reason) ?? 0) + count);
  }
  status(): SourceStatus {
    const { source, kind, address, error, lastUnixMs, accepted } = this;
    const copy = (signal: Signal): ItemCounts => ({ ...accepted[signal] });
    return {
      source,
      kind,
      address,
      state: this.state(),
      error,
      lastUnixMs,
      accepted: {
        ...{ traces: copy('traces'), logs: copy('logs'), metrics: copy('metrics') },
        ...(accepted.profiles.requests > 0 ? { profiles: copy('profiles') } : {}),
      },
      refused: Object.fromEntries(this.refused),
      ...(this.noted.size === 0 ? {} : { noted: Object.fromEntries(this.noted) }),
    };
  }
  private state(): SourceStatus['state'] {
    if (this.stopped) return 'stopped';
    const since = this.nowMs() - RECENT_MS;
    if (this.error !== '' && (this.lastRefusedUnixMs ?? 0) >= since) return 'failing';
    return (this.lastUnixMs ?? 0) >= since ? 'receiving' : 'listening';
  }
}
