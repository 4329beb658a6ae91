/** A finding in force: since when, until when (end of the last bad bucket), and its latest figures. */
export interface ActiveSpell {
  onsetMs: number;
  untilMs: number;
}

/**
 * k-of-n evidence with hold-down: a spell starts when `sustained` of the last `length` buckets are bad, and ends when
 * at most one of them still is. The onset is the first bad bucket of the window that started it.
 */
export class Sustained {
  private readonly length: number;
  private readonly needed: number;
  /** Bit i: bucket i of the window is bad. Evidence windows have at most 24 buckets (pacing.ts). */
  private flags = 0;
  /** Starts of the bad buckets: most series never have one. */
  private times: Float64Array | null = null;
  private next = 0;
  private bad = 0;
  spell: ActiveSpell | null = null;

  constructor(length: number, needed: number) {
    this.length = length;
    this.needed = needed;
  }

  get badCount(): number {
    return this.bad;
  }

  /** `confirm` may veto the start of a spell (a windowed test), never its end. Returns the spell in force or null. */
  push(isBad: boolean, startMs: number, endMs: number, confirm = true): ActiveSpell | null {
    const bit = 1 << this.next;
    if ((this.flags & bit) !== 0) this.bad--;
    if (isBad) {
      this.bad++;
      this.flags |= bit;
      this.times ??= new Float64Array(this.length);
      this.times[this.next] = startMs;
    } else this.flags &= ~bit;
    this.next = (this.next + 1) % this.length;
    if (this.spell === null && confirm && isBad && this.bad >= this.needed)
      this.spell = { onsetMs: this.firstBadMs(startMs), untilMs: endMs };
    else if (this.spell !== null && isBad) this.spell.untilMs = endMs;
    if (this.spell !== null && this.bad <= 1) this.spell = null;
    return this.spell;
  }

  /** Forgets the evidence, as after a gap longer than the window. */
  clear(): void {
    this.flags = 0;
    this.bad = 0;
    this.spell = null;
  }

  private firstBadMs(nowMs: number): number {
    for (let i = 0; i < this.length; i++) {
      const at = (this.next + i) % this.length;
      if ((this.flags & (1 << at)) !== 0) return this.times?.[at] ?? nowMs;
    }
    return nowMs;
  }
}
