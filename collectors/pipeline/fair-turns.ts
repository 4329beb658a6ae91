import { FairQueue } from './fair-queue.ts';

/** Bytes of bodies that are worked on between two looks at the sockets: a few milliseconds. */
const SLICE_BYTES = 2 * 1024 * 1024;

/**
 * Whose body is inflated and checked next. Alone, nobody waits; when bodies come faster than they can be worked on, senders
 * take turns by bytes, and between slices others get to send theirs: a sender of one small body does not wait for sixty large ones.
 */
export class FairTurns {
  private readonly queue = new FairQueue<{ readonly go: () => void; readonly bytes: number }>();
  private passedBytes = 0;
  private scheduled = false;

  get waiting(): number {
    return this.queue.length;
  }
  /** @returns null: go on at once */
  enter(key: string, bytes: number): Promise<void> | null {
    if (!this.scheduled) this.beginSlice();
    if (this.queue.length === 0 && this.passedBytes < SLICE_BYTES) {
      this.passedBytes += bytes;
      return null;
    }
    return new Promise((go) => this.queue.push(key, { go, bytes }, bytes));
  }
  private beginSlice(): void {
    this.passedBytes = 0;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      if (this.queue.length > 0) this.serve();
    });
  }
  private serve(): void {
    this.beginSlice();
    while (this.queue.length > 0 && this.passedBytes < SLICE_BYTES) {
      const next = this.queue.take();
      this.passedBytes += next?.bytes ?? 0;
      next?.go();
    }
  }
}
