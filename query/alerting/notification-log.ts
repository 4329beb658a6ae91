import { type Integration, integrationName } from './config.ts';

/** What a receiver's integration was last told about a group. */
export interface LogEntry {
  readonly groupKey: string;
  readonly receiver: string;
  /** webhook[0]. */
  readonly integration: string;
  /** When the group's turn was, Unix milliseconds; repeats are counted from here. */
  readonly atMs: number;
  readonly expiresMs: number;
  /** Keys of labels. */
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
}
/** Why a group's turn is told about, or not (Alertmanager's NotifyReason). */
export type NotifyReason = 'first' | 'new' | 'resolved' | 'repeat' | 'nothing-new';
/** Alertmanager's --data.retention. */
const RETENTION_MS = 120 * 3_600_000;
const MAX_ENTRIES = 200_000;

const keyOf = (receiver: string, integration: string, groupKey: string): string => `${receiver}\xff${integration}\xff${groupKey}`;
/** Alertmanager's notification log (nflog): who was told what, so that nobody is told twice. It outlives a change of configuration. */
export class NotificationLog {
  private readonly known = new Map<string, { entry: LogEntry; firing: ReadonlySet<string>; resolved: ReadonlySet<string> }>();

  constructor(entries: Iterable<LogEntry> = []) {
    for (const entry of entries) this.put(entry);
  }
  entries(): LogEntry[] {
    return [...this.known.values()].map(({ entry }) => entry);
  }
  put(entry: LogEntry): void {
    const key = keyOf(entry.receiver, entry.integration, entry.groupKey);
    // The oldest goes first: a map keeps the order of insertion.
    this.known.delete(key);
    this.known.set(key, { entry, firing: new Set(entry.firing), resolved: new Set(entry.resolved) });
    if (this.known.size > MAX_ENTRIES) this.known.delete(this.known.keys().next().value as string);
  }
  /** Kept twice as long as until the next repetition, 120 h at most. */
  log(told: Omit<LogEntry, 'integration' | 'expiresMs'>, integration: Integration, repeatMs: number): void {
    const keptMs = Math.min(2 * repeatMs || RETENTION_MS, RETENTION_MS);
    this.put({ ...told, integration: integrationName(integration), expiresMs: told.atMs + keptMs });
  }
  /** Forgets what has expired. */
  expire(nowMs: number): void {
    for (const [key, { entry }] of this.known) if (entry.expiresMs <= nowMs) this.known.delete(key);
  }
  /**
   * Whether and why an integration is to be told (notify.DedupStage.needsUpdate).
   * @param firing keys of labels, as `resolved`
   */
  reason(
    about: { readonly receiver: string; readonly groupKey: string; readonly nowMs: number; readonly repeatMs: number },
    integration: Integration,
    firing: readonly string[],
    resolved: readonly string[],
  ): NotifyReason {
    const found = this.known.get(keyOf(about.receiver, integrationName(integration), about.groupKey));
    if (!found || found.entry.expiresMs <= about.nowMs) return firing.length > 0 ? 'first' : 'nothing-new';
    if (firing.some((key) => !found.firing.has(key))) return found.firing.size === 0 ? 'first' : 'new';
    if (firing.length === 0) return found.firing.size > 0 ? 'resolved' : 'nothing-new';
    if (integration.sendResolved && resolved.some((key) => !found.resolved.has(key))) return 'resolved';
    return found.entry.atMs + about.repeatMs <= about.nowMs ? 'repeat' : 'nothing-new';
  }
}
