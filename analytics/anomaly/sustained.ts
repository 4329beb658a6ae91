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
  private readonly flags: Uint8Array;
  private readonly times: Float64Array;
  private readonly needed: number;
  private next = 0;
  private bad = 0;
  spell: ActiveSpell | null = null;

  constructor(length: number, needed: number) {
    this.flags = new Uint8Array(length);
    this.times = new Float64Array(length);
    this.needed = needed;
  }

  get badCount(): number {
    return this.bad;
  }

  /** `confirm` may veto the start of a spell (a windowed test), never its end. Returns the spell in force or null. */
  push(isBad: boolean, startMs: number, endMs: number, confirm = true): ActiveSpell | null {
    this.bad += (isBad ? 1 : 0) - this.flags[this.next]!;
    this.flags[this.next] = isBad ? 1 : 0;
    this.times[this.next] = startMs;
    this.next = (this.next + 1) % this.flags.length;
    if (this.spell === null && confirm && isBad && this.bad >= this.needed) this.spell = { onsetMs: this.firstBadMs(), untilMs: endMs };
    else if (this.spell !== null && isBad) this.spell.untilMs = endMs;
    if (this.spell !== null && this.bad <= 1) this.spell = null;
    return this.spell;
  }

  /** Forgets the evidence, as after a gap longer than the window. */
  clear(): void {
    this.flags.fill(0);
    this.bad = 0;
    this.spell = null;
  }

  private firstBadMs(): number {
    const length = this.flags.length;
    for (let i = 0; i < length; i++) {
      const at = (this.next + i) % length;
      if (this.flags[at] === 1) return this.times[at]!;
    }
    return this.times[(this.next + length - 1) % length]!;
  }
}
