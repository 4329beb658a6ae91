/** Who the memory is held for, as far as the budget is concerned. */
export interface Share {
  heldBytes: number;
}
/** A sender may hold this many times what is free: alone four fifths of all; each as greedy one that joins leaves a fifth of the rest. */
const SHARE_OF_FREE = 4;

/**
 * Bytes of bodies held at once. Every reservation is given back exactly once, whatever became of the request. Of a sender's
 * share there is no fixed size (dynamic thresholds, Choudhury and Hahne 1998): it shrinks as memory gets scarce, so that
 * however much some hold, there is room for whoever holds little.
 */
export class MemoryBudget {
  readonly maxBytes: number;
  /** Why the last reserve or grow was refused. */
  denial: 'backpressure' | 'over_share' = 'backpressure';
  private held = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }
  get heldBytes(): number {
    return this.held;
  }
  /** @returns null when that would be over the budget, or over the share: answer with `denial` */
  reserve(bytes: number, share: Share | null = null): Reservation | null {
    const reservation = new Reservation(this, share);
    return reservation.grow(bytes) ? reservation : null;
  }
  /** For reservations. @returns false: refused, see `denial` */
  change(bytes: number, share: Share | null): boolean {
    if (bytes > 0 && !this.allows(bytes, share)) return false;
    this.held += bytes;
    if (share) share.heldBytes += bytes;
    return true;
  }
  private allows(bytes: number, share: Share | null): boolean {
    // Something larger than the whole budget may pass when nothing else is held, or it never could.
    if (this.held === 0) return true;
    this.denial = 'backpressure';
    if (this.held + bytes > this.maxBytes) return false;
    // Whoever holds nothing gets in as long as there is room at all.
    if (!share || share.heldBytes === 0) return true;
    this.denial = 'over_share';
    return share.heldBytes + bytes <= SHARE_OF_FREE * (this.maxBytes - this.held);
  }
}
export class Reservation {
  bytes = 0;
  private readonly budget: MemoryBudget;
  private readonly share: Share | null;

  constructor(budget: MemoryBudget, share: Share | null) {
    this.budget = budget;
    this.share = share;
  }
  grow(bytes: number): boolean {
    if (!this.budget.change(bytes, this.share)) return false;
    this.bytes += bytes;
    return true;
  }
  /** Gives a part back. */
  shrink(bytes: number): void {
    this.budget.change(-bytes, this.share);
    this.bytes -= bytes;
  }
  /** Safe twice. */
  free(): void {
    this.shrink(this.bytes);
  }
}
