import type { JournalPosition } from '#contracts/journal.ts';

/**
 * Which batches of forwarding consoles are here. The first record of the journal with an id is the batch; a later one is a
 * repeat. Decided in journal order, so a replay decides the same; written down in the transaction that says how far the
 * journal is stored, so what the journal forgets is known here.
 *
 * Bounded, and shared fairly, because a sender names itself: the newest 4,096 ids of a sender, 262,144 of all, where the oldest of
 * who has most go, and 512 senders, where who has fewest goes. So names made up by the thousand push out each other, and a few that send
 * all they can leave everybody 512 ids. A sender has at most a few hundred batches between its last saved position and the newest request (exporters/forward).
 */
export const BATCHES_PER_SENDER = 4_096;
export const BATCHES = 262_144;
export const SENDERS = 512;

/** Ids forgotten since the start: the sender's own limit, the share of all, a sender beyond the last. */
export interface ForgottenBatches {
  readonly own: number;
  readonly share: number;
  readonly senders: number;
}

export interface BatchRow {
  readonly sender: string;
  readonly batch: string;
  readonly position: JournalPosition;
}
export class BatchWindow {
  /** Senders by when they were last heard, ids by age. */
  private readonly senders = new Map<string, Map<string, JournalPosition>>();
  private count = 0;
  private added: BatchRow[] = [];
  /** With the position of the record that pushed them out: a replay from before it must find them. */
  private gone: BatchRow[] = [];
  readonly forgotten: { -readonly [K in keyof ForgottenBatches]: number } = { own: 0, share: 0, senders: 0 };

  load(rows: Iterable<BatchRow>): void {
    for (const { sender, batch, position } of rows) this.insert(sender, batch, position);
  }
  /** @returns false for a repeat, which must not be stored */
  first(batch: string, position: JournalPosition): boolean {
    const sender = batch.slice(0, Math.max(0, batch.indexOf('.')));
    const known = this.senders.get(sender)?.get(batch);
    if (known !== undefined) return known === position;
    this.insert(sender, batch, position);
    this.added.push({ sender, batch, position });
    this.makeRoom(sender, position);
    return true;
  }
  private insert(sender: string, batch: string, position: JournalPosition): void {
    const batches = this.senders.get(sender) ?? new Map<string, JournalPosition>();
    this.senders.delete(sender);
    this.senders.set(sender, batches);
    if (!batches.has(batch)) this.count++;
    batches.set(batch, position);
  }
  private makeRoom(sender: string, position: JournalPosition): void {
    const own = this.senders.get(sender) as Map<string, JournalPosition>;
    if (own.size > BATCHES_PER_SENDER) this.drop('own', sender, oldestOf(own), position);
    while (this.senders.size > SENDERS) {
      const fewest = this.find(sender, (size, than) => size < than);
      for (const batch of [...(this.senders.get(fewest) as Map<string, JournalPosition>).keys()])
        this.drop('senders', fewest, batch, position);
    }
    while (this.count > BATCHES) {
      const most = this.find(null, (size, than) => size > than);
      this.drop('share', most, oldestOf(this.senders.get(most) as Map<string, JournalPosition>), position);
    }
  }
  /** Of equals the one that was silent longest. */
  private find(except: string | null, better: (size: number, than: number) => boolean): string {
    let found: string | null = null;
    let best = 0;
    for (const [sender, { size }] of this.senders) {
      if (sender === except || (found !== null && !better(size, best))) continue;
      found = sender;
      best = size;
    }
    return found as string;
  }
  private drop(why: keyof ForgottenBatches, sender: string, batch: string, position: JournalPosition): void {
    const batches = this.senders.get(sender) as Map<string, JournalPosition>;
    batches.delete(batch);
    this.forgotten[why]++;
    this.count--;
    this.gone.push({ sender, batch, position });
    if (batches.size === 0) this.senders.delete(sender);
  }

  /** What has to be written with "everything before `released` is stored". Call `written` once it is. */
  due(released: JournalPosition): { readonly add: readonly BatchRow[]; readonly remove: readonly BatchRow[] } {
    const before = ({ position }: BatchRow): boolean => position < released;
    return { add: this.added.filter(before), remove: this.gone.filter(before) };
  }
  written(released: JournalPosition): void {
    this.added = this.added.filter(({ position }) => position >= released);
    this.gone = this.gone.filter(({ position }) => position >= released);
  }
}
const oldestOf = (batches: Map<string, JournalPosition>): string => batches.keys().next().value as string;
