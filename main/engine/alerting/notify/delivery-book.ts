import { ALERTING_LIMITS, type Delivery, type DeliveryAttempt, type SentMark } from '#contracts/alerting.ts';
import type { AlertingStore, WantedDeliveries } from '#contracts/store.ts';
import { outcomeOf, sameness } from './flush-line.ts';

/** A line that only says "again" is written this often. */
const AGAIN_MS = 10 * 60_000;
const PRUNE_MS = 10 * 60_000;
/** Groups whose last line is remembered. */
const MAX_LAST = 20_000;
/** Lines that wait for a store that does not write; beyond it the oldest are lost, and counted. */
const MAX_WAITING = 5_000;
const newer = (a: Delivery, b: Delivery): number => b.atMs - a.atMs || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
const keyOf = ({ receiver, groupKey }: Delivery): string => `${receiver}\xff${groupKey}`;

/**
 * The delivery log: each turn of a group is a line, turns that say the same are one. What is under way is in memory, and in the store as far
 * as it has got; lines are written in batches, one after the other.
 */
export class DeliveryBook {
  lost = 0;
  kept = 0;
  private readonly store: AlertingStore;
  private readonly nowMs: () => number;
  private readonly log: (line: string) => void;
  /** Not in the store yet as they are here. */
  private readonly waiting = new Map<string, Delivery>();
  private readonly marks = new Map<string, SentMark>();
  private readonly last = new Map<string, { line: Delivery; readonly says: string; writtenMs: number }>();
  private working: Promise<void> | null = null;
  private prunedMs = 0;
  private isFailing = false;

  constructor({ store, nowMs, log }: { store: AlertingStore; nowMs: () => number; log: (line: string) => void }) {
    this.store = store;
    this.nowMs = nowMs;
    this.log = log;
  }
  async load(): Promise<readonly SentMark[]> {
    // What a kill left under way: nobody knows how it ended.
    const cut = await this.store.deliveries({ limit: ALERTING_LIMITS.deliveries, outcome: 'sending' });
    const ended = cut.map((line): Delivery => {
      const targets = line.targets.map((target) =>
        target.outcome === 'sending'
          ? { ...target, outcome: 'failed' as const, nextMs: null, attempts: [...target.attempts, cutOff(this.nowMs())] }
          : target,
      );
      return { ...line, targets, outcome: outcomeOf(targets) };
    });
    if (ended.length > 0) await this.store.record({ deliveries: ended, sent: [] });
    this.kept = await this.store.countDeliveries();
    return this.store.sent();
  }
  /** A new line, or one time more of the group's last. @returns the line that stands for it */
  add(line: Delivery): Delivery {
    const key = keyOf(line);
    const says = line.outcome === 'silent' ? sameness(line) : '';
    const before = this.last.get(key);
    if (before && says !== '' && before.says === says) {
      before.line = { ...before.line, times: before.line.times + 1, lastMs: line.lastMs };
      if (this.nowMs() - before.writtenMs >= AGAIN_MS || this.waiting.has(before.line.id)) {
        before.writtenMs = this.nowMs();
        this.put(before.line);
      }
      return before.line;
    }
    // The last word about the turns before.
    if (before && before.line.times > 1) this.put(before.line);
    this.last.delete(key);
    this.last.set(key, { line, says, writtenMs: this.nowMs() });
    if (this.last.size > MAX_LAST) this.last.delete(this.last.keys().next().value as string);
    this.kept++;
    this.put(line);
    return line;
  }
  /** A line has changed. Resolves once it is on the disk as it is now, with the mark. Never rejects: a store that cannot write is told. */
  put(line: Delivery, mark?: SentMark): Promise<void> {
    this.waiting.set(line.id, line);
    if (mark) this.marks.set(mark.key, mark);
    while (this.waiting.size > MAX_WAITING) {
      this.lost++;
      this.waiting.delete(this.waiting.keys().next().value as string);
    }
    // The one that has begun may have taken what was there before.
    const begun = this.working;
    return begun ? begun.then(() => this.written()) : this.written();
  }
  private written(): Promise<void> {
    if (this.working) return this.working;
    if (this.waiting.size === 0 && this.marks.size === 0) return Promise.resolve();
    this.working = this.write().finally(() => {
      this.working = null;
    });
    return this.working;
  }
  private async write(): Promise<void> {
    // What comes within this turn of the event loop goes along.
    await new Promise<void>((done) => setImmediate(done));
    const [deliveries, sent] = [[...this.waiting.values()], [...this.marks.values()]];
    try {
      await this.store.record({ deliveries, sent });
      for (const line of deliveries) if (this.waiting.get(line.id) === line) this.waiting.delete(line.id);
      for (const mark of sent) if (this.marks.get(mark.key) === mark) this.marks.delete(mark.key);
      this.isFailing = false;
      if (this.nowMs() - this.prunedMs >= PRUNE_MS) {
        this.prunedMs = this.nowMs();
        this.kept -= await this.store.prune(this.nowMs());
      }
    } catch (error) {
      if (!this.isFailing) this.log(`notifications cannot be written down: ${(error as Error).message}`);
      this.isFailing = true;
    }
  }
  /** Newest first, as they are now. */
  async list(wanted: WantedDeliveries): Promise<readonly Delivery[]> {
    await this.written();
    const before = [...this.waiting.values()];
    const stored = await this.store.deliveries(wanted);
    const known = new Map<string, Delivery>();
    // What is written while the store is asked may be in neither.
    for (const line of [...before, ...this.waiting.values(), ...[...this.last.values()].map((each) => each.line)])
      known.set(line.id, further(known.get(line.id), line));
    return stored.map((line) => further(known.get(line.id), line)).sort(newer);
  }
  async stop(): Promise<void> {
    for (const { line } of this.last.values()) if (line.times > 1) this.waiting.set(line.id, line);
    await this.written();
    await this.written();
  }
}
/** Lines only move on: more tries, then an end, more times. */
const progress = ({ targets, outcome, times }: Delivery): number =>
  targets.reduce((sum, { attemptCount }) => sum + attemptCount, 0) * 2 + (outcome === 'sending' ? 0 : 1) + times;
const further = (known: Delivery | undefined, line: Delivery): Delivery => (known && progress(known) > progress(line) ? known : line);
const cutOff = (atMs: number): DeliveryAttempt => ({
  ...{ atMs, ms: 0, ok: false, status: null },
  error: 'the console was stopped before it was known how this ended; the next turn of the group tells again',
});
