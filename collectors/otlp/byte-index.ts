/**
 * Numbers for byte strings: finds in place, without making a JS string, whether these bytes were seen before under
 * the same salt (a salt is the number of what they belong to: the metric of a series, the schema of a resource).
 * Entries are never removed; `clear` forgets all of them.
 */
const MAX_PROBES = 64;

export class ByteIndex {
  count = 0;
  private arena: Uint8Array;
  /** The same memory. */
  private arenaView: DataView;
  private used = 0;
  /** In words of the arena. */
  private offsets = new Uint32Array(64);
  private lengths = new Uint32Array(64);
  private salts = new Uint32Array(64);
  private hashes = new Int32Array(64);
  private slots = new Int32Array(256).fill(-1);
  private readonly maxBytes: number;

  /** @param maxBytes arena size at which nothing more is added */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.arena = new Uint8Array(4096);
    this.arenaView = new DataView(this.arena.buffer);
  }

  clear(): void {
    this.count = 0;
    this.used = 0;
    this.slots = new Int32Array(256).fill(-1);
  }
  get isFull(): boolean {
    return this.used >= this.maxBytes;
  }
  lengthOf(entry: number): number {
    return this.lengths[entry] as number;
  }
  /** Bytes of an entry; valid until the next add. */
  bytesOf(entry: number): Uint8Array {
    const offset = (this.offsets[entry] as number) * 4;
    return this.arena.subarray(offset, offset + (this.lengths[entry] as number));
  }

  /**
   * Eight bytes at a time as bigints, which V8 keeps in registers; the last eight overlap those before.
   * @param view bytes readable for 4 past start + length
   */
  matches(entry: number, view: DataView, start: number, length: number, salt: number): boolean {
    if (this.lengths[entry] !== length || this.salts[entry] !== salt) return false;
    const mine = this.arenaView;
    let a = (this.offsets[entry] as number) * 4;
    if (length < 8) return matchesShort(mine, a, view, start, length);
    let b = start;
    const last = start + length - 8;
    for (; b < last; b += 8, a += 8) if (mine.getBigInt64(a, true) !== view.getBigInt64(b, true)) return false;
    return mine.getBigInt64(a - (b - last), true) === view.getBigInt64(last, true);
  }

  /** @returns entry, or -1 when never seen */
  find(view: DataView, start: number, length: number, salt: number): number {
    const hash = hashOf(view, start, length, salt);
    const mask = this.slots.length - 1;
    for (let i = 0, at = hash & mask; i < MAX_PROBES; i++, at = (at + 1) & mask) {
      const entry = this.slots[at] as number;
      if (entry < 0) return -1;
      if (this.hashes[entry] === hash && this.matches(entry, view, start, length, salt)) return entry;
    }
    return -1;
  }

  /** @returns the new entry, or -1 when full or when too many hashes collide: the caller does without a number then */
  add(bytes: Uint8Array, view: DataView, start: number, length: number, salt: number): number {
    if (this.used + length + 4 > this.maxBytes) return -1;
    const entry = this.count;
    if (entry === this.lengths.length) this.growEntries();
    if (entry * 2 >= this.slots.length) this.growSlots();
    const hash = hashOf(view, start, length, salt);
    this.hashes[entry] = hash;
    if (!this.place(entry, hash)) return -1;
    this.reserve(length);
    this.arena.set(bytes.subarray(start, start + length), this.used);
    this.offsets[entry] = this.used / 4;
    this.lengths[entry] = length;
    this.salts[entry] = salt;
    this.used += (length + 3) & ~3;
    this.count++;
    return entry;
  }

  private place(entry: number, hash: number): boolean {
    const mask = this.slots.length - 1;
    for (let i = 0, at = hash & mask; i < MAX_PROBES; i++, at = (at + 1) & mask) {
      if ((this.slots[at] as number) >= 0) continue;
      this.slots[at] = entry;
      return true;
    }
    return false;
  }
  private growSlots(): void {
    this.slots = new Int32Array(this.slots.length * 4).fill(-1);
    for (let entry = 0; entry < this.count; entry++) this.place(entry, this.hashes[entry] as number);
  }
  private growEntries(): void {
    const size = this.lengths.length * 2;
    const wider = <A extends Uint32Array | Int32Array>(next: A, old: A): A => {
      next.set(old);
      return next;
    };
    this.offsets = wider(new Uint32Array(size), this.offsets);
    this.lengths = wider(new Uint32Array(size), this.lengths);
    this.salts = wider(new Uint32Array(size), this.salts);
    this.hashes = wider(new Int32Array(size), this.hashes);
  }
  private reserve(length: number): void {
    // Four spare bytes: short entries are compared by whole words.
    const needed = this.used + length + 4;
    if (needed <= this.arena.length) return;
    const arena = new Uint8Array((Math.max(needed, this.arena.length * 2) + 3) & ~3);
    arena.set(this.arena.subarray(0, this.used));
    this.arena = arena;
    this.arenaView = new DataView(arena.buffer);
  }
}

/** Fewer than eight bytes. */
function matchesShort(mine: DataView, at: number, view: DataView, start: number, length: number): boolean {
  let a = at;
  let b = start;
  for (const last = start + length - 4; b <= last; b += 4, a += 4) if (mine.getInt32(a, true) !== view.getInt32(b, true)) return false;
  const rest = (start + length - b) * 8;
  return rest === 0 || (mine.getInt32(a, true) ^ view.getInt32(b, true)) << (32 - rest) === 0;
}

/** Multiply-rotate over words; good enough for tables whose probes are capped, and a third of FNV's time. */
function hashOf(view: DataView, start: number, length: number, salt: number): number {
  let h = Math.imul(salt ^ length, 0x9e3779b1);
  let p = start;
  for (const last = start + length - 4; p <= last; p += 4) {
    h = Math.imul(h ^ view.getInt32(p, true), 0x85ebca6b);
    h ^= h >>> 15;
  }
  const rest = (start + length - p) * 8;
  if (rest > 0) h = Math.imul(h ^ (view.getInt32(p, true) << (32 - rest)), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
