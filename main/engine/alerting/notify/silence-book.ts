import { randomUUID } from 'node:crypto';
import { ALERTING_LIMITS, type AlertMatcher, type SilenceRecord } from '#contracts/alerting.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { AlertingStore } from '#contracts/store.ts';
import { type Matcher, type MatchOperator, matcherOf } from '#query/alerting/matcher.ts';
import { type Silence, silenceState } from '#query/alerting/silence.ts';

const DAY_MS = 86_400_000;
/** What a silence is made or changed by. Without an id: a new one. */
export type SilenceEdit = Omit<SilenceRecord, 'updatedAtMs' | 'annotations'> & Partial<Pick<SilenceRecord, 'annotations'>>;
export const operatorOf = ({ isEqual, isRegex }: Pick<AlertMatcher, 'isEqual' | 'isRegex'>): MatchOperator =>
  isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!=';
const compiled = ({ name, value, ...how }: AlertMatcher): Matcher => matcherOf(name, operatorOf(how), value);
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Silences, in memory and in the store; the one place that changes them, as Alertmanager's silence.Silences does. */
export class SilenceBook {
  private readonly store: Pick<AlertingStore, 'silences' | 'saveSilences' | 'removeSilences'>;
  private readonly nowMs: () => number;
  private records = new Map<string, SilenceRecord>();
  /** A new array whenever one changes: see query/alerting/silence.ts. */
  private silences: readonly Silence[] = [];
  private writing: Promise<unknown> = Promise.resolve();

  constructor({ store, nowMs }: { store: Pick<AlertingStore, 'silences' | 'saveSilences' | 'removeSilences'>; nowMs: () => number }) {
    this.store = store;
    this.nowMs = nowMs;
  }
  async load(): Promise<void> {
    this.put(await this.store.silences());
  }
  /** Those that hold or will hold. */
  list(): readonly Silence[] {
    return this.silences;
  }
  /** Those that are over too: of the past they tell what was kept back. */
  ever(): readonly Silence[] {
    return [...this.records.values()].map((record) => ({ ...record, matchers: record.matchers.map(compiled) }));
  }
  /** Active ones by their end, pending ones by their beginning, expired ones the last first. */
  all(): readonly SilenceRecord[] {
    const nowMs = this.nowMs();
    const rank = { active: 0, pending: 1, expired: 2 };
    const stateOf = (each: SilenceRecord): keyof typeof rank => silenceState(each, nowMs);
    return [...this.records.values()].sort((a, b) => {
      const state = stateOf(a);
      const order = rank[state] - rank[stateOf(b)];
      if (order !== 0) return order;
      if (state === 'active') return a.endsAtMs - b.endsAtMs;
      return state === 'pending' ? a.startsAtMs - b.startsAtMs : b.endsAtMs - a.endsAtMs;
    });
  }
  get(id: string): SilenceRecord | undefined {
    return this.records.get(id);
  }
  private put(changed: readonly SilenceRecord[]): void {
    for (const record of changed) this.records.set(record.id, record);
    const nowMs = this.nowMs();
    this.silences = [...this.records.values()]
      .filter((record) => record.endsAtMs > nowMs)
      .map((record) => ({ ...record, matchers: record.matchers.map(compiled) }));
  }
  /**
   * Adds a silence, or changes the one with its id. What would change the past ends the old one and makes a new one, with another id.
   * @returns the id @throws FaultlineError bad_request in Alertmanager's words, not_found
   */
  set(edit: SilenceEdit): Promise<string> {
    return this.inTurn(async () => {
      const nowMs = this.nowMs();
      if (edit.startsAtMs >= edit.endsAtMs) refuse('Failed to create silence: start time must be before end time');
      if (edit.endsAtMs < nowMs) refuse("Failed to create silence: end time can't be in the past");
      const before = edit.id === '' ? undefined : this.records.get(edit.id);
      if (edit.id !== '' && !before) throw new FaultlineError('not_found', 'silence not found');
      check(edit);
      const record = { ...edit, annotations: edit.annotations ?? {}, updatedAtMs: nowMs };
      if (before && mayChange(before, edit, nowMs)) {
        await this.save([record]);
        return record.id;
      }
      const ended = before && silenceState(before, nowMs) !== 'expired' ? [expired(before, nowMs)] : [];
      if (this.records.size >= ALERTING_LIMITS.silences) await this.makeRoom(nowMs);
      const fresh = { ...record, id: randomUUID(), startsAtMs: Math.max(edit.startsAtMs, nowMs) };
      await this.save([...ended, fresh]);
      return fresh.id;
    });
  }
  /** Ends one now. One that has ended stays as it is. @throws FaultlineError not_found */
  expire(id: string): Promise<void> {
    return this.inTurn(async () => {
      const record = this.records.get(id);
      if (!record) throw new FaultlineError('not_found', 'silence not found');
      const nowMs = this.nowMs();
      if (silenceState(record, nowMs) !== 'expired') await this.save([expired(record, nowMs)]);
    });
  }
  /** Lets go what ended long ago. */
  prune(nowMs: number): Promise<void> {
    return this.inTurn(() =>
      this.forget([...this.records.values()].filter((each) => each.endsAtMs < nowMs - ALERTING_LIMITS.keptDays * DAY_MS)),
    );
  }
  /** The one that ended longest ago. @throws FaultlineError when none has ended */
  private async makeRoom(nowMs: number): Promise<void> {
    const [oldest] = [...this.records.values()]
      .filter((each) => silenceState(each, nowMs) === 'expired')
      .sort((a, b) => a.endsAtMs - b.endsAtMs);
    if (!oldest) refuse(`exceeded maximum number of silences: ${this.records.size} (limit: ${ALERTING_LIMITS.silences})`);
    await this.forget([oldest]);
  }
  private async forget(records: readonly SilenceRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.store.removeSilences(records.map(({ id }) => id));
    for (const { id } of records) this.records.delete(id);
    this.put([]);
  }
  /** Holds once it is on the disk. */
  private async save(records: readonly SilenceRecord[]): Promise<void> {
    await this.store.saveSilences(records);
    this.put(records);
  }
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.writing.then(work);
    this.writing = done.catch(() => undefined);
    return done;
  }
}
function refuse(message: string): never {
  throw new FaultlineError('bad_request', message);
}
function check({ matchers, ...rest }: SilenceEdit): void {
  if (matchers.length === 0) refuse('silence invalid: at least one matcher required');
  let isAll = true;
  matchers.forEach((matcher, i) => {
    const invalid = (why: string): never => refuse(`silence invalid: invalid label matcher ${i}: ${why}`);
    if (!LABEL_NAME.test(matcher.name)) invalid(`invalid label name ${JSON.stringify(matcher.name)}`);
    try {
      isAll &&= compiled(matcher).matches('');
    } catch (error) {
      invalid(`invalid regular expression ${JSON.stringify(matcher.value)}: error parsing regexp: ${(error as Error).message}`);
    }
  });
  if (isAll) refuse('silence invalid: at least one matcher must not match the empty string');
  const bytes = Buffer.byteLength(JSON.stringify({ matchers, ...rest }));
  if (bytes > ALERTING_LIMITS.silenceBytes)
    refuse(`silence exceeded maximum size: ${bytes} bytes (limit: ${ALERTING_LIMITS.silenceBytes} bytes)`);
}
const expired = (record: SilenceRecord, nowMs: number): SilenceRecord => ({
  ...record,
  // One that has not begun never did.
  startsAtMs: Math.min(record.startsAtMs, nowMs),
  endsAtMs: nowMs,
  updatedAtMs: nowMs,
});
const seconds = (ms: number): number => Math.floor(ms / 1000);
/** Whether a change leaves what was silenced in the past as it was. */
function mayChange(before: SilenceRecord, edit: SilenceEdit, nowMs: number): boolean {
  if (JSON.stringify(before.matchers.map(identity)) !== JSON.stringify(edit.matchers.map(identity))) return false;
  const state = silenceState(before, nowMs);
  if (state === 'active') return seconds(before.startsAtMs) === seconds(edit.startsAtMs);
  return state === 'pending' && edit.startsAtMs >= nowMs;
}
const identity = ({ name, value, isRegex, isEqual }: AlertMatcher): readonly unknown[] => [name, value, isRegex, isEqual];
