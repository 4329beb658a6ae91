import { type Labels, labelOf } from '#query/promql/labels.ts';
import { type Matcher, matchesAll } from './matcher.ts';

/** From how many on an index is worth it. */
const INDEXED = 8;

/** Finds what matches among many: by one label each must have a value of, which most ask for (a team, a service, a severity). */
export class MatcherIndex<T> {
  private readonly items: readonly T[];
  private readonly matchersOf: (item: T) => readonly Matcher[];
  /** Places in `items` by name and value. */
  private readonly places = new Map<string, Map<string, number[]>>();
  private readonly others: number[] = [];

  constructor(items: readonly T[], matchersOf: (item: T) => readonly Matcher[]) {
    this.items = items;
    this.matchersOf = matchersOf;
    if (items.length < INDEXED) return;
    for (const [i, item] of items.entries()) {
      const matcher = matchersOf(item).find(({ operator, value }) => operator === '=' && value !== '');
      if (matcher) this.place(matcher, i);
      else this.others.push(i);
    }
  }
  private place({ name, value }: Matcher, at: number): void {
    const values = this.places.get(name) ?? new Map<string, number[]>();
    const found = values.get(value);
    if (found) found.push(at);
    else this.places.set(name, values.set(value, [at]));
  }
  /** Those that match, in their order. */
  *matching(labels: Labels): Iterable<T> {
    for (const item of this.candidates(labels)) if (matchesAll(this.matchersOf(item), labels)) yield item;
  }
  private candidates(labels: Labels): readonly T[] {
    const { items, places } = this;
    if (items.length < INDEXED) return items;
    const found = [...this.others];
    for (const [name, values] of places) found.push(...(values.get(labelOf(labels, name)) ?? []));
    return found.sort((a, b) => a - b).map((i) => items[i] as T);
  }
}
