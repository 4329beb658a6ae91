/** Runs pieces of work one after the other, in the order asked. A failed piece does not stop the next. */
export class Serial {
  private last: Promise<unknown> = Promise.resolve();
  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }
}
