/** Bytes of bodies held at once. Every reservation is given back exactly once, whatever became of the request. */
export class MemoryBudget {
  readonly maxBytes: number;
  private held = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }
  get heldBytes(): number {
    return this.held;
  }
  /** @returns null when that would be over the budget: answer with back-pressure */
  reserve(bytes: number): Reservation | null {
    const reservation = new Reservation((change) => this.change(change));
    return reservation.grow(bytes) ? reservation : null;
  }
  private change(bytes: number): boolean {
    // Something larger than the whole budget may pass when nothing else is held, or it never could.
    if (bytes > 0 && this.held > 0 && this.held + bytes > this.maxBytes) return false;
    this.held += bytes;
    return true;
  }
}
export class Reservation {
  bytes = 0;
  private readonly change: (bytes: number) => boolean;

  constructor(change: (bytes: number) => boolean) {
    this.change = change;
  }
  grow(bytes: number): boolean {
    if (!this.change(bytes)) return false;
    this.bytes += bytes;
    return true;
  }
  /** Gives a part back. */
  shrink(bytes: number): void {
    this.change(-bytes);
    this.bytes -= bytes;
  }
  /** Safe twice. */
  free(): void {
    this.change(-this.bytes);
    this.bytes = 0;
  }
}
