/**
 * Keeps the start of statements and the commit of a flush apart. A statement binds to the hot rows and to the day
 * files one after the other; a commit in between would show it flushed rows twice, or not at all. Starts run
 * together; a commit waits for the starts under way, and starts that come later wait for it.
 */
export class StartGate {
  private starting = 0;
  private closed = false;
  private readonly waiting: (() => void)[] = [];
  private onIdle: (() => void) | null = null;
  private queue: Promise<unknown> = Promise.resolve();

  /** Runs the part of a statement that binds: from the snapshot of the hot rows until it is prepared. */
  async start<T>(work: () => Promise<T>): Promise<T> {
    while (this.closed) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.starting++;
    try {
      return await work();
    } finally {
      this.starting--;
      if (this.starting === 0) this.onIdle?.();
    }
  }

  /** Runs a commit, and what has to happen at the same instant for readers, with no statement starting. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.queue.then(() => this.runAlone(work));
    this.queue = mine.catch(() => undefined);
    return mine;
  }
  private async runAlone<T>(work: () => Promise<T>): Promise<T> {
    this.closed = true;
    if (this.starting > 0)
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
    this.onIdle = null;
    try {
      return await work();
    } finally {
      this.closed = false;
      for (const wake of this.waiting.splice(0)) wake();
    }
  }
}
