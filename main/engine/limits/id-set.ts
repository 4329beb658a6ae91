/** Small whole numbers, a bit each. */
export class IdSet {
  size = 0;
  private bits = new Uint8Array(64);

  /** @param text of toString */
  static from(text: string): IdSet {
    const set = new IdSet();
    set.bits = Uint8Array.from(Buffer.from(text, 'base64'));
    for (let byte of set.bits) for (; byte > 0; byte &= byte - 1) set.size++;
    return set;
  }
  has(id: number): boolean {
    return ((this.bits[id >>> 3] ?? 0) & (1 << (id & 7))) !== 0;
  }
  add(id: number): void {
    if (this.has(id)) return;
    const at = id >>> 3;
    if (at >= this.bits.length) {
      const bits = new Uint8Array(Math.max(at + 1, this.bits.length * 2));
      bits.set(this.bits);
      this.bits = bits;
    }
    this.bits[at] = (this.bits[at] as number) | (1 << (id & 7));
    this.size++;
  }
  copy(): IdSet {
    const set = new IdSet();
    set.bits = this.bits.slice();
    set.size = this.size;
    return set;
  }
  /** 0 without any. */
  get largest(): number {
    let end = this.bits.length;
    while (end > 0 && this.bits[end - 1] === 0) end--;
    return end === 0 ? 0 : (end - 1) * 8 + 31 - Math.clz32(this.bits[end - 1] as number);
  }
  toString(): string {
    let end = this.bits.length;
    while (end > 0 && this.bits[end - 1] === 0) end--;
    return Buffer.from(this.bits.subarray(0, end)).toString('base64');
  }
}
