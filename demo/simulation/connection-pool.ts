import { Histogram } from '../otlp-metric-writer.ts';
import type { EventLoop, Task } from './event-loop.ts';

const WAIT_BOUNDS_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10];

/** A fixed number of places, first come first served; used for database connections and for worker threads. */
export class ConnectionPool {
  readonly size: number;
  readonly createdMs: number;
  used = 0;
  timeouts = 0;
  acquired = 0;
  readonly waitSeconds = new Histogram(WAIT_BOUNDS_SECONDS);
  readonly useSeconds = new Histogram(WAIT_BOUNDS_SECONDS);
  #waiting: { task: Task; granted: boolean; gone: boolean }[] = [];
  readonly #loop: EventLoop;

  constructor(loop: EventLoop, size: number) {
    this.#loop = loop;
    this.size = size;
    this.createdMs = loop.nowMs;
  }
  get pending(): number {
    return this.#waiting.length;
  }
  /** Waits for a place; false when none came free within `timeoutMs`. */
  *acquire(timeoutMs: number): Generator<number, boolean, void> {
    const startMs = this.#loop.nowMs;
    if (this.used < this.size) this.used += 1;
    else {
      const waiter = { task: this.#loop.current, granted: false, gone: false };
      this.#waiting.push(waiter);
      yield startMs + timeoutMs;
      if (!waiter.granted) {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        this.timeouts += 1;
        this.waitSeconds.observe(timeoutMs / 1000);
        return false;
      }
    }
    this.acquired += 1;
    this.waitSeconds.observe((this.#loop.nowMs - startMs) / 1000);
    return true;
  }
  release(heldMs = 0): void {
    this.useSeconds.observe(heldMs / 1000);
    const next = this.#waiting.shift();
    if (next) {
      next.granted = true;
      this.#loop.wake(next.task, this.#loop.nowMs);
    } else this.used -= 1;
  }
}
