/** The last answers by key; the one kept longest goes first when there are too many. Pure. */
export class AnswerCache {
  private readonly kept = new Map<string, unknown>();
  private readonly limit: number;
  constructor(limit: number) {
    this.limit = limit;
  }
  get(key: string): unknown {
    return this.kept.get(key);
  }
  keep(key: string, answer: unknown): void {
    this.kept.delete(key);
    this.kept.set(key, answer);
    const oldest = this.kept.keys().next();
    if (this.kept.size > this.limit && !oldest.done) this.kept.delete(oldest.value);
  }
}
/** Few: a table of logs or a large trace is megabytes. */
const MAX_KEPT = 16;
/** Of the page: going back shows the last answer at once, then the fresh one. */
export const answerCache = new AnswerCache(MAX_KEPT);
