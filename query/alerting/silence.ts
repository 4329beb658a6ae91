import type { Labels } from '#query/promql/labels.ts';
import type { Matcher } from './matcher.ts';
import { MatcherIndex } from './matcher-index.ts';

/** Keeps what matches from being told about, from `startsAtMs` up to `endsAtMs` (Unix milliseconds). */
export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
}
export type SilenceState = 'pending' | 'active' | 'expired';

export function silenceState({ startsAtMs, endsAtMs }: Pick<Silence, 'startsAtMs' | 'endsAtMs'>, nowMs: number): SilenceState {
  if (nowMs < startsAtMs) return 'pending';
  return nowMs < endsAtMs ? 'active' : 'expired';
}
/**
 * Which silences hold for an alert. What matches is remembered for each set of labels as long as the list is the same array: whoever
 * changes the list hands out a new one.
 */
export class Silences {
  private readonly list: () => readonly Silence[];
  private known: readonly Silence[] = [];
  private index = new MatcherIndex<Silence>([], ({ matchers }) => matchers);
  private matching = new Map<string, readonly Silence[]>();

  constructor(list: () => readonly Silence[]) {
    this.list = list;
  }
  /** Ids of the active ones, in order. */
  of(labels: Labels, nowMs: number): string[] {
    const silences = this.list();
    if (silences !== this.known) {
      this.known = silences;
      this.index = new MatcherIndex(silences, ({ matchers }) => matchers);
      this.matching = new Map();
    }
    if (silences.length === 0) return [];
    let found = this.matching.get(labels.key);
    if (!found) {
      found = [...this.index.matching(labels)];
      this.matching.set(labels.key, found);
    }
    return found
      .filter((each) => silenceState(each, nowMs) === 'active')
      .map(({ id }) => id)
      .sort();
  }
  /** Whoever lets an alert go says so: nothing is remembered for good. */
  forget({ key }: Labels): void {
    this.matching.delete(key);
  }
}
