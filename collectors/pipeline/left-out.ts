import { compileLimits } from '#contracts/limited-source.ts';
import { ALL_SOURCES, type LeftOutNews } from '#contracts/processes.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';

/** An answer waits for the engine no longer: then it tells what is durable, and the counters tell the rest. */
const PATIENCE_MS = 2_000;
/** What is told before it is asked for. */
const MAX_KEPT = 1_000;

export type LeftOut = Pick<LeftOutNews, 'samples' | 'histograms' | 'exemplars'>;
/**
 * Series are judged behind the journal, by the engine. A sender of remote write is told how much was written: where a limit of series holds,
 * its answer waits until the engine has said how much the limit left out.
 */
export class LeftOutBook {
  private limited: ((source: string) => boolean)[] = [];
  private readonly full: ReadonlySet<string>;
  private readonly patienceMs: number;
  private readonly told = new Map<number, LeftOut>();
  private readonly waiting = new Map<number, (news: LeftOut | null) => void>();

  /** @param full sources without room */
  constructor(full: ReadonlySet<string>, patienceMs = PATIENCE_MS) {
    this.full = full;
    this.patienceMs = patienceMs;
  }
  setLimits(limits: SourceLimits): void {
    this.limited = compileLimits(limits)
      .filter(({ limit }) => limit.maxSeries !== undefined)
      .map(({ source }) => source);
  }
  holds(source: string): boolean {
    return this.full.has(ALL_SOURCES) || this.limited.some((fits) => fits(source));
  }
  /** @param position after the record @returns null: the engine does not say */
  async of(position: number): Promise<LeftOut | null> {
    const known = this.told.get(position);
    if (known) return known;
    let timer: NodeJS.Timeout | undefined;
    const news = await new Promise<LeftOut | null>((resolve) => {
      this.waiting.set(position, resolve);
      timer = setTimeout(resolve, this.patienceMs, null);
    });
    clearTimeout(timer);
    this.waiting.delete(position);
    return news;
  }
  hear(news: LeftOutNews): void {
    this.waiting.get(news.position)?.(news);
    this.told.set(news.position, news);
    for (const oldest of this.told.keys()) {
      if (this.told.size <= MAX_KEPT) break;
      this.told.delete(oldest);
    }
  }
}
