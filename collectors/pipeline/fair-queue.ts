/** What one sender may pass in one turn, bytes; a larger item waits until its sender has saved up for it. */
const QUANTUM = 64 * 1024;

interface Lane<T> {
  key: string;
  readonly items: T[];
  readonly costs: number[];
  /** Index of the next item. */
  head: number;
  saved: number;
}
/**
 * A queue with a lane for each sender, served in turns by bytes (deficit round robin, Shreedhar and Varghese 1995): however
 * much one of them has put in, another waits for a quantum of each lane and not for all of it. Within a lane first comes first.
 */
export class FairQueue<T> {
  length = 0;
  private readonly lanes = new Map<string, Lane<T>>();
  private turns: Lane<T>[] = [];
  private at = 0;
  /** An empty lane, used again: with one sender a lane would be made for each item. */
  private spare: Lane<T> | null = null;

  push(key: string, item: T, cost: number): void {
    let lane = this.lanes.get(key);
    if (!lane) {
      lane = this.spare ?? { key, items: [], costs: [], head: 0, saved: 0 };
      this.spare = null;
      lane.key = key;
      this.lanes.set(key, lane);
      this.turns.push(lane);
    }
    lane.items.push(item);
    lane.costs.push(cost);
    this.length++;
  }
  /** The item whose turn it is, still in the queue; undefined when there is none. */
  peek(): T | undefined {
    const lane = this.turn();
    return lane?.items[lane.head];
  }
  take(): T | undefined {
    const lane = this.turn();
    if (!lane) return undefined;
    const item = lane.items[lane.head] as T;
    lane.saved -= lane.costs[lane.head] as number;
    lane.head++;
    this.length--;
    if (lane.head === lane.items.length) this.drop(lane);
    else if (lane.head > 64 && lane.head * 2 > lane.items.length) {
      lane.items.splice(0, lane.head);
      lane.costs.splice(0, lane.head);
      lane.head = 0;
    }
    return item;
  }
  takeAll(): T[] {
    const all: T[] = [];
    for (let item = this.take(); item !== undefined; item = this.take()) all.push(item);
    return all;
  }
  /** Moves on until a lane has saved up for its next item. */
  private turn(): Lane<T> | undefined {
    if (this.turns.length <= 1) return this.turns[0];
    for (;;) {
      const lane = this.turns[this.at] as Lane<T>;
      if (lane.saved >= (lane.costs[lane.head] as number)) return lane;
      this.at = (this.at + 1) % this.turns.length;
      (this.turns[this.at] as Lane<T>).saved += QUANTUM;
    }
  }
  private drop(lane: Lane<T>): void {
    this.lanes.delete(lane.key);
    const index = this.turns.indexOf(lane);
    this.turns.splice(index, 1);
    if (index < this.at) this.at--;
    if (this.at >= this.turns.length) this.at = 0;
    lane.items.length = lane.costs.length = lane.head = lane.saved = 0;
    this.spare = lane;
  }
}
