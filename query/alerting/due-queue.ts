/** What is due when, earliest first (a binary heap); equal times in the order they came. */
export class DueQueue<T> {
  private readonly items: { readonly atMs: number; readonly order: number; readonly value: T }[] = [];
  private count = 0;

  get size(): number {
    return this.items.length;
  }
  peek(): { readonly atMs: number; readonly value: T } | null {
    return this.items[0] ?? null;
  }
  push(atMs: number, value: T): void {
    const { items } = this;
    let at = items.push({ atMs, order: this.count++, value }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }
  pop(): void {
    const { items } = this;
    const last = items.pop();
    if (!last || items.length === 0) return;
    items[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < items.length && this.isBefore(left, least)) least = left;
      if (right < items.length && this.isBefore(right, least)) least = right;
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }
  private isBefore(a: number, b: number): boolean {
    const [x, y] = [this.items[a], this.items[b]] as [(typeof this.items)[number], (typeof this.items)[number]];
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order);
  }
  private swap(a: number, b: number): void {
    const { items } = this;
    const kept = items[a] as (typeof items)[number];
    items[a] = items[b] as (typeof items)[number];
    items[b] = kept;
  }
}
