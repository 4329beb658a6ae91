/**
 * Discrete-event kernel. A process is a generator that yields the time (ms) at which it wants to go on; it may be
 * woken earlier by `wake`. Events of equal time run in the order they were scheduled, so runs repeat exactly.
 */
export type Process = Generator<number, void, void>;
export interface Task {
  readonly process: Process;
  /** Counts wake-ups: a heap entry of an older turn is stale. */
  turn: number;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly turn: number;
  readonly target: Task | (() => void);
}
const before = (a: Entry, b: Entry): boolean => (a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order);

export class EventLoop {
  nowMs: number;
  /** The running process; valid only while it runs. */
  current!: Task;
  readonly #heap: Entry[] = [];
  #order = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }
  start(process: Process, atMs: number): Task {
    const task: Task = { process, turn: 0 };
    this.#push(atMs, 0, task);
    return task;
  }
  at(atMs: number, action: () => void): void {
    this.#push(atMs, 0, action);
  }
  /** Lets a waiting process go on at `atMs`; what it was waiting for before is forgotten. */
  wake(task: Task, atMs: number): void {
    task.turn += 1;
    this.#push(atMs, task.turn, task);
  }
  /** Runs everything up to and including `untilMs`. */
  run(untilMs: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= untilMs) {
      const { atMs, turn, target } = this.#pop();
      if (typeof target === 'function') {
        this.nowMs = atMs;
        target();
      } else if (target.turn === turn) {
        this.nowMs = atMs;
        this.#resume(target);
      }
    }
    this.nowMs = untilMs;
  }
  #resume(task: Task): void {
    task.turn += 1;
    const turn = task.turn;
    this.current = task;
    const step = task.process.next();
    if (!step.done && step.value !== Number.POSITIVE_INFINITY && task.turn === turn) this.#push(step.value, turn, task);
  }
  #push(timeMs: number, turn: number, target: Task | (() => void)): void {
    const entry: Entry = { atMs: Math.max(timeMs, this.nowMs), order: this.#order++, turn, target };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }
  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    while (true) {
      const left = at * 2 + 1;
      if (left >= heap.length) break;
      const smaller = left + 1 < heap.length && before(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!before(heap[smaller]!, last)) break;
      heap[at] = heap[smaller]!;
      at = smaller;
    }
    heap[at] = last;
    return top;
  }
}
